"""What a recurrent network reads in ``UnrolledNetwork``: letters or numbers, and puts out: the next one."""

from typing import NamedTuple

import numpy as np

MOST_STEPS, MOST_SYMBOLS, LARGEST = 16, 6, 10.0
PUNCTUATION = " .,!?'-"


class SequenceError(ValueError):
    """A sequence that cannot be read; the message says why, and what works."""


class Sequence(NamedTuple):
    """``x`` (1, T, D), float64; ``targets`` (T,): labels of the next letters, or the next numbers; ``names``: texts of
    the T + 1 letters or numbers; ``symbols``: the D different letters, none for numbers."""

    x: np.ndarray
    targets: np.ndarray
    names: tuple
    symbols: tuple

    @property
    def steps(self):
        return len(self.targets)

    @property
    def outputs(self):
        """The number of outputs V at each step."""
        return len(self.symbols) or 1


def read_sequence(reads, text):
    """The sequence that a text stands for.

    Args:
        reads: "letters", of which each is given as one-hot, or "numbers", which stand between commas or blanks.
        text: at most 17 of them; all but the last are read, all but the first are to be put out.

    Raises:
        SequenceError: the text is too short, too long, or holds what cannot be read.
    """
    if not isinstance(text, str):
        raise SequenceError(f"the sequence must be a text, got {type(text).__name__}")
    items = list(text) if reads == "letters" else text.replace(",", " ").split()
    one = reads.removesuffix("s")
    if len(items) < 2:
        example = "hello" if reads == "letters" else "1, 0, 0, 1"
        raise SequenceError(f"at least two {reads} are needed: one to read and one to predict, as in {example}")
    if len(items) > MOST_STEPS + 1:
        raise SequenceError(
            f"{len(items)} {reads} are too many: at most {MOST_STEPS + 1} are read, one {one} at each of "
            f"{MOST_STEPS} steps, and the last one to predict"
        )
    return _letters(items) if reads == "letters" else _numbers(items)


def _letters(letters):
    for letter in letters:
        if not (letter.isascii() and letter.isalnum()) and letter not in PUNCTUATION:
            raise SequenceError(f"{letter!r} is unknown here: use letters from a to z, digits, blanks and . , ! ? ' -")
    symbols = sorted(set(letters))
    if len(symbols) > MOST_SYMBOLS:
        raise SequenceError(
            f"{len(symbols)} different letters ({' '.join(symbols)}) are too many to draw: use at most {MOST_SYMBOLS}, "
            "each as often as you like"
        )
    labels = np.array([symbols.index(letter) for letter in letters])
    return Sequence(np.eye(len(symbols))[None, labels[:-1]], labels[1:], tuple(map(shown, letters)), tuple(symbols))


def _numbers(texts):
    values = []
    for text in texts:
        try:
            value = float(text.replace("−", "-"))
        except ValueError:
            raise SequenceError(
                f"{text[:20]!r} is no number: write numbers with commas between them, as 1, 0, 0.5"
            ) from None
        if not abs(value) <= LARGEST:
            raise SequenceError(f"{text[:20]} is too large: numbers from −{LARGEST:g} to {LARGEST:g} are read")
        values.append(value)
    numbers = np.array(values)
    names = tuple(f"{value:.4g}".replace("-", "−") for value in values)
    return Sequence(numbers[None, :-1, None], numbers[1:], names, ())


def shown(letter):
    """A letter as it is drawn: blanks can be seen."""
    return "␣" if letter == " " else letter
