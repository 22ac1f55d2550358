"""Curves that grow while a network trains."""

import io
import time
from pathlib import Path

from cs231n_kit.training import arguments
from cs231n_kit.training.callbacks import Callback

SHARE = 0.1  # of the time that drawing may take


class LivePlot(Callback):
    """Loss and accuracy, drawn again while training goes on.

    In a notebook the picture appears below the cell, once training has taken longer than ``interval`` seconds, and
    is renewed at most so often and never for more than a tenth of the time. Elsewhere nothing is drawn, unless
    ``path`` names a file, such as "training.png", that the picture is written to instead.
    """

    def __init__(self, path: str | Path | None = None, interval: float = 1.0):
        self.path = None if path is None else Path(path)
        self.interval = interval
        self._display, self._active, self._next = None, False, 0.0

    def on_start(self, trainer, progress):
        self._display = None
        if self.path is not None:
            arguments.folder_of(self.path)
        self._active = self.path is not None or in_notebook()
        self._next = time.monotonic() + self.interval

    def on_step(self, trainer, progress):
        if self._active and time.monotonic() >= self._next:
            self._draw(trainer.history)

    def on_stop(self, trainer, error):
        # What took less than the interval shows no picture in a notebook; a file that was asked for is written.
        if self._active and trainer.history.losses and (self._display or self.path):
            self._draw(trainer.history)

    def _draw(self, history):
        began = time.monotonic()
        picture = io.BytesIO()
        history.figure().savefig(picture, format="png", dpi=100)
        if self.path is not None:
            self.path.write_bytes(picture.getvalue())
        else:
            self._show(picture.getvalue())
        now = time.monotonic()
        self._next = now + max(self.interval, (now - began) * (1 / SHARE - 1))

    def _show(self, png: bytes):
        # As a finished picture, so that it looks the same with every matplotlib backend.
        from IPython.display import Image, display

        if self._display is None:
            self._display = display(Image(png), display_id=True)
        else:
            self._display.update(Image(png))


def in_notebook() -> bool:
    """Whether a Jupyter kernel runs this, and not a script or a terminal."""
    import sys

    if "IPython" not in sys.modules:  # the kernel has imported it
        return False
    from IPython import get_ipython

    return hasattr(get_ipython(), "kernel")
