"""A playground for architectures: type a network as a line of text, see its table, train it, and look inside."""

import base64
import math
import sys
import time
from pathlib import Path

import numpy as np

from cs231n_kit.datasets.registry import registry
from cs231n_kit.optimizers import RULES
from cs231n_kit.widgets import frontend, palette
from cs231n_kit.widgets.architecture_code import program
from cs231n_kit.widgets.architecture_data import ImageData, fit_photograph
from cs231n_kit.widgets.architecture_look import first_filters, look, pictures, silent_maps
from cs231n_kit.widgets.architecture_presets import presets
from cs231n_kit.widgets.architecture_state import (
    INPUT,
    OWN,
    RANGES,
    complete_state,
    preset_settings,
    state_from_string,
    state_to_string,
)
from cs231n_kit.widgets.architecture_text import ArchitectureError
from cs231n_kit.widgets.architecture_training import ArchitectureRun
from cs231n_kit.widgets.live_training import LiveTraining
from cs231n_kit.widgets.stateful_widget import StateEntry, StatefulWidget

FOLDER = Path(__file__).parent / "architecture_playground_frontend"
EVERY = 0.3  # seconds from one live frame to the next


class ArchitecturePlayground(StatefulWidget):
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

    architecture, filters, units, seed, optimizer = (StateEntry() for _ in range(5))
    learning_rate, batch_size, regularization = (StateEntry() for _ in range(3))
    image, layer, gradients, of = (StateEntry() for _ in range(4))

    _live = None

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
        self._run = self._own = self._offered = self._refused = None
        self._shown = 0.0  # when the latest live frame was sent
        self._silent = (None, None)  # which maps are 0 for all probed images, and for what that holds
        start = complete_state(start, self.data)
        super().__init__(self._describe(), start)
        self._live = LiveTraining(self._run_step, self._publish, lambda: float("inf"), self._lock)
        self.on_msg(self._hear)
        self._cells = _cell_events()
        if self._cells:
            self._cells.register("post_run_cell", self._after_cell)

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

    @property
    def step_count(self):
        """Updates of the network since its start."""
        return self._run.step_count

    @property
    def running(self):
        """Whether it trains on its own."""
        return self._live.running

    @property
    def trouble(self):
        """Why training stopped by itself or cannot begin, in a sentence, or ""."""
        return self._run.trouble

    def play(self):
        """Train on in the background until ``pause``."""
        self._live.start()

    def pause(self):
        """Stop training after the present update; ``play`` goes on."""
        self._live.stop()
        with self._lock:
            self._publish()

    def train(self, steps=1):
        """Train for so many updates now, and return when they are done or training cannot go on (see ``trouble``).

        Returns the latest ``Record``, or None where there is no network. An interrupt ends it after a whole update.
        """
        try:
            for _ in range(steps):
                with self._lock:
                    if not self._run.step():
                        break
                    if self._run.is_due():
                        self._run.record()
        finally:
            with self._lock:
                self._publish()
        return self._run.history[-1] if self._run.history else None

    def restart(self):
        """Begin anew with the first weights; the settings stay."""
        with self._lock:
            self._run.start()
            self._publish()

    def reset(self):
        """Return to the state the widget was made with, and begin anew with the first weights."""
        with self._lock:
            super().reset()
            self.restart()

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

    def close(self):
        """End the widget and its training."""
        if self._live is not None:  # else the constructor raised
            self._live.stop()
            if self._cells:
                self._cells.unregister("post_run_cell", self._after_cell)
                self._cells = None
        super().close()

    def _caption(self):
        return f"ArchitecturePlayground of {self.architecture}"

    def _complete_state(self, state):
        return complete_state({**self._setup.get("initial", {}), **state}, self.data, self._own is not None)

    def _forget(self):
        if self._run is None:
            self._run = ArchitectureRun(self.data, self.state)
        else:
            self._run.change(self.state)
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
        """Commands first: play, pause, step, restart; then what is to be seen: table, frame, code."""
        self._part = "command"
        command = request.get("command")
        if command == "play":
            self._live.start()
        elif command in ("pause", "step", "restart"):
            self._live.stop()
        if command == "step":
            self._run.step()
        elif command == "restart":
            self._run.start()
        self._part = "frame"
        if request.get("frame"):
            reply["table"], reply["refused"] = self._run.reading.plain(), self._refused
            reply["frame"] = self._frame(buffers)
        self._part = "code"
        if request.get("code"):
            reply["code"] = self.code()

    def _hear(self, _widget, message, _buffers):
        """What the page says beside its requests: a frame is painted, the last view is gone."""
        if message.get("type") == "painted":
            self._live.seen()
        elif message.get("type") == "gone":
            self._live.stop()

    def _after_cell(self, result):
        """An interrupt of the kernel, which ends the running cell, pauses the training beside it as well."""
        if isinstance(result.error_in_exec, KeyboardInterrupt):
            self.pause()

    def _run_step(self):
        return self._run.step()

    def _publish(self):
        """Send a frame to all pages, unasked; while it trains, only now and then."""
        if self.running and time.monotonic() - self._shown < EVERY:
            return self._live.seen()  # nothing is sent, so nothing will be painted
        buffers = []
        self.send({"type": "frame", "frame": self._frame(buffers)}, buffers)
        self._shown = time.monotonic()
        return None

    def _describe(self):
        """What the browser must know once: images, classes, presets, and the values of its controls."""
        data = self.data
        known = presets(data.input_shape)
        used = len(data.X_train)
        some = f"the first {used:,} of {data.available:,}" if used < data.available else f"{used:,}"
        return {
            "image_shape": list(data.image_shape),
            "classes": list(data.class_names),
            "labels": data.y_val.tolist(),
            "about": f"{some} training images, {len(data.X_val):,} validation images",
            "presets": [
                {
                    "name": name,
                    "title": preset.title,
                    "text": preset.text,
                    "settings": preset_settings(name, data.input_shape),
                }
                for name, preset in known.items()
            ],
            "ranges": {name: list(ends) for name, ends in RANGES.items()},
            "rules": list(RULES),
            "signs": {"negative": palette.NEGATIVE, "zero": palette.ZERO, "positive": palette.POSITIVE},
        }

    def _frame(self, buffers):
        """Where the training stands and what the network makes of the image; adds pixels, maps, ranges, filters.

        The image comes with every frame, since pages do not have the user's own.
        """
        run = self._run
        frame = {
            "step": run.step_count,
            "epoch": round(run.epoch, 2),
            "rate": round(run.rate, 2),
            "running": self.running,
            "trouble": run.trouble,
            "architecture": self.state["architecture"],
            "own": self._own is not None,
            "network": run.network is not None,
        }
        buffers.append(self.pixels().tobytes())
        if run.network is None:
            return frame | {"history": [], "losses": []}
        if run.is_due() or not self.running:
            run.record()
        layer = self.state["layer"]
        seen = self.look()
        arrays = seen.gradients if self.state["gradients"] else seen.activations
        layer = layer if layer in arrays else INPUT
        values = arrays[layer]
        shades, ranges = pictures(values)
        filters, largest = first_filters(run.network, self.data.image_shape)
        saliency = pictures(seen.saliency[None])[0]
        silent = self._silent_maps(layer)
        buffers += [shades.tobytes(), ranges.tobytes(), filters.tobytes(), saliency.tobytes()]
        return frame | {
            "history": [_plain(record) for record in run.history],
            "losses": [[step, _number(loss)] for step, loss in run.losses()],
            "probabilities": [_number(value) for value in seen.probabilities],
            "label": seen.label,
            "given": seen.given,
            "layer": layer,
            "shape": list(values.shape),
            "map_shape": list(shades.shape),
            "gradients": self.state["gradients"],
            "silent": None if silent is None else np.flatnonzero(silent[: len(shades)]).tolist(),
            "filter_shape": list(filters.shape),
            "largest": [_number(value) for value in largest],
        }

    def _silent_maps(self, layer):
        """Which of a ReLU's maps are 0 for all probed images, as of the latest validation."""
        run = self._run
        what = (layer, run.history[-1].step, run.network)
        if self._silent[0] != what:
            self._silent = what, silent_maps(run.network, self.data.inputs_val, layer)
        return self._silent[1]


def _cell_events():
    """Where a notebook's kernel tells of its cells; None outside of notebooks."""
    if "IPython" not in sys.modules:
        return None
    shell = sys.modules["IPython"].get_ipython()
    return shell and shell.events


def _plain(record):
    """A record for JSON: four significant digits, None for NaN."""
    return [_number(value) for value in record]


def _number(value):
    return float(f"{value:.4g}") if math.isfinite(value) else None
