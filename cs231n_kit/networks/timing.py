"""How long each layer of a network takes   (lectures 08 and 09)."""

import time

from cs231n_kit.arrays import array_module
from cs231n_kit.networks.layer import check_count


def layer_seconds(network, x, repeats: int = 3) -> dict[str, float]:
    """Seconds that each layer takes in a forward pass in mode "test", by path, in the order in which they run.

    network: an initialised network; its parameters and x must lie in the same memory, a GPU's is waited for.
    x: a batch (N, *input_shape), such as one image, x[None].
    repeats: passes, after one that does not count, of which each layer's shortest time is taken: what else the machine
        does can only add to it.

    For ``Residual`` and ``Parallel`` it is the time of the sum, or of joining; their layers have paths of their own.
    An ``Auxiliary`` passes on its input, and the layers of its head, which only work in training, are left out. Raises
    ValueError where x does not fit.
    """
    check_count("repeats", repeats)
    network.forward(x, cache=False)  # compiles what has to be compiled, and checks x
    shortest = {}
    for _ in range(repeats):
        for path, seconds in timed_pass(network, x).items():
            shortest[path] = min(seconds, shortest.get(path, seconds))
    return shortest


def timed_pass(network, x) -> dict[str, float]:
    """Seconds of each layer in a single forward pass; arguments and paths as for ``layer_seconds``."""
    seconds = {}
    wait = _wait_for(x)

    def note(path, array):
        nonlocal last
        wait()
        now = time.perf_counter()
        seconds[path] = now - last
        last = time.perf_counter()

    x, run = network._batch(x), network._pass(observe=note)
    wait()
    last = time.perf_counter()
    network.propagate(x, "", run)
    return seconds


def _wait_for(array):
    """A function that returns when the array's device has done its work; NumPy's is done at once."""
    module = array_module(array)
    return module.cuda.Device().synchronize if hasattr(module, "cuda") else lambda: None
