"""The networks that an architecture explorer can show: famous ones, the user's own, and one typed into the page."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from types import SimpleNamespace

from cs231n_kit.architectures import ARCHITECTURES, Architecture
from cs231n_kit.networks import Sequential, parse
from cs231n_kit.widgets import architecture_text
from cs231n_kit.widgets.architecture_explorer_blocks import Block, blocks_of

TYPED = "your own text"  # the name of the network typed into the page
MOST_LAYERS = 500
CIFAR = (3, 32, 32)
FILTERS, UNITS, CLASSES = 16, 64, 10  # of a text that does not name its widths


@dataclass(frozen=True)
class Explored:
    """A network with the shape of one example of its input; ``network`` is a definition, and stays one."""

    name: str
    network: Sequential
    input_shape: tuple[int, ...]
    about: str = ""

    @cached_property
    def block(self) -> Block:
        return blocks_of(self.network, self.input_shape)


class Networks:
    """Networks by name. ``networks[name]`` builds a famous one when it is first asked for.

    Args:
        own: None, or a mapping from names to definitions: an ``Architecture``, a ``Sequential`` or a text for
            ``parse`` with the shape of its input, ``(network, (3, 224, 224))``, or a text alone, which then is for
            images (3, 32, 32). They come before the famous ones; one of the same name takes its place.

    Raises:
        TypeError, ValueError: one of them is of another kind, cannot be read, or does not fit together.
    """

    def __init__(self, own=None):
        if own is not None and not isinstance(own, Mapping):
            raise TypeError(
                "networks must be a mapping from names to networks, such as "
                f'{{"mine": (Sequential(...), (3, 32, 32))}}, not {type(own).__name__}'
            )
        self._built = {_name(name): _given(str(name), value) for name, value in (own or {}).items()}
        self.own = list(self._built)
        self.names = [*self.own, *(name for name in ARCHITECTURES if name not in self._built)]

    def __getitem__(self, name):
        if name not in self._built:
            self._built[name] = _famous(ARCHITECTURES[name])
        return self._built[name]


def read_text(text, side):
    """The ``Explored`` of a line such as ``[CONV->RELU]*2->POOL->FC`` for images of side x side pixels in colour.

    Raises ``architecture_text.ArchitectureError``, which says where and why, if no network can be built from it.
    """
    data = SimpleNamespace(input_shape=(3, side, side), class_names=range(CLASSES))
    settings = {"architecture": text, "filters": FILTERS, "units": UNITS, "batch_size": 1}
    reading = architecture_text.read(settings, data)
    if reading.problem:
        raise architecture_text.ArchitectureError(text, reading)
    return Explored(TYPED, reading.network, data.input_shape, text)


def _famous(architecture):
    about = f"{architecture.source}. {architecture.idea}"
    return Explored(architecture.name, architecture.build(), architecture.input_shape, about)


def _name(name):
    if not isinstance(name, str) or not 0 < len(name) <= 40 or name == TYPED:
        raise ValueError(f"a network's name must be a text of 1 to 40 characters and not {TYPED!r}; got {name!r}")
    return name


def _given(name, value):
    if isinstance(value, Architecture):
        return _famous(value)
    definition, shape = value if isinstance(value, tuple) and len(value) == 2 else (value, None)
    if isinstance(definition, str):
        definition, about = parse(definition, CLASSES, FILTERS, UNITS), definition
        shape = CIFAR if shape is None else shape
    elif isinstance(definition, Sequential):
        shape, about = definition.input_shape if shape is None else shape, ""
    else:
        raise TypeError(f"networks[{name!r}] must be a Sequential or a text for parse, not {type(definition).__name__}")
    if shape is None:
        raise ValueError(
            f"networks[{name!r}] is a definition without the shape of its input: give both, as (network, (3, 224, 224))"
        )
    definition = Sequential(*definition.steps)  # what the user may initialise or train later is not touched
    try:
        explored = Explored(name, definition, definition.summary(shape).input_shape, about)
    except ValueError as error:
        raise ValueError(f"networks[{name!r}]: {error}") from None
    layers = sum(1 for _ in definition.layers())
    if not 1 <= layers <= MOST_LAYERS:
        raise ValueError(f"networks[{name!r}] has {layers} layers; from 1 to {MOST_LAYERS} can be shown")
    return explored
