"""What kernels in machine code share: how they are compiled, and how their threads keep out of BLAS's way."""

import contextlib
import functools
import threading
import warnings

_one_at_a_time = threading.Lock()  # some of Numba's thread pools crash when two threads enter them at once

REORDERED_SUMS = frozenset({"reassoc", "nsz", "contract"})  # vectorises; NaN and infinity keep their meaning


def compiled(parallel=False, fastmath=REORDERED_SUMS):
    """Decorator: compile on the first call and keep the result on disk, where Numba finds a folder it may write to."""
    from numba import njit

    options = dict(parallel=parallel, fastmath=set(fastmath), error_model="numpy", nogil=True)

    def compile_later(function):
        try:
            return njit(cache=True, **options)(function)
        except RuntimeError:
            return njit(**options)(function)

    return compile_later


def fastest(kernel, definition, *arguments):
    """kernel(*arguments), in machine code; definition(*arguments) where Numba is missing or fails."""
    try:
        return kernel(*arguments)
    except ImportError:
        pass
    except Exception as error:
        warnings.warn(f"Numba failed, NumPy computes {definition.__name__}, slower: {error}", stacklevel=3)
    return definition(*arguments)


@contextlib.contextmanager
def numba_threads():
    """Within, Numba's threads have the machine to themselves: each may call BLAS, which then starts none of its own."""
    with _one_at_a_time, _blas().limit(limits=1, user_api="blas"):
        yield


@functools.cache
def _blas():
    import scipy.linalg.cython_blas  # noqa: F401  the BLAS that Numba calls, loaded so that it is found
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
