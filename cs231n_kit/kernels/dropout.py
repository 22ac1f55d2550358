"""Dropout masks from a counter-based generator: the same key gives the same mask on every device.

Arguments are not checked here: see cs231n_kit.layers.dropout.
"""

import numpy as np

from cs231n_kit.kernels import cuda


def key_of(seed) -> tuple[int, int]:
    """Philox's key: of an integer always the same one, of a ``numpy.random.Generator`` the next, of None any."""
    if isinstance(seed, np.random.Generator):
        return tuple(int(word) for word in seed.integers(2**64, size=2, dtype=np.uint64))
    return tuple(int(word) for word in np.random.Philox(seed).state["state"]["key"])


@cuda.dispatched("dropout_cuda")
def dropout(x, p, key):
    """(x · mask, mask): each mask entry 1/p with probability p, else 0, of x's shape and type.

    Element i, counted row by row, is kept where the i-th float32 draw of ``numpy.random.Philox(key=key)`` is below p
    (Salmon et al. 2011); the draws do not depend on x's type.
    """
    generator = np.random.Generator(np.random.Philox(key=np.array(key, np.uint64)))
    mask = (generator.random(x.shape, dtype=np.float32) < np.float32(p)).astype(x.dtype)
    mask *= x.dtype.type(1) / x.dtype.type(p)
    return x * mask, mask
