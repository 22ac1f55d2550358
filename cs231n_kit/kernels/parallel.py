"""What kernels in machine code share: how they are compiled, and how their threads keep out of BLAS's way."""

import contextlib
import functools
import math
import os
import sys
import threading
import time
import warnings

REORDERED_SUMS = frozenset({"reassoc", "nsz", "contract"})  # vectorises; NaN and infinity keep their meaning

PATIENCE = 1.0  # seconds of compiling before a line says so

_one_at_a_time = threading.Lock()  # some of Numba's thread pools crash when two threads enter them at once
_process_with_threads = None  # the process that started Numba's threads, which a fork does not copy
_given_up = set()  # kernels that failed: they would fail, slowly, each time


def available_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def compiled(parallel=False, fastmath=REORDERED_SUMS):
    """Decorator: compile on the first call and keep the result on disk, where Numba finds a folder it may write to.

    While that takes more than a second, a line on stderr says so.
    """
    from numba import njit

    _announce_compilation()
    options = dict(parallel=parallel, fastmath=set(fastmath), error_model="numpy", nogil=True)

    def compile_later(function):
        try:
            return njit(cache=True, **options)(function)
        except RuntimeError:
            return njit(**options)(function)

    return compile_later


def fastest(kernel, definition, *arguments):
    """kernel(*arguments), in machine code; definition(*arguments) where Numba is missing or fails.

    A kernel that failed is not tried again: one warning, and from then on the definition.
    """
    if kernel not in _given_up:
        try:
            return kernel(*arguments)
        except ImportError:
            pass
        except MemoryError:
            raise
        except Exception as error:
            _given_up.add(kernel)
            warnings.warn(f"Numba failed, NumPy computes {definition.__name__}, slower: {error}", stacklevel=3)
    return definition(*arguments)


@contextlib.contextmanager
def numba_threads():
    """Within, Numba's threads have the machine to themselves: each may call BLAS, which then starts none of its own.

    Raises RuntimeError in a process forked from one that used Numba's threads, where GNU OpenMP would abort.
    """
    global _process_with_threads
    with _one_at_a_time:
        if _process_with_threads not in (None, os.getpid()) and _threading_layer() == "omp":
            raise RuntimeError('Numba\'s threads do not survive a fork; start processes by "spawn" for machine code')
        with _blas().limit(limits=1, user_api="blas"):
            yield
        _process_with_threads = _process_with_threads or os.getpid()


def block_size(N, height, width, columns, threads):
    """(images, rows) of a block of about so many columns, one for each output of N images of height x width outputs.

    There are blocks for all threads, where possible: of several images, of one, or of some rows of one.
    """
    rows = min(height, max(1, columns // width), math.ceil(N * height / threads))
    images = max(1, columns // (rows * width)) if rows == height else 1
    return min(images, math.ceil(N / threads)), rows


@functools.cache
def _blas():
    import scipy.linalg.cython_blas  # noqa: F401  the BLAS that Numba calls, loaded so that it is found
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def _threading_layer():
    from numba import threading_layer

    return threading_layer()


def _release_lock():
    """In a forked process: whoever held the lock is not there to release it."""
    global _one_at_a_time
    _one_at_a_time = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_release_lock)


@functools.cache
def _announce_compilation():
    """From now on, say on stderr which of the kit's kernels is being compiled if that takes more than a second."""
    from numba.core import event

    class Announcer(event.Listener):
        """Hears of each function that is compiled, within it of those that it calls, and of one thread at a time."""

        depth, timer = 0, None

        def on_start(self, started):
            self.depth += 1
            dispatcher = started.data["dispatcher"]
            if self.depth == 1 and dispatcher.py_func.__module__.startswith(__package__):
                self.begun, self.said = time.monotonic(), False
                self.timer = threading.Timer(PATIENCE, self.say, [dispatcher])
                self.timer.daemon = True
                self.timer.start()

        def say(self, dispatcher):
            self.said = True
            family = dispatcher.py_func.__module__.removeprefix(f"{__package__}.").removesuffix("_numba")
            kept = dispatcher.stats.cache_path is not None
            often = "once" if kept else "at each start of Python: no folder to keep it in is writeable"
            print(f"Compiling {family} for this machine ({often}) ...", end="", file=sys.stderr, flush=True)

        def on_end(self, ended):
            self.depth -= 1
            if self.depth == 0 and self.timer:
                self.timer.cancel()
                self.timer.join()
                self.timer = None
                if self.said:
                    print(f" {time.monotonic() - self.begun:.0f} s", file=sys.stderr, flush=True)

    event.register("numba:compile", Announcer())
