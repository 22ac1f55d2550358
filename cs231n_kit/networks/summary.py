"""The table of a network's layers: shapes, parameters, multiply-adds, memory and receptive fields   (lecture 09)."""

import math
from dataclasses import dataclass, replace
from html import escape

from cs231n_kit.networks.layer import Layer
from cs231n_kit.networks.trace import Row


@dataclass(frozen=True)
class SummaryRow:
    """One layer, or the place where an arrangement ends, as where branches meet; all for one example."""

    path: str
    layer: str
    output_shape: tuple[int, ...]
    parameters: int
    multiply_adds: int
    memory: int  # bytes of the output; 0 where that is the input, passed on
    receptive_field: tuple[int, int] | None  # (height, width) in pixels of the input; None where it is no image
    trainable: int = 0  # how many of the parameters are not frozen
    frozen: bool = False
    auxiliary: bool = False  # whether it belongs to an ``Auxiliary``, which only works in training


@dataclass(frozen=True)
class Summary:
    """A network's table, as text when printed and as HTML in a notebook.

    All is for one example. Multiply-adds are those of convolutions, affine and recurrent layers, where nearly all
    work is. Memory is that of all layers' outputs, which training keeps for the backward pass. Receptive fields are
    those of single units, padding counted.
    """

    input_shape: tuple[int, ...]
    rows: tuple[SummaryRow, ...]

    @classmethod
    def of(cls, rows: list[Row], input_shape, itemsize, frozen=frozenset()) -> "Summary":
        return cls(input_shape, tuple(_summary_row(row, itemsize, row.path in frozen) for row in rows))

    def without_auxiliary(self) -> "Summary":
        """The table of what is at work in mode "test", after training."""
        return replace(self, rows=tuple(row for row in self.rows if not row.auxiliary))

    def folded(self) -> "Summary":
        """A shorter table of the same totals: a row for each step of the network, arrangements with all inside them."""
        inside = {}
        for row in self.rows:
            inside.setdefault(row.path.partition(".")[0], []).append(row)
        return replace(self, rows=tuple(_fold(step, rows) for step, rows in inside.items()))

    @property
    def parameters(self) -> int:
        return sum(row.parameters for row in self.rows)

    @property
    def trainable(self) -> int:
        """How many of the parameters are not frozen."""
        return sum(row.trainable for row in self.rows)

    @property
    def multiply_adds(self) -> int:
        return sum(row.multiply_adds for row in self.rows)

    @property
    def memory(self) -> int:
        return sum(row.memory for row in self.rows)

    def __str__(self) -> str:
        table = self._table()
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        lines = []
        for cells in table:
            aligned = [
                cell.ljust(width) if i < LEFT else cell.rjust(width)
                for i, (cell, width) in enumerate(zip(cells, widths, strict=True))
            ]
            lines.append("  ".join(aligned).rstrip())
        rule = "-" * max(map(len, lines))
        return "\n".join([lines[0], rule, *lines[1:-1], rule, lines[-1], *self._notes()])

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        head, *body, total = self._table()
        rows = "".join(_html_row("td", cells) for cells in body)
        notes = "".join(
            f'<p style="margin:.3em 0;opacity:.8"><small>{escape(note)}</small></p>' for note in self._notes()
        )
        return (
            '<div style="overflow-x:auto"><table style="border-collapse:collapse;margin:0">'
            f"<thead>{_html_row('th', head)}</thead><tbody>{rows}</tbody>"
            f'<tfoot style="border-top:1px solid">{_html_row("th", total)}</tfoot></table>{notes}</div>'
        )

    def _table(self) -> list[tuple[str, ...]]:
        """Heading, input, layers and totals as cells of text."""
        seen = len(self.input_shape) == 3
        table = [("path", "layer", "output", "parameters", "multiply-adds", "memory", "receptive field")]
        table.append(("", "input", _times(self.input_shape), "", "", "", _times((1, 1)) if seen else ""))
        for row in self.rows:
            counts = [f"{count:,}" if count else "" for count in (row.parameters, row.multiply_adds)]
            field = self._field(row.receptive_field)
            layer = f"{row.layer} · frozen" if row.frozen else row.layer
            memory = _bytes(row.memory) if row.memory else ""
            table.append((row.path, layer, _times(row.output_shape), *counts, memory, field))
        totals = f"{self.parameters:,}", f"{self.multiply_adds:,}", _bytes(self.memory)
        table.append(("", "total", "", *totals, ""))
        return table if seen else [cells[:-1] for cells in table]

    def _field(self, size) -> str:
        if size is None:
            return ""
        return _times(size) + (" (all)" if self._is_all(size) else "")

    def _is_all(self, size) -> bool:
        return all(n >= whole for n, whole in zip(size, self.input_shape[1:], strict=True))

    def _notes(self) -> list[str]:
        notes = ["All for one example; memory is that of each layer's output."]
        if any(row.receptive_field and self._is_all(row.receptive_field) for row in self.rows):
            notes.append("(all): as large as the input or larger, padding counted.")
        if any(row.frozen for row in self.rows):
            notes.append(f"{self.trainable:,} of the {self.parameters:,} parameters are trained; frozen layers stay.")
        if any(row.auxiliary for row in self.rows):
            rest = self.without_auxiliary()
            notes.append(
                f"Without the auxiliary heads, which only work in training: {rest.parameters:,} parameters, "
                f"{rest.multiply_adds:,} multiply-adds, {_bytes(rest.memory)}."
            )
        return notes


LEFT = 3  # columns of text, which are aligned at the left; numbers follow


def _summary_row(row, itemsize, frozen) -> SummaryRow:
    leaf = isinstance(row.layer, Layer)
    arrays = row.layer.parameters(row.input_shape).values() if leaf else ()
    parameters = sum(math.prod(parameter.shape) for parameter in arrays)
    return SummaryRow(
        row.path,
        repr(row.layer) if leaf else f"{type(row.layer).__name__}, {row.layer.joins}",
        row.output.shape,
        parameters,
        row.multiply_adds,
        0 if row.passed_on else math.prod(row.output.shape) * itemsize,
        row.output.seen and row.output.seen.size,
        0 if frozen else parameters,
        frozen,
        row.auxiliary,
    )


def _fold(step, rows) -> SummaryRow:
    """One row for those of a step, the last of which is where it ends."""
    if len(rows) == 1:
        return rows[0]
    end, names = rows[-1], ("parameters", "multiply_adds", "memory", "trainable")
    totals = {name: sum(getattr(row, name) for row in rows) for name in names}
    layers = sum(not any(other.path.startswith(f"{row.path}.") for other in rows) for row in rows)
    return replace(
        end,
        path=step,
        layer=f"{end.layer if end.path == step else 'Sequential'} · {layers} layers",
        frozen=not totals["trainable"] and any(row.frozen for row in rows),
        auxiliary=all(row.auxiliary for row in rows),
        **totals,
    )


def _html_row(tag, cells) -> str:
    sides = ["left" if i < LEFT else "right" for i in range(len(cells))]
    style = "padding:.15em .9em .15em 0;white-space:nowrap"
    filled = zip(sides, cells, strict=True)
    return (
        "<tr>"
        + "".join(f'<{tag} style="text-align:{s};{style}">{escape(cell)}</{tag}>' for s, cell in filled)
        + "</tr>"
    )


def _times(shape) -> str:
    return " × ".join(map(str, shape))


def _bytes(count) -> str:
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count} B"
