"""The receptive field: the part of the input image that one unit depends on   (lecture 05).

Normalisation is left out: its means, too, depend on all of a map, or on other images.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Reach:
    """A window on a layer's input: pairs (along height, along width); window counts the gaps of dilation."""

    window: tuple[int, int] = (1, 1)
    stride: tuple[int, int] = (1, 1)
    pad: tuple[int, int] = (0, 0)


@dataclass(frozen=True)
class ReceptiveField:
    """Unit (i, j) of a map of ``grid`` units sees the rows from first + i jump to last + i jump, so for columns.

    All are pairs (along height, along width) in pixels of the input. Padding counts as if there were pixels.
    """

    grid: tuple[int, int]
    first: tuple[int, int] = (0, 0)
    last: tuple[int, int] = (0, 0)
    jump: tuple[int, int] = (1, 1)

    @property
    def size(self) -> tuple[int, int]:
        return tuple(last - first + 1 for first, last in zip(self.first, self.last, strict=True))

    def through(self, reach: Reach | None, shape) -> "ReceptiveField":
        """The field of the units of a layer with this reach, None for the whole map, and this output shape."""
        whole = reach is None
        reach = Reach(window=self.grid) if whole else reach
        first = [f - p * j for f, p, j in zip(self.first, reach.pad, self.jump, strict=True)]
        steps = zip(self.last, reach.window, reach.pad, self.jump, strict=True)
        last = [end + (k - 1 - p) * j for end, k, p, j in steps]
        jump = [j * s for j, s in zip(self.jump, reach.stride, strict=True)]
        grid = shape[1:] if len(shape) == 3 else (1, 1) if whole else self.grid
        return ReceptiveField(tuple(grid), tuple(first), tuple(last), tuple(jump))

    @staticmethod
    def union(fields: list["ReceptiveField"]) -> "ReceptiveField":
        """The field of units that depend on one unit of each map."""

        def across(choose, name):
            return tuple(choose(values) for values in zip(*(getattr(field, name) for field in fields), strict=True))

        return ReceptiveField(fields[0].grid, across(min, "first"), across(max, "last"), across(max, "jump"))
