"""Fingerprints of code, as copydetect takes them: what is left when names, comments, blanks and strings do not count.

A fingerprint is a passage of LENGTH characters in which every name is one letter. Code is read, never run.
"""

import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from copydetect import CodeFingerprint

LENGTH = 30  # characters: about ten words of Python


@dataclass(frozen=True)
class Cell:
    """A cell of a notebook. name: its grade id, "" for a cell that was added. own: `code`, given lines being blank."""

    name: str
    code: str
    own: str


@dataclass(frozen=True)
class Passage:
    """code[start:stop] of a cell is in the other answer, too, where it has the same number."""

    start: int
    stop: int
    number: int


def fingerprints(cells: Sequence[Cell]) -> np.ndarray:
    """The different fingerprints of some cells, sorted; equal only within this process."""
    return np.array(sorted({int(value) for cell in cells for value in _fingerprint(cell).hashes}), dtype=np.int64)


def _fingerprint(cell: Cell) -> CodeFingerprint:
    language = "cuda" if "__global__" in cell.code else "python"  # kernels stand in strings, which would not count
    return CodeFingerprint("", LENGTH, 1, language=language, fp=io.StringIO(cell.own))


def passages(cell: Cell, wanted: set[int], own: set[int], numbers: dict[int, int]) -> list[Passage]:
    """The passages of a cell whose fingerprints are in `wanted`, less what stands in others than `own`, too.

    numbers: in which passage each fingerprint was seen; it grows.
    """
    fingerprint = _fingerprint(cell)
    at = {int(i): int(value) for value in wanted & fingerprint.hashes for i in fingerprint.hash_idx[value]}
    given = [int(i) for value in fingerprint.hashes - own for i in fingerprint.hash_idx[value]]
    size = len(fingerprint.filtered_code)
    edges = np.diff(_covered(list(at), size) & ~_covered(given, size), prepend=False, append=False)
    offsets = _offsets(fingerprint)
    found = []
    for start, stop in np.flatnonzero(edges).reshape(-1, 2).tolist():
        inside = [at[i] for i in range(start - LENGTH + 1, stop) if i in at]
        ((number, count),) = Counter(numbers.get(value) for value in inside).most_common(1)
        if number is None or 2 * count < len(inside):
            number = max(numbers.values(), default=0) + 1
        numbers.update({value: number for value in inside if value not in numbers})
        first, last = (_place_in(offsets, place) for place in (start, stop))
        found.append(Passage(first, first + len(cell.own[first:last].rstrip()), number))
    return found


def _covered(starts: list[int], size: int) -> np.ndarray:
    """Which of `size` places lie in a fingerprint that begins at one of `starts`."""
    steps = np.zeros(size + 1, dtype=int)
    np.add.at(steps, starts, 1)
    np.add.at(steps, [start + LENGTH for start in starts], -1)
    return steps.cumsum()[:size] > 0


def _offsets(fingerprint: CodeFingerprint) -> np.ndarray:
    """copydetect's table of (place in the filtered code, characters gone before it).

    Without the names of classes, "O" in the filtered code: there it has only what that name lost, not what all lost.
    """
    code, offsets = fingerprint.filtered_code, fingerprint.offsets
    return offsets[[not 0 <= place < len(code) or code[place] != "O" for place in offsets[:, 0]]]


def _place_in(offsets: np.ndarray, place: int) -> int:
    """Where in the code as it was written a place of the filtered code is."""
    row = min(int(np.searchsorted(offsets[:, 0], place)), len(offsets) - 1)
    return int(place + offsets[row, 1])


def count_lines(cell: Cell, found: Sequence[Passage]) -> int:
    """How many lines have code of some passage."""
    lines, own = cell.own.split("\n"), cell.own
    ends = [(own.count("\n", 0, p.start), own.count("\n", 0, p.stop)) for p in found]
    touched = {number for first, last in ends for number in range(first, last + 1)}
    return sum(bool(line := lines[number].strip()) and not line.startswith("#") for number in touched)
