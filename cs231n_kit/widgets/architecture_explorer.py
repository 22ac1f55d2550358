"""Famous networks under the mouse: layers as blocks sized by what they cost, and what each sees of an image."""

import base64
from io import BytesIO
from pathlib import Path

import numpy as np

from cs231n_kit.widgets import architecture_explorer_scene, frontend
from cs231n_kit.widgets.architecture_data import fit_photograph
from cs231n_kit.widgets.architecture_explorer_blocks import KIND_COLORS, QUANTITIES
from cs231n_kit.widgets.architecture_explorer_networks import TYPED, Networks, read_text
from cs231n_kit.widgets.architecture_explorer_scene import WIDTH
from cs231n_kit.widgets.architecture_explorer_state import (
    SIDES,
    complete_state,
    state_from_string,
    state_to_string,
)
from cs231n_kit.widgets.architecture_explorer_timing import Measurement, machine
from cs231n_kit.widgets.architecture_explorer_words import NAMES
from cs231n_kit.widgets.architecture_text import ArchitectureError
from cs231n_kit.widgets.stateful_widget import StateEntry, StatefulWidget

FOLDER = Path(__file__).parent / "architecture_explorer_frontend"
NARROWEST, WIDEST = 320, 1600  # pixels that a page may offer


class ArchitectureExplorer(StatefulWidget):
    """One network or two, drawn to one scale: a block's area is its share of parameters, work, memory or time.

    >>> ArchitectureExplorer()                                         # AlexNet beside VGG-16
    >>> ArchitectureExplorer(shown=["ResNet-18", "ResNet-50"], size_by="multiply_adds")
    >>> ArchitectureExplorer({"mine": (network, (3, 32, 32)), "text": "[CONV->RELU->POOL]*2->FC"})

    Rest the pointer on a block to read its arithmetic and to see what one of its units sees of the image; click a group
    to open it, and its frame to close it. All numbers are those of ``Sequential.summary``; times are measured on this
    machine, when asked for.

    Args:
        networks: your own beside the famous ones of ``cs231n_kit.architectures``, a mapping from names to an
            ``Architecture``, to ``(network, input_shape)`` with a ``Sequential``, or to a text for
            ``cs231n_kit.networks.parse``, which is for images (3, 32, 32) unless it comes with a shape, too. They are
            taken as definitions; neither arrays nor gradients of theirs are touched.
        image: the picture on which receptive fields are drawn, (H, W), (H, W, 1) or (H, W, 3), uint8 or from 0 to 1;
            its middle square is scaled to the network's input. Left out, it is a cat.
        state: an earlier ``state`` or ``state_string``; the other arguments win over it.
        **settings: entries of ``state``:

            ``shown`` (one name or two), ``size_by`` ("parameters", "multiply_adds", "memory", "time"), ``opened``
            (lists of open groups by network, by their labels: ``{"GoogLeNet": ["inception 3", "3a"]}``; without it
            the stages are open), ``selected`` (place among those shown, id of a block), ``unit`` (row and column of the
            unit whose field is shown, from 0 to 1), ``text`` and ``side``: the network typed into the page, which is
            shown as "your own text", and the pixels along the side of its images.

    Raises:
        ValueError, TypeError: an argument is unknown, out of range or of the wrong kind; networks whose layers do not
            fit together are refused with the network's own words.
    """

    _esm = frontend.module(FOLDER / "view.js")
    _css = frontend.css(FOLDER / "view.css")

    shown, size_by, opened, selected, unit, text, side = (StateEntry() for _ in range(7))

    def __init__(self, networks=None, image=None, *, state=None, **settings):
        self._networks = Networks(networks)
        self._image = None if image is None else np.asarray(image)
        if image is not None:
            fit_photograph(image, (8, 8, 3))  # says now what is wrong with it
        if isinstance(state, str):
            state = state_from_string(state, self._networks)
        self._refused = None
        self._typed = None
        self._measurement = Measurement(self._publish)
        setup = {
            "names": [*self._networks.names, TYPED],
            "typed": TYPED,
            "quantities": [[name, NAMES[name]] for name in QUANTITIES],
            "kinds": KIND_COLORS,
            "sides": list(SIDES),
            "machine": machine(),
        }
        super().__init__(setup, complete_state({**(state or {}), **settings}, self._networks))

    @property
    def seconds(self):
        """What was measured so far, {network: {path of a layer: seconds}}: medians for one example, in mode "test"."""
        return {name: dict(times) for name, times in self._measurement.results.items()}

    def change(self, **entries):
        """Set entries of the state, all at once; where other networks are shown, no block stays chosen."""
        super().change(**({"selected": None} if "shown" in entries else {}), **entries)

    def measure(self):
        """Measure how long the layers of the networks shown take here, and wait for it; then size blocks by that."""
        self._measurement.start(self._explored())
        self._measurement.wait()
        self.size_by = "time"

    def figure(self):
        """The same picture as a matplotlib figure, for print and for pages without a kernel."""
        from cs231n_kit.widgets.architecture_explorer_figure import draw_explorer

        scene = self.scene()
        place, id = self.state["selected"] or (0, scene["first"])
        network = scene["networks"][place]
        if id not in network["details"]:  # a group around it is closed
            place, id = 0, scene["first"]
            network = scene["networks"][0]
        return draw_explorer(scene, self.state, (place, id), self.picture(network["input_shape"]))

    def scene(self, width=WIDTH):
        """All that is drawn, as plain values; see ``architecture_explorer_scene.describe``."""
        with self._lock:
            return architecture_explorer_scene.describe(self._explored(), self.state, self._measurement.results, width)

    def picture(self, input_shape):
        """The image as a network of this input shape gets it, uint8 (H, W, C); None where it takes no images."""
        if len(input_shape) != 3:
            return None
        channels, height, width = input_shape
        if self._image is None:
            from cs231n_kit import image_transforms

            self._image = image_transforms.frame(image_transforms.cat(300)[0])
        return fit_photograph(self._image, (height, width, 1 if channels == 1 else 3))

    def close(self):
        """End the widget and its measuring."""
        if hasattr(self, "_measurement"):
            self._measurement.stop()
        super().close()

    def _explored(self):
        return [self._own_text() if name == TYPED else self._networks[name] for name in self.state["shown"]]

    def _own_text(self):
        text, side = self.state["text"], self.state["side"]
        if self._typed is None or (self._typed.about, self._typed.input_shape[1]) != (text, side):
            self._typed = read_text(text, side)
            self._measurement.forget(TYPED)
        return self._typed

    def _caption(self):
        return f"ArchitectureExplorer of {' and '.join(self.shown)}, sized by {NAMES[self.size_by]}"

    def _complete_state(self, state):
        return complete_state(state, self._networks)

    def _state_to_string(self, state):
        return state_to_string(state)

    def _take(self, state):
        """Take the browser's state; if no network can be built from its text, the last good one stays."""
        self._refused = None
        try:
            super()._take(state)
        except ArchitectureError as error:
            self._refused = {"text": error.text, "problem": error.reading.problem, "start": error.reading.start}

    def _respond(self, request, reply, buffers):
        reply["refused"] = self._refused
        self._part = "measure"
        if request.get("measure") == "start":
            self._measurement.start(self._explored())
        elif request.get("measure") == "stop":
            self._measurement.stop()
        reply["measuring"] = self._progress()
        self._part = "scene"
        if request.get("scene"):
            asked = request["scene"]
            width = min(max(int(asked.get("width") or WIDTH), NARROWEST), WIDEST)
            reply["scene"] = self.scene(width)
            known = asked.get("known", [])
            shapes = {_key(one["input_shape"]): one["input_shape"] for one in reply["scene"]["networks"]}
            reply["pictures"] = {
                key: _png(self.picture(shape)) for key, shape in shapes.items() if len(shape) == 3 and key not in known
            }

    def _progress(self):
        measured = self._measurement
        shown = [one for one in self.state["shown"] if one in measured.results]
        runs = min((measured.runs[name] for name in shown), default=0)
        return {
            "running": measured.running,
            "words": measured.progress,
            "done": measured.done,
            "measured": shown,
            "runs": runs,
        }

    def _publish(self):
        """Tell all pages how the measuring goes."""
        self.send({"type": "measuring", "measuring": self._progress()})


def _key(shape):
    return "x".join(map(str, shape))


def _png(image):
    """An image as text that a page can show."""
    from PIL import Image

    buffer = BytesIO()
    Image.fromarray(image[..., 0] if image.shape[2] == 1 else image).save(buffer, "png")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
