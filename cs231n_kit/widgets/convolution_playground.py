"""Convolution and pooling under the mouse: forward, backward, and what a unit of a deep stack of layers sees."""

from pathlib import Path

import numpy as np

from cs231n_kit.widgets import convolution_fields, frontend, palette
from cs231n_kit.widgets.convolution_lessons import LESSONS
from cs231n_kit.widgets.convolution_pass import Pass
from cs231n_kit.widgets.convolution_presets import INPUTS, KERNELS, UPSTREAMS, image_values
from cs231n_kit.widgets.convolution_scene import WIDTH, describe
from cs231n_kit.widgets.convolution_state import (
    LAYER,
    MOST_LAYERS,
    OWN,
    RANGES,
    YOUR_IMAGE,
    complete_state,
    last_step,
    lesson_settings,
    state_from_string,
    state_to_string,
    with_changes,
)
from cs231n_kit.widgets.convolution_story import tell
from cs231n_kit.widgets.state_values import choice
from cs231n_kit.widgets.stateful_widget import StateEntry, StatefulWidget

FOLDER = Path(__file__).parent / "convolution_playground_frontend"
NARROWEST, WIDEST = 260, 1600  # pixels that a page may offer


class ConvolutionPlayground(StatefulWidget):
    """A window that slides over an input: every number can be changed, and every sum is written out.

    >>> ConvolutionPlayground()                                    # a sliding dot product
    >>> ConvolutionPlayground(lesson="switches")                   # prepared, with a sentence of commentary
    >>> ConvolutionPlayground(x=x, w=w, b=b, pad=1, stride=2)      # your own numbers
    >>> ConvolutionPlayground(image=image, kernels=["sharpen", "vertical edges"])
    >>> ConvolutionPlayground(view="receptive field", layers=[{"size": 3}, {"size": 3, "dilation": 2}])

    All numbers are the kit's: ``conv_forward``, ``conv_backward`` and the pooling layers.

    Args:
        x: your own input, numbers (C, H, W) or (H, W): 1 to 3 channels, at most 32 x 32.
        w, b: your own filters (K, C, F, F), 1 to 3 of them with F up to 7, and biases (K,).
        dout: your own upstream gradient, of the output's shape.
        image: an image (H, W), (H, W, 1) or (H, W, 3), uint8 or from 0 to 1, which the input "your image" shows,
            scaled to 28 x 28 unless ``height`` and ``width`` say otherwise; one channel is the mean of its colours.
        lesson: prepared settings, one of ``LESSONS``; the other arguments win over it.
        state: an earlier ``state`` or ``state_string``; the other arguments win over it.
        **settings: entries of ``state``:

            ``view`` ("forward", "backward", "receptive field"), ``operation`` ("convolution", "max", "average");
            ``input`` (a name in ``INPUTS``), ``channels``, ``height``, ``width``; ``filters``, ``kernels`` (names in
            ``KERNELS``); ``size``, ``pad``, ``stride``, ``dilation`` of the window (pooling has no dilation);
            ``upstream`` (a name in ``UPSTREAMS``); ``step``: how many outputs have been computed, or have sent
            their gradient; ``layers`` (dictionaries with ``size``, ``stride``, ``pad``, ``dilation``), ``field_side``,
            ``unit`` (row, column): the stack of layers of the receptive field.

    Raises:
        ValueError: an argument is unknown, out of range or of the wrong shape. Windows that do not fit are no error:
            the playground says what is wrong, and what would work.
    """

    _esm = frontend.module(FOLDER / "view.js")
    _css = frontend.css(FOLDER / "view.css")

    view, operation, input, channels, height, width = (StateEntry() for _ in range(6))
    filters, kernels, size, pad, stride, dilation = (StateEntry() for _ in range(6))
    upstream, step, layers, field_side, unit, lesson = (StateEntry() for _ in range(6))

    _computed = None  # the Pass of the state, once it is asked for

    def __init__(self, x=None, w=None, b=None, dout=None, *, image=None, lesson=None, state=None, **settings):
        self.image = None if image is None else image_values(image)
        if isinstance(state, str):
            state = state_from_string(state)
        if lesson is not None:
            choice("lesson", lesson, LESSONS)
        start = dict(state or {})
        if lesson is not None or not (start or settings or image is not None or x is not None or w is not None):
            start = lesson_settings(lesson or next(iter(LESSONS)))
        if image is not None and "input" not in settings:
            channels = settings.get("channels", start.get("channels", 1))
            start |= {"input": YOUR_IMAGE, "height": 28, "width": 28, "channels": channels}
            start = {key: value for key, value in start.items() if key not in ("x", "dout", "step")}
        arrays = {"x": x, "w": w, "b": b, "dout": dout}
        entries = settings | {name: values for name, values in arrays.items() if values is not None}
        start = with_changes(start, entries, self.image)
        super().__init__(_describe(self.image is not None), start)

    @property
    def x(self):
        """The input, float64 (C, H, W)."""
        return np.array(self.state["x"])

    @x.setter
    def x(self, values):
        self.change(x=values)

    @property
    def w(self):
        """The filters, float64 (K, C, F, F)."""
        return np.array(self.state["w"])

    @w.setter
    def w(self, values):
        self.change(w=values)

    @property
    def b(self):
        """The biases, float64 (K,)."""
        return np.array(self.state["b"])

    @b.setter
    def b(self, values):
        self.change(b=values)

    @property
    def dout(self):
        """The upstream gradient, float64 (M, H', W') with M = K, or C for pooling."""
        return np.array(self.state["dout"])

    @dout.setter
    def dout(self, values):
        self.change(dout=values)

    @property
    def out(self):
        """The output, float64 (M, H', W'); empty where the window does not fit."""
        return Pass(self.state).out

    @property
    def gradients(self):
        """The whole gradients {"x": ..., "w": ..., "b": ...} of what is shown; pooling has only that of x."""
        run = Pass({**self.state, "step": last_step(self.state)})
        both = {"x": run.dx, "w": run.dw, "b": run.db}
        return both if self.state["operation"] == "convolution" else {"x": run.dx}

    def change(self, **entries):
        """Set entries of the state, all at once; what no longer fits is made anew, or cut and filled up with zeros."""
        self.state = with_changes(self.state, entries, self.image)

    def figure(self):
        """The same picture as a matplotlib figure, for print and for pages without a kernel."""
        from cs231n_kit.widgets.convolution_figure import draw_field, draw_pass

        with self._lock:
            scene = self.scene()
            return draw_field(scene) if self.state["view"] == "receptive field" else draw_pass(scene)

    def scene(self, focus=None, width=WIDTH):
        """All that is drawn, as plain values; see ``convolution_scene`` and ``convolution_fields``."""
        with self._lock:
            if self.state["view"] == "receptive field":
                return convolution_fields.describe(self.state, width)
            return describe(self._pass, self.state, focus, width)

    @property
    def _pass(self):
        if self._computed is None:
            self._computed = Pass(self.state)
        return self._computed

    def _caption(self):
        return f"ConvolutionPlayground, {self.state['operation']}, {self.state['view']}"

    def _complete_state(self, state):
        return complete_state(state, self.image)

    def _forget(self):
        self._computed = None

    def _state_to_string(self, state):
        return state_to_string(state)

    def _respond(self, request, reply, buffers):
        self._part = "scene"
        if request.get("scene"):
            asked = request["scene"]
            width = min(max(int(asked.get("width") or WIDTH), NARROWEST), WIDEST)
            reply["scene"] = {**self.scene(asked.get("focus"), width), "view": self.state["view"]}
        self._part = "story"
        if request.get("story") and self.state["view"] != "receptive field":
            reply["story"] = tell(self._pass, request["story"].get("focus"), self.state["view"])


def _describe(has_image):
    """What the browser must know once: names, ranges and colours."""
    return {
        "inputs": [*INPUTS, *([YOUR_IMAGE] if has_image else [])],
        "kernels": list(KERNELS),
        "upstreams": list(UPSTREAMS),
        "own": OWN,
        "ranges": {name: list(ends) for name, ends in RANGES.items()},
        "layer": LAYER,
        "most_layers": MOST_LAYERS,
        "lessons": [
            {"name": name, "title": lesson.title, "text": lesson.text, "settings": lesson_settings(name)}
            for name, lesson in LESSONS.items()
        ],
        "signs": {"negative": palette.NEGATIVE, "zero": palette.ZERO, "positive": palette.POSITIVE},
    }
