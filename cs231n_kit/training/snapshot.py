"""What a network consists of at one moment, and the way back to it."""

import math

import numpy as np

from cs231n_kit.arrays import array_module


class Snapshot:
    """Copies of a network's parameters and statistics, and the states of its random generators (dropout).

    ``take`` copies again, into the same memory where it can; ``restore`` writes back, in place.
    """

    def __init__(self, network):
        self.parameters, self.statistics = {}, {}
        self.take(network)

    def take(self, network) -> None:
        for kept, arrays in ((self.parameters, network.parameters), (self.statistics, network.statistics)):
            for path, array in arrays.items():
                copy = kept.get(path)
                if copy is not None and (copy.shape, copy.dtype) == (array.shape, array.dtype):
                    copy[...] = array
                else:
                    kept[path] = array.copy()
        self.random_state = network.random_state()

    def restore(self, network) -> None:
        self.restore_arrays(network)
        network.set_random_state(self.random_state)

    def restore_arrays(self, network) -> None:
        """Parameters and statistics alone: random numbers go on from where they are."""
        for kept, arrays in ((self.parameters, network.parameters), (self.statistics, network.statistics)):
            for path, array in arrays.items():
                array[...] = kept[path]


def all_finite(arrays) -> bool:
    """Whether there is no NaN or infinity in the arrays, all NumPy or all CuPy.

    Sums are looked at first, a single number to fetch from a GPU; they may overflow where no element does.
    """
    with np.errstate(all="ignore"):
        if math.isfinite(float(sum(array.sum() for array in arrays))):
            return True
    return all(bool(array_module(array).isfinite(array).all()) for array in arrays)
