"""Networks from the notation of lecture 05: ``INPUT -> [[CONV -> RELU]*N -> POOL?]*M -> [FC -> RELU]*K -> FC``."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import NoReturn

from cs231n_kit.networks.activation import ELU, LeakyReLU, ReLU, Sigmoid, Tanh
from cs231n_kit.networks.affine import Affine
from cs231n_kit.networks.convolution import Convolution, Flatten, MaxPool
from cs231n_kit.networks.layer import check_count
from cs231n_kit.networks.normalization import BatchNorm, Dropout
from cs231n_kit.networks.sequential import Sequential

ACTIVATIONS = {"RELU": ReLU, "LEAKYRELU": LeakyReLU, "ELU": ELU, "SIGMOID": Sigmoid, "TANH": Tanh}
NAMES = ("CONV", "POOL", "FC", "BN", "DROPOUT", *ACTIVATIONS)
MOST_LAYERS = 1_000
DEEPEST = 20  # brackets in brackets

TOKEN = re.compile(
    r"\s*(?:(?P<arrow>->|→)|(?P<sign>[][*?])|(?P<name>[A-Za-z]+)(?P<size>\d+)?(?:-(?P<width>\d+(?:\.\d+)?))?"
    r"|(?P<number>\d+)|(?P<other>\S))"
)


def parse(
    text: str,
    classes: int = 10,
    filters: int | Sequence[int] = 32,
    units: int | Sequence[int] = 256,
    optional: bool = True,
    **counts: int,
) -> Sequential:
    """The network that a line such as ``[[CONV->RELU]*2->POOL]*3->[FC->RELU]*1->FC`` describes, not yet initialised.

    ``CONV``
        3 x 3 filters, padded so that height and width stay. CONV5 has 5 x 5 filters, CONV-64 has 64 of them, CONV5-64
        both.
    ``POOL``
        the maximum of 2 x 2 pixels, with stride 2; POOL3 of 3 x 3, with stride 3.
    ``FC``
        a fully connected layer, FC-100 with 100 units. The last one makes the scores of the classes.
    ``BN``, ``DROPOUT``, ``RELU``, ``LEAKYRELU``, ``ELU``, ``SIGMOID``, ``TANH``
        batch normalisation, dropout (DROPOUT-0.8 **keeps** 80 %), activations.

    ``[...]*3`` repeats, ``*0`` leaves out, ``?`` marks what is optional. Space and case do not matter, and INPUT may
    stand at the beginning.

    classes: the units of the last FC that does not name its own.
    filters: of each CONV before the first POOL; they double with each POOL. Or a number for each stage, the last of
        which goes for all further stages.
    units: of each FC but the last; or a number for each, the last of which goes for all further ones.
    optional: whether parts marked with ? are built.
    counts: numbers for letters: ``parse("[[CONV->RELU]*N->POOL?]*M->FC", N=2, M=3)``.

    Raises ValueError that shows the place in the text and says what was expected there.
    """
    check_count("classes", classes)
    reader = _Reader(text, {name.upper(): count for name, count in counts.items()}, optional)
    layers = reader.read()
    builder = _Builder(text, _widths("filters", filters), _widths("units", units))
    scores = max((i for i, layer in enumerate(layers) if layer.name == "FC"), default=None)
    for i, layer in enumerate(layers):
        builder.add(layer, classes if i == scores else None)
    return Sequential(*builder.built)


@dataclass(frozen=True)
class _Token:
    kind: str  # "arrow", "sign", "name", "number", "other" or "end"
    text: str
    place: int
    name: str = ""
    size: str | None = None
    width: str | None = None


class _Reader:
    """Recursive descent over the grammar, expanding repetitions on the way:

    sequence = item {"->" item};  item = (layer | "[" sequence "]") {"*" count | "?"}
    """

    def __init__(self, text, counts, optional):
        if not isinstance(text, str):
            raise TypeError(f"text must be a string such as 'CONV->RELU->FC', not {text!r}")
        self.text, self.counts, self.optional = text, counts, optional
        self.tokens = _tokens(text)
        self.next = 0
        self.unused = set(counts)

    def read(self) -> list[_Token]:
        if self.token.name == "INPUT":
            self.take()
            self.expect("arrow", '"->" after INPUT')
        layers = self.sequence(depth=0)
        if self.token.kind != "end":
            self.fail('"->", "*", "?" or the end was expected')
        if self.unused:
            raise ValueError(f"{', '.join(sorted(self.unused))} is given, but does not occur in {self.text!r}")
        if not layers:
            _fail(self.text, 0, "this describes no layers at all")
        return layers

    def sequence(self, depth) -> list[_Token]:
        layers = self.item(depth)
        while self.token.kind == "arrow":
            self.take()
            place = self.token.place
            layers = layers + self.item(depth)
            if len(layers) > MOST_LAYERS:
                _fail(self.text, place, f"these are more than {MOST_LAYERS:,} layers")
        return layers

    def item(self, depth) -> list[_Token]:
        start = self.take()
        if start.text == "[":
            if depth == DEEPEST:
                _fail(self.text, start.place, f"brackets are nested more than {DEEPEST} deep")
            layers = self.sequence(depth + 1)
            self.expect("]", '"->", "*", "?" or "]", which closes the bracket,')
        elif start.kind == "name":
            _check_name(self.text, start)
            layers = [start]
        else:
            _fail(self.text, start.place, f'a layer ({", ".join(NAMES)}) or "[" was expected')
        while self.token.text in ("*", "?"):
            layers = layers * (self.count(len(layers)) if self.take().text == "*" else bool(self.optional))
        return layers

    def count(self, layers) -> int:
        """How often so many layers are repeated."""
        token = self.take()
        name = token.text.upper()
        if token.kind == "number":
            count = int(token.text)
        elif name in self.counts:
            self.unused.discard(name)
            count = self.counts[name]
            if isinstance(count, bool) or not isinstance(count, Integral) or count < 0:
                raise ValueError(f"{name} must be a number of repetitions, 0 or more, not {count!r}")
        else:
            hint = f": give it to parse as {name}=2" if token.kind == "name" else ""
            _fail(self.text, token.place, f"a number of repetitions was expected{hint}")
        if count * layers > MOST_LAYERS:
            _fail(self.text, token.place, f"these are more than {MOST_LAYERS:,} layers")
        return count

    @property
    def token(self) -> _Token:
        return self.tokens[self.next]

    def take(self) -> _Token:
        token = self.token
        self.next = min(self.next + 1, len(self.tokens) - 1)
        return token

    def expect(self, what, words):
        if what not in (self.token.kind, self.token.text):
            self.fail(f"{words} was expected")
        self.take()

    def fail(self, message) -> NoReturn:
        _fail(self.text, self.token.place, message)


class _Builder:
    """Layers in order, with the widths that their place gives them."""

    def __init__(self, text, filters, units):
        self.text, self.filters, self.units = text, filters, units
        self.built = []
        self.stage = self.hidden = 0
        self.images, self.vectors = False, False  # whether a layer has shown that its input is one

    def add(self, token, classes):
        if token.name in ("CONV", "POOL"):
            if self.vectors:
                _fail(self.text, token.place, f"after FC there are no images left for {token.name}")
            self.images = True
        if token.name == "FC":
            if self.images and not self.vectors:
                self.built.append(Flatten())
            self.vectors = True
        self.built.append(self.layer(token, classes))

    def layer(self, token, classes):
        size, width = token.size and int(token.size), token.width
        if token.name == "CONV":
            size = size or 3
            return Convolution(int(width or self.filters(self.stage)), size, pad=size // 2)
        if token.name == "POOL":
            self.stage += 1
            return MaxPool(size or 2)
        if token.name == "FC":
            if width or classes:
                return Affine(int(width or classes))
            self.hidden += 1
            return Affine(self.units(self.hidden - 1))
        if token.name == "DROPOUT":
            return Dropout(float(width)) if width else Dropout()
        return BatchNorm() if token.name == "BN" else ACTIVATIONS[token.name]()


def _tokens(text) -> list[_Token]:
    tokens = []
    for match in TOKEN.finditer(text):
        kind = "name" if match["name"] else match.lastgroup
        place = match.start(kind)
        tokens.append(
            _Token(kind, text[place : match.end()], place, (match["name"] or "").upper(), match["size"], match["width"])
        )
    return [*tokens, _Token("end", "", len(text.rstrip()))]


def _check_name(text, token):
    """Raise ValueError for a layer that there is not, or with numbers that it does not take."""
    if token.name == "INPUT":
        _fail(text, token.place, "INPUT can stand at the beginning only")
    if token.name not in NAMES:
        _fail(text, token.place, f"there is no layer {token.name}; a layer ({', '.join(NAMES)}) was expected")
    after = token.place + len(token.name)
    if token.size is not None:
        if token.name not in ("CONV", "POOL"):
            _fail(text, after, f"{token.name} has no size" + ("; for its width write FC-100" * (token.name == "FC")))
        if int(token.size) < 1 or (token.name == "CONV" and int(token.size) % 2 == 0):
            _fail(
                text,
                after,
                "an odd size was expected, such as CONV3"
                if token.name == "CONV"
                else "a size of 1 or more was expected",
            )
    if token.width is not None:
        place = after + len(token.size or "") + 1
        if token.name not in ("CONV", "FC", "DROPOUT"):
            _fail(text, place, f"{token.name} takes no number here")
        if token.name == "DROPOUT":
            if not 0 < float(token.width) <= 1:
                _fail(text, place, "the share of units to keep was expected, more than 0 and at most 1")
        elif not token.width.isdigit() or int(token.width) < 1:
            _fail(text, place, f"a positive whole number was expected, such as {token.name}-64")


def _widths(name, given):
    """The function from a stage's number to its width."""
    if isinstance(given, Sequence) and not isinstance(given, str) and given:
        for width in given:
            check_count(f"every one of {name}", width)
        return lambda stage: given[min(stage, len(given) - 1)]
    check_count(name, given)
    return lambda stage: given * 2**stage if name == "filters" else given


def _fail(text, place, message) -> NoReturn:
    """Raise ValueError with the line of the text that holds the place, and a caret below it."""
    start = text.rfind("\n", 0, place) + 1
    line = text[start:].partition("\n")[0].replace("\t", " ")
    raise ValueError(f"{message}:\n    {line}\n    {' ' * (place - start)}^")
