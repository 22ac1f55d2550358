"""Checks that answer back: `check("softmax_loss", softmax_loss)` tells what holds, what is off, and often why."""

from collections.abc import Callable
from pathlib import Path

from .answer_key import CheckKey, load_key
from .calling import call
from .loops import find_loop, sources_beside
from .verdicts import Report, judge

__all__ = ["check"]


def check(name: str, function: Callable, folder: str | Path = ".") -> Report:
    """Try `function` on the cases of the answer key beside the notebook and report, property by property.

    name: the function's name in the assignment. folder: where the answer key is (default: the notebook's folder).
    The report shows itself as a table at the end of a notebook cell; `.passed` and `.verdicts` are there for code.

    Raises FileNotFoundError when no answer key is beside the notebook, KeyError when no key knows `name`, and
    TypeError when `function` cannot be called.
    """
    if not callable(function):
        raise TypeError(
            f"check({name!r}, ...) needs the function itself, but got {type(function).__name__}. "
            f"Write check({name!r}, {name}), without brackets after the second {name}."
        )
    key = _find_key(name, Path(folder))
    outcomes = [[call(function, case.arguments) for case in p.cases] for p in key.properties]
    return judge(key, outcomes, find_loop(name, _sources(name, function)))


def _sources(name: str, function: Callable) -> dict[str, str]:
    if not hasattr(function, "__globals__"):
        return {}
    sources = sources_beside(function)
    return {**sources, name: sources[function.__name__]} if function.__name__ in sources else sources


def _find_key(name: str, folder: Path) -> CheckKey:
    """The key of function `name`; an instructor's solutions/assignmentN finds it in assignments/assignmentN."""
    here = folder.resolve()
    paths = sorted(here.glob("*_key.npz")) or sorted((here.parent.parent / "assignments" / here.name).glob("*_key.npz"))
    if not paths:
        raise FileNotFoundError(
            f"No answer key (*_key.npz) in {here}. Open the notebook from its own folder in the course, "
            "with the files that came with it."
        )
    keys = {key.function: key for path in paths for key in load_key(path)}
    if name not in keys:
        raise KeyError(f"no check is called {name!r}; this folder has {', '.join(sorted(keys))}")
    return keys[name]
