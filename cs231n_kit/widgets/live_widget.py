"""A stateful widget that trains a network live, in a thread beside the notebook."""

import math
import sys
import time

from cs231n_kit.widgets.live_training import LiveTraining
from cs231n_kit.widgets.stateful_widget import StatefulWidget


class LiveWidget(StatefulWidget):
    """The Python side of ``frontend/training_session.js``.

    ``_run`` is the training that the state describes: it has ``step``, ``start``, ``record``, ``change``,
    ``step_count``, ``history`` and ``trouble``. A widget of its own makes it in ``_make_run``, tells the browser of it
    in ``_frame``, has ``code()`` if its page asks for a program, and overrides ``_every``, ``_pace`` and ``_is_due`` as
    it likes.
    """

    _live = None
    _every = 0.0  # seconds from one live frame to the next, at least
    _sent = 0.0  # when the latest one was

    def __init__(self, setup, initial):
        self._run = None
        super().__init__(setup, initial)
        self._live = LiveTraining(self._run.step, self._publish, self._pace, self._lock)
        self.on_msg(self._hear)
        self._cells = _cell_events()
        if self._cells:
            self._cells.register("post_run_cell", self._after_cell)

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
        """Train on in the background, as fast as the page can paint and the state says, until ``pause``."""
        self._live.start()

    def pause(self):
        """Stop training after the present update; ``play`` goes on."""
        self._live.stop()
        with self._lock:
            self._publish()

    def train(self, steps=1):
        """Train for so many steps now, and return when they are done or training cannot go on (see ``trouble``).

        Returns the latest ``Record``, or None where there is no network. An interrupt ends it after a whole update.
        """
        try:
            for done in range(1, steps + 1):
                with self._lock:
                    if not self._run.step():
                        break
                    if self._is_due(done, steps):
                        self._run.record()
        finally:
            with self._lock:
                self._publish(history=True)
        history = list(self._run.history)
        return history[-1] if history else None

    def restart(self):
        """Begin again with the first weights; the rest of the state stays."""
        with self._lock:
            self._run.start()
            self._publish(history=True)

    def reset(self):
        """Return to the state the widget was made with, and begin again with the first weights."""
        with self._lock:
            super().reset()
            self.restart()

    def close(self):
        """End the widget and its training."""
        if self._live is not None:  # else the constructor raised
            self._live.stop()
            if self._cells:
                self._cells.unregister("post_run_cell", self._after_cell)
                self._cells = None
        super().close()

    def _make_run(self):
        """The training that the first state describes."""
        raise NotImplementedError

    def _frame(self, buffers, history, draft):
        """What a page needs to draw the network as it is, a dictionary; adds arrays to the buffers.

        history: whether all records shall be in it, else the latest will do; draft: whether it may be coarse.
        """
        raise NotImplementedError

    def _pace(self):
        """Updates a second while it plays."""
        return math.inf

    def _is_due(self, done, steps):
        """Whether the history needs a record after so many of the steps of ``train``."""
        return done % max(1, steps // 100) == 0

    def _forget(self):
        if self._run is None:
            self._run = self._make_run()
        else:
            self._run.change(self.state)

    def _respond(self, request, reply, buffers):
        """Commands first: play, pause, step, restart; then what is to be seen: frame, code."""
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
            draft = bool(request.get("draft")) or self.running
            reply["frame"] = self._frame(buffers, history=bool(command) or not draft, draft=draft)
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

    def _publish(self, history=False):
        """Send a frame to all pages, unasked; while it trains, only now and then."""
        if self.running and time.monotonic() - self._sent < self._every:
            self._live.seen()  # nothing is sent, so nothing will be painted
            return
        buffers = []
        frame = self._frame(buffers, history, draft=self.running)
        self.send({"type": "frame", "frame": frame}, buffers)
        self._sent = time.monotonic()


def _cell_events():
    """Where a notebook's kernel tells of its cells; None outside of notebooks."""
    if "IPython" not in sys.modules:
        return None
    shell = sys.modules["IPython"].get_ipython()
    return shell and shell.events
