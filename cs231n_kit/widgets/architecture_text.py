"""A line such as ``[CONV->RELU]*2->POOL->FC`` read for the architecture playground: its layers, or what is wrong."""

import re
from dataclasses import dataclass
from math import prod

from cs231n_kit.networks import Sequential, parse

LARGEST_WORK = 3_000_000_000  # multiply-adds of a forward pass of a batch; an update takes three times as many
LARGEST_MEMORY = 600_000_000  # bytes of the outputs of a batch
MOST_PARAMETERS = 5_000_000
MOST_ROWS = 150

_FAILED_LAYER = re.compile(r"Layer (\d+), ")


class ArchitectureError(ValueError):
    """A text from which no network can be built. ``reading`` is what there is of it, ``text`` the text."""

    def __init__(self, text, reading):
        place = "" if reading.start is None else f"\n    {text}\n    {' ' * reading.start}^"
        super().__init__(reading.problem + place)
        self.text, self.reading = text, reading


@dataclass(frozen=True)
class Reading:
    """What a text means for images of one shape.

    ``network`` is a ``Sequential``, not initialised, or None where the text cannot be read; ``rows`` are those of its
    summary, up to the layer that does not fit if there is one. ``problem`` says why it cannot be built, or "";
    ``start`` is the place in the text that it is about, or None. ``too_large`` says why it can be shown, but not
    trained here, or "".
    """

    network: Sequential | None
    rows: tuple = ()
    problem: str = ""
    start: int | None = None
    too_large: str = ""

    def plain(self):
        """All but the network as plain values, for the browser."""
        rows = [
            [
                row.path,
                row.layer,
                list(row.output_shape),
                row.parameters,
                row.multiply_adds,
                row.memory,
                row.receptive_field and list(row.receptive_field),
            ]
            for row in self.rows
        ]
        return {"rows": rows, "problem": self.problem, "start": self.start, "too_large": self.too_large}


def read(state, data):
    """The ``Reading`` of a state's text for images like those of the ``ImageData``."""
    input_shape, classes = data.input_shape, len(data.class_names)
    try:
        network = parse(state["architecture"], classes, state["filters"], state["units"])
    except ValueError as error:
        return Reading(None, **_place(error))
    try:
        summary = network.summary(input_shape)
    except ValueError as error:
        failed = int(_FAILED_LAYER.match(str(error))[1])
        return Reading(network, _rows(network.steps[:failed], input_shape), _fit(error, network, failed))
    rows = summary.rows
    if len(rows) > MOST_ROWS:
        return Reading(network, rows[:MOST_ROWS], f"These are {len(rows)} layers; at most {MOST_ROWS} are shown here.")
    if rows[-1].output_shape != (classes,):
        found = " × ".join(map(str, rows[-1].output_shape))
        problem = (
            f"The last layer puts out {found} numbers for an image, not one score for each of the {classes} classes: "
            "end with ->FC."
        )
        return Reading(network, rows, problem)
    return Reading(network, rows, too_large=_excess(summary, state["batch_size"]))


def _place(error):
    """The parser's message without its picture of the place, and the place."""
    *message, _line, mark = str(error).split("\n")
    reason = "\n".join(message).removesuffix(":")
    return {"problem": f"{reason[0].upper()}{reason[1:]}.", "start": len(mark) - 5}


def _rows(steps, input_shape):
    return Sequential(*steps).summary(input_shape).rows if steps else ()


def _fit(error, network, failed):
    layer = network.steps[failed]
    message = str(error)
    if type(layer).__name__ == "MaxPool":
        size = re.search(r"more than the (\d+) x (\d+)", message)
        return (
            f"{layer!r} in row {failed} needs {layer.size} × {layer.size} pixels, but only {size[1]} × {size[2]} are "
            "left there: every POOL divides height and width. Take fewer POOLs."
        )
    return message


def _excess(summary, batch_size):
    reasons = []
    if summary.parameters > MOST_PARAMETERS:
        reasons.append(f"{summary.parameters / 1e6:,.1f} million parameters (here at most {MOST_PARAMETERS / 1e6:.0f})")
    if summary.multiply_adds * batch_size > LARGEST_WORK:
        reasons.append(
            f"{summary.multiply_adds * batch_size / 1e9:,.1f} billion multiply-adds for a batch of {batch_size} (at "
            f"most {LARGEST_WORK / 1e9:.0f})"
        )
    if (summary.memory + 4 * prod(summary.input_shape)) * batch_size > LARGEST_MEMORY:
        reasons.append(
            f"{summary.memory * batch_size / 1e6:,.0f} MB of outputs for a batch (at most {LARGEST_MEMORY / 1e6:.0f})"
        )
    if not reasons:
        return ""
    return f"The table holds, but this is too much to train here: {', '.join(reasons)}. Take fewer filters or units."
