"""Training beside a notebook: a thread that trains a little, shows a frame, and waits for the page to follow."""

import threading
import time

FRAMES = 25  # a second, at most
SLICE = 0.02  # seconds of training for a frame
PAUSE = 0.005  # seconds after each frame in which cells and callbacks have Python to themselves
UNSEEN = 2  # frames on their way to the page; training waits until it has painted one of them
PATIENCE = 60.0  # seconds without a sign of the page after which training stops


class LiveTraining:
    """Play and stop.

    Args:
        step: called without arguments for one update; returns False where training cannot go on.
        show: called after each series of steps; publishes a frame.
        pace: called for the number of steps a second, which may be infinite.
        lock: held during ``step`` and ``show``.

    The thread ends on ``stop``, when ``step`` fails or raises, and when no page has painted a frame for a minute. It
    never keeps Python from exiting.
    """

    def __init__(self, step, show, pace, lock):
        self._step, self._show, self._pace, self._lock = step, show, pace, lock
        self._changed = threading.Condition()
        self._unseen = 0
        self._thread = None

    @property
    def running(self):
        return self._thread is not None

    def start(self):
        with self._changed:
            if self._thread is None:
                self._unseen = 0
                self._thread = threading.Thread(target=self._play, name="live training", daemon=True)
                self._thread.start()

    def stop(self):
        with self._changed:
            self._thread = None  # the thread sees that it is no longer the one
            self._changed.notify_all()

    def seen(self):
        """The page has painted a frame."""
        with self._changed:
            self._unseen = max(self._unseen - 1, 0)
            self._changed.notify_all()

    def _play(self):
        before, owed = time.monotonic(), 1.0
        while True:
            seen = self._wait_for_page()
            if not self._is_current():
                return
            if not seen:
                self.stop()
                with self._lock:
                    self._show()  # a page that comes back learns of it
                return
            start = time.monotonic()
            passed, before = min(start - before, 0.2), start
            owed = min(owed, 1.0) + (self._pace() * passed if passed else 0.0)  # a coarse clock may stand still
            with self._lock:
                if not self._is_current():
                    return
                owed -= self._train(owed, start + SLICE)
            time.sleep(max(PAUSE, start + 1 / FRAMES - time.monotonic()))

    def _train(self, most, end):
        """Up to so many steps until a time, and a frame if there was one; returns how many."""
        done = 0
        try:
            while done + 1 <= most and (done == 0 or time.monotonic() < end):
                if not self._step():
                    self.stop()
                    break
                done += 1
        except BaseException:
            self.stop()
            raise
        finally:
            if done or not self.running:
                with self._changed:
                    self._unseen += 1
                self._show()
        return done

    def _is_current(self):
        return self._thread is threading.current_thread()

    def _wait_for_page(self):
        """Wait until the page has painted, or this thread shall end; False where neither came in time."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._is_current() or self._unseen < UNSEEN, PATIENCE)
