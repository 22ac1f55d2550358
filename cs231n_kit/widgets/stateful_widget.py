"""A widget whose state is one plain dictionary that Python and the browser both hold."""

import base64
import threading

import anywidget
import numpy as np
import traitlets

from cs231n_kit.widgets.guarded_call import describe_exception, printing_kept


class StateEntry:
    """An entry of ``state`` as an attribute; setting it sets the state."""

    def __set_name__(self, owner, name):
        self.name = name
        self.__doc__ = f"The entry {name!r} of ``state``."

    def __get__(self, widget, owner):
        return self if widget is None else widget.state[self.name]

    def __set__(self, widget, value):
        widget.change(**{self.name: value})


class StatefulWidget(anywidget.AnyWidget):
    """The Python side of ``frontend/session.js``.

    The browser sends requests, one at a time: its state, and which parts of an answer it wants. A widget of its
    own overrides ``_complete_state``, ``_respond``, ``_state_to_string``, where it caches ``_forget``, and where its
    ``figure`` shall stand beside it ``_caption``.

    Args:
        setup: what the browser must know once, a dictionary.
        initial: the complete state to start with.
    """

    _setup = traitlets.Dict().tag(sync=True)

    state = traitlets.Dict()
    """Everything one sees, as a plain dictionary; assign it (or a part) to return to it."""

    def __init__(self, setup, initial):
        self._lock = threading.RLock()  # JupyterLab may call back beside a running cell
        self._revision = 0  # counts changes made in Python; the browser's answers to older ones are void
        self._part = None  # of an answer, the part being computed: what an error belongs to
        self._quiet = True  # the browser asks for the first state, and knows what it sent itself
        super().__init__(_setup={"initial": initial, **setup})
        self.state = initial
        self._quiet = False
        self.on_msg(self._answer)

    @property
    def state_string(self):
        """The state in URL-safe characters; ``state=string`` makes such a widget again."""
        return self._state_to_string(self.state)

    def change(self, **entries):
        """Set entries of the state, all at once."""
        self.state = {**self.state, **entries}

    def reset(self):
        """Return to the state the widget was made with."""
        self.state = self._setup["initial"]

    def _repr_mimebundle_(self, **kwargs):
        """Offer the still picture beside the live one: viewers without widgets (GitHub, print) show that."""
        bundle, caption = super()._repr_mimebundle_(**kwargs), self._caption()
        if caption is None:
            return bundle
        from cs231n_kit.explorations.exploration import png

        data, metadata = bundle
        data |= {"image/png": base64.b64encode(png(self.figure())).decode(), "text/plain": caption}
        return data, metadata

    def _caption(self):
        """What the still picture shows, in a line of text; None where there shall be no such picture."""
        return None

    def _complete_state(self, state):
        """Check a state or a part of one; returns it complete. Raises ValueError."""
        raise NotImplementedError

    def _forget(self):
        """Forget what was computed from the last state."""

    def _respond(self, request, reply, buffers):
        """Add what the request asks for to the reply and its buffers; set ``_part`` before each part."""
        raise NotImplementedError

    def _state_to_string(self, state):
        raise NotImplementedError

    @traitlets.validate("state")
    def _complete(self, proposal):
        return self._complete_state(proposal["value"])

    @traitlets.observe("state")
    def _announce(self, change):
        with self._lock:
            self._forget()
            if not self._quiet:
                self._revision += 1
                self.send({"type": "state", "state": self.state, "revision": self._revision})

    def _answer(self, _widget, request, _buffers):
        """Answer a request of the browser: take its state, and send what it asks for."""
        if request.get("type") != "request":
            return
        with self._lock, printing_kept() as printed:
            reply = {"type": "reply", "client": request.get("client"), "sequence": request.get("sequence")}
            buffers = []
            self._part = "state"
            try:
                if request.get("state") is not None and request.get("revision") == self._revision:
                    self._take(request["state"])
                self._respond(request, reply, buffers)
            except (Exception, KeyboardInterrupt) as error:
                reply["error"] = {"part": self._part, **describe_exception(error)}
            reply["printed"] = printed()
            reply["revision"] = self._revision
            reply["state"] = self.state
            reply["link"] = "" if request.get("draft") else self.state_string
        self.send(reply, buffers)

    def _take(self, state):
        self._quiet = True
        try:
            self.state = state
        finally:
            self._quiet = False


class PlaneWidget(StatefulWidget):
    """A stateful widget whose state holds labelled points of the plane, as "points" and "labels"."""

    @property
    def points(self):
        """Coordinates of the points, float64 (N, 2)."""
        return np.array(self.state["points"], dtype=np.float64).reshape(-1, 2)

    @property
    def labels(self):
        """Labels of the points, int64 (N,)."""
        return np.array(self.state["labels"], dtype=np.int64)
