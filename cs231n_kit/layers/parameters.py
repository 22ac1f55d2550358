"""The checks of a layer's dictionary of settings, such as ``conv_param``."""

from collections.abc import Mapping


def check_names(name, parameters, known):
    """Raise ValueError for a misspelt parameter, which would be ignored otherwise, TypeError for no dictionary."""
    if not isinstance(parameters, Mapping):
        raise TypeError(f"{name} must be a dictionary (of {', '.join(known)}), not {parameters!r}")
    unknown = [key for key in parameters if key not in known]
    if unknown:
        raise ValueError(f"{name} has the unknown entry {unknown[0]!r}; it may have {', '.join(known)}")
