"""Where the grids of the convolution playground stand: tables of grids, arranged so that their cells are large."""

from dataclasses import dataclass

LARGEST, LEGIBLE, SMALLEST = 52, 26, 6  # pixels of a cell: at most, so that a number can be read, at least
NEARLY = 0.7  # a preferred arrangement is taken although its cells are smaller by this factor
SMALL_GRID = (30, 40)  # pixels of a cell of filters and biases, at least and at most
MANY_CELLS = 14  # along a side: a grid with more is a picture, and shows no numbers
GAP, TITLE, HEADING = 26, 20, 22
COMFORTABLE_HEIGHT, SCROLLED_HEIGHT, NARROW = 660, 1200, 560  # pixels; narrow pages are scrolled anyway
STORY, LARGE = 320, 34  # pixels for the words beside the picture, where its cells can still be this large
LETTER = 7.6  # pixels, a letter of a heading


@dataclass(frozen=True)
class Grid:
    """A grid to be placed: ``small`` ones (filters, biases) keep their cells large; a heading stands above some.

    ``below``: a grid that stands right under it, as a bias under its filter.
    """

    name: str
    rows: int
    columns: int
    small: bool = False
    heading: str = ""
    below: "Grid | None" = None

    def cell(self, cell):
        return min(max(cell, SMALL_GRID[0]), SMALL_GRID[1]) if self.small else cell

    def width(self, cell):
        return max(self.columns * self.cell(cell), LETTER * len(self.heading), LETTER * len(self.name))

    def height(self, cell):
        below = GAP / 2 + self.below.height(cell) if self.below else 0
        return self.rows * self.cell(cell) + TITLE + below

    def positions(self, left, top, cell):
        """{name: (x, y, cell)} with the upper left corner of its cells at (left, top)."""
        found = {self.name: (round(left), round(top), self.cell(cell))}
        if self.below:
            found |= self.below.positions(left, top + self.rows * self.cell(cell) + GAP / 2 + TITLE, cell)
        return found


def transposed(table):
    """Rows as columns; rows of a table may differ in length."""
    longest = max(len(row) for row in table)
    return [[row[i] if i < len(row) else None for row in table] for i in range(longest)]


def place(arrangements, width):
    """Choose among arrangements, in the order of preference, and place their grids.

    arrangements: each a list of tables, one below the other; a table is a list of rows of ``Grid`` or None.
    width: pixels that there are; cells are only made smaller than legible where the grids are pictures.

    Returns:
        ({name: (x, y, cell)}, width, height), in pixels.
    """
    grids = [grid for table in arrangements[0] for row in table for grid in row if grid]
    pictures = any(max(grid.rows, grid.columns) > MANY_CELLS for grid in grids)
    least = SMALLEST if pictures else LEGIBLE
    narrow = width < NARROW
    most = SCROLLED_HEIGHT if narrow else COMFORTABLE_HEIGHT
    for room, smallest in [(width, least)] if narrow else [(width - STORY, LARGE), (width, least)]:
        cells = [_largest_cell(tables, (room, most), smallest, least) for tables in arrangements]
        if any(cells):
            chosen = next(i for i, cell in enumerate(cells) if cell >= NEARLY * max(cells))
            return _positions(arrangements[chosen], cells[chosen]), *_extent(arrangements[chosen], cells[chosen])
    return _positions(arrangements[-1], least), *_extent(arrangements[-1], least)


def _largest_cell(tables, room, smallest, least):
    """The largest cell with which tables fit into room (width, height), at least the smallest; 0 where none does.

    With the least cell of all, they may be too high.
    """
    for cell in range(LARGEST, smallest - 1, -1):
        width, height = _extent(tables, cell)
        if width <= room[0] and (height <= room[1] or cell == least):
            return cell
    return 0


def _sizes(table, cell):
    """Widths of the columns and heights of the rows."""
    widths = [max((grid.width(cell) for grid in column if grid), default=0) for column in transposed(table)]
    heights = [max((grid.height(cell) for grid in row if grid), default=0) for row in table]
    headings = [HEADING * any(grid.heading for grid in row if grid) for row in table]
    return widths, [height + heading for height, heading in zip(heights, headings, strict=True)]


def _extent(tables, cell):
    sizes = [_sizes(table, cell) for table in tables]
    widths = [sum(widths) + GAP * (len(widths) + 1) for widths, _ in sizes]
    return round(max(widths)), round(sum(sum(heights) + GAP * len(heights) / 2 for _, heights in sizes) + GAP / 2)


def _positions(tables, cell):
    found, top = {}, GAP / 4
    for table in tables:
        widths, heights = _sizes(table, cell)
        for row, height in zip(table, heights, strict=True):
            above = TITLE + HEADING * any(grid.heading for grid in row if grid)
            left = GAP
            for grid, wide in zip(row, [*widths, *[0] * len(row)], strict=False):
                if grid:
                    found |= grid.positions(left, top + above, cell)
                left += wide + GAP
            top += height + GAP / 2
    return found
