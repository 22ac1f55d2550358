"""A playground for architectures: type a network as a line of text, see its table, train it, and look inside."""

import base64
import math
from pathlib import Path

import numpy as np

from cs231n_kit.datasets.registry import registry
from cs231n_kit.widgets import architecture_frame, frontend
from cs231n_kit.widgets.architecture_code import program
from cs231n_kit.widgets.architecture_data import ImageData, fit_photograph
from cs231n_kit.widgets.architecture_look import look, silent_maps
from cs231n_kit.widgets.architecture_presets import presets
from cs231n_kit.widgets.architecture_state import (
    INPUT,
    OWN,
    complete_state,
    preset_settings,
    state_from_string,
    state_to_string,
)
from cs231n_kit.widgets.architecture_text import ArchitectureError
from cs231n_kit.widgets.architecture_training import ArchitectureRun
from cs231n_kit.widgets.live_widget import LiveWidget
from cs231n_kit.widgets.stateful_widget import StateEntry

FOLDER = Path(__file__).parent / "architecture_playground_frontend"


class ArchitecturePlayground(LiveWidget):
    """A convolutional network as a line of text: its layers in a table, its training live, its maps for any image.

    >>> ArchitecturePlayground(load("cifar10", 5000))
    >>> ArchitecturePlayground(load("digits"), architecture="[CONV->RELU->POOL]*2->FC", filters=8)
    >>> ArchitecturePlayground(X, y)                    # your own images (N, H, W, C)

    Everything that counts or moves is the kit's: ``parse``, ``Sequential.summary`` and a ``Trainer``, which trains in
    a thread beside the notebook until it is paused. ``code()`` is the program that repeats it, ``state_string`` a
    link-sized text that keeps the settings.

    Args:
        data: a ``Dataset``, or images (N, H, W, C) or (N, H, W), uint8 or floats from 0 to 1; 4 to 96 pixels a side,
            grey or in colour. The first 10,000 are trained on.
        y: labels (N,) of images that are no ``Dataset``.
        X_val, y_val: validation images (the first 500 are used). Left out, the last fifth is kept from training.
        class_names: one name for each class.
        architecture: text for ``cs231n_kit.networks.parse``, at most 500 characters. The default is a small VGG
            network that fits the images.
        preset: a prepared network with a sentence of commentary: "vgg", "linear", "fully_connected", "one_block",
            "three_by_three", "batch_norm", "sigmoid" or "no_pool"; the other arguments win over it.
        state: an earlier ``state`` or ``state_string``; the other arguments win over it.
        **settings: entries of ``state``:

            ``filters`` (of each CONV before the first POOL; they double with each), ``units`` (of each FC but the
            last), ``seed`` (of weights, dropout and order); ``optimizer`` (the kit's rules), ``learning_rate``,
            ``batch_size``, ``regularization`` (λ of λ Σ w²; for "adamw" its decoupled decay);
            ``image`` (a validation image's number, -1 for one's own), ``layer`` ("input", or the number of a row of
            the table as text), ``gradients`` (show them instead of activations), ``of`` (what is differentiated: -1
            the loss, else a class).

    Raises:
        ArchitectureError: a ``ValueError``; no network can be built from the text. It says where and why.
        ValueError, TypeError: another argument is unknown, out of range or does not fit the others.
    """

    _esm = frontend.module(FOLDER / "view.js")
    _css = frontend.css(FOLDER / "view.css")
    _every = 0.3

    architecture, filters, units, seed, optimizer = (StateEntry() for _ in range(5))
    learning_rate, batch_size, regularization = (StateEntry() for _ in range(3))
    image, layer, gradients, of = (StateEntry() for _ in range(4))

    def __init__(
        self,
        data,
        y=None,
        X_val=None,
        y_val=None,
        *,
        class_names=None,
        architecture=None,
        preset=None,
        state=None,
        **settings,
    ):
        self.data = ImageData(data, y, X_val, y_val, class_names)
        name = getattr(data, "name", None)
        self._name = name if name in registry() else None
        if isinstance(state, str):
            state = state_from_string(state, self.data)
        start = dict(state or {})
        if preset is not None:
            known = presets(self.data.input_shape)
            if preset not in known:
                raise ValueError(f"preset must be one of {', '.join(known)}; got {preset!r}")
            start |= preset_settings(preset, self.data.input_shape)
        start |= settings | ({} if architecture is None else {"architecture": architecture})
        self._own = self._offered = self._refused = None
        self._silent = (None, None)  # which maps are 0 for all probed images, and for what that holds
        start = complete_state(start, self.data)
        super().__init__(architecture_frame.setup(self.data), start)

    @property
    def network(self):
        """The kit's network as it is now, a ``Sequential`` that takes ``data.inputs(images)``; None if too large."""
        return self._run.network

    @property
    def trainer(self):
        """The kit's ``Trainer``, or None."""
        return self._run.trainer

    @property
    def history(self):
        """A list of ``Record(step, train_loss, validation_loss, validation_accuracy)``."""
        return list(self._run.history)

    def show_image(self, image):
        """Look at an image of your own: its middle square, scaled to the size of the data's images.

        image: (height, width) or (height, width, 3), uint8 or floats from 0 to 1, at most 40 million pixels. Raises
        ValueError or TypeError for anything else.
        """
        fitted = fit_photograph(image, self.data.image_shape)
        with self._lock:
            self._own = fitted
            self.change(image=OWN)

    def pixels(self):
        """The image that is looked at, uint8 (H, W, C)."""
        return self._own if self.state["image"] == OWN else self.data.X_val[self.state["image"]]

    def look(self):
        """What the network makes of the image, a ``Look``; None where there is no network."""
        with self._lock:
            if self._run.network is None:
                return None
            chosen = self.state["image"]
            label = None if chosen == OWN else self.data.y_val[chosen]
            return look(self._run.network, self.data.inputs(self.pixels()[None])[0], label, self.state["of"])

    def code(self):
        """The kit's code that builds this network and trains it for as many updates, as text."""
        with self._lock:
            return program(self.data, self.state, self._run.step_count, self._run.changed, self._name)

    def figure(self):
        """Table, curves, filters and maps as a matplotlib figure, for print and for pages without a kernel."""
        from cs231n_kit.widgets.architecture_figure import draw_architecture

        with self._lock:
            if self._run.network is not None:
                self._run.record()
            return draw_architecture(self)

    def _caption(self):
        return f"ArchitecturePlayground of {self.architecture}"

    def _complete_state(self, state):
        return complete_state({**self._setup.get("initial", {}), **state}, self.data, self._own is not None)

    def _make_run(self):
        return ArchitectureRun(self.data, self.state)

    def _is_due(self, done, steps):
        return self._run.is_due()

    def _forget(self):
        super()._forget()
        if self._live is not None and self._run.network is None:
            self._live.stop()

    def _state_to_string(self, state):
        return state_to_string(state)

    def _answer(self, widget, request, buffers):
        with self._lock:
            self._offered = request.get("own")
            super()._answer(widget, request, buffers)

    def _take(self, state):
        """Take the browser's state, and the user's image as the page has scaled it: H x W x C bytes, in base 64."""
        if self._offered is not None:
            shape = self.data.image_shape
            text = self._offered if isinstance(self._offered, str) else ""
            # four characters for three bytes: what is longer is not even decoded
            pixels = base64.b64decode(text, validate=True) if len(text) <= 2 * math.prod(shape) + 8 else b""
            if len(pixels) != math.prod(shape):
                raise ValueError(f"the image must come as {math.prod(shape):,} bytes, {shape}; give another file")
            self._own = np.frombuffer(pixels, np.uint8).reshape(shape)
        self._refused = None
        try:
            super()._take(state)
        except ArchitectureError as error:  # the network goes on as it is
            self._refused = {"text": error.text, **error.reading.plain()}

    def _respond(self, request, reply, buffers):
        super()._respond(request, reply, buffers)
        if request.get("frame"):
            reply["table"], reply["refused"] = self._run.reading.plain(), self._refused

    def _frame(self, buffers, history, draft):
        """Where the training stands and what the network makes of the image; adds pixels, maps, ranges, filters.

        The image comes with every frame, since pages do not have the user's own.
        """
        run, state = self._run, self.state
        if run.network is not None and (run.is_due() or not self.running):
            run.record()
        frame = architecture_frame.progress(run) | {
            "running": self.running,
            "architecture": state["architecture"],
            "own": self._own is not None,
        }
        buffers.append(self.pixels().tobytes())
        if run.network is None:
            return frame
        seen = self.look()
        arrays = seen.gradients if state["gradients"] else seen.activations
        layer = state["layer"] if state["layer"] in arrays else INPUT
        frame |= {"layer": layer, "gradients": state["gradients"]}
        return frame | architecture_frame.inside(run, seen, arrays[layer], self._silent_maps(layer), buffers)

    def _silent_maps(self, layer):
        """Which of a ReLU's maps are 0 for all probed images, as of the latest validation."""
        run = self._run
        what = (layer, run.history[-1].step, run.network)
        if self._silent[0] != what:
            self._silent = what, silent_maps(run.network, self.data.inputs_val, layer)
        return self._silent[1]
