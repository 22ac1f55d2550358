"""Activation functions, forward and backward, and dropout."""

import numpy as np

from benchmarks.gpu.race import backward, forward, memory_bound, normal
from benchmarks.harness import as_array, torch
from cs231n_kit.kernels import activation_cuda, dropout_cuda

NAMES = {"relu": "ReLU", "leaky_relu": "leaky ReLU", "elu": "ELU", "sigmoid": "sigmoid", "tanh": "tanh"}
KEPT = 0.5


def races(elements, pieces=4):
    for function, name in NAMES.items():
        yield memory_bound(f"{name} forward ({elements:,})", _forward(function, elements), 2 * elements)
        yield memory_bound(f"{name} backward ({elements:,})", _backward(function, elements), 3 * elements)
    units = elements // pieces
    work = f"maxout {{}} ({units:,} x {pieces})"
    numbers = elements + 3 * units  # switches count as two
    yield memory_bound(work.format("forward"), _maxout_forward(units, pieces), numbers)
    yield memory_bound(work.format("backward"), _maxout_backward(units, pieces), numbers)
    bound = "PyTorch's mask takes a byte for each element; this one is what the layer multiplies by, of x's type"
    work = f"dropout ({elements:,})"
    yield memory_bound(work, _dropout(elements), 3 * elements, check=_check_dropout, bound=bound)


def _forward(name, elements):
    def build():
        x = normal(elements)
        ours = getattr(activation_cuda, f"{name}_forward")
        return lambda: ours(x)[0], forward(_peer(name), x)

    return build


def _backward(name, elements):
    def build():
        x, dout = normal(elements), normal(elements, seed=1)
        _, cache = getattr(activation_cuda, f"{name}_forward")(x)
        ours, theirs = getattr(activation_cuda, f"{name}_backward"), backward(_peer(name), dout, x)
        return lambda: ours(dout, cache), theirs

    return build


def _peer(name):
    return getattr(torch.nn.functional, name)


def _maxout_forward(units, pieces):
    def build():
        x = normal(units, 1, pieces)
        return lambda: _with_switches(activation_cuda.maxout_forward(x)), forward(_torch_maxout, x)

    return build


def _with_switches(found):
    out, (switches, _) = found
    return out, switches


def _torch_maxout(x):
    return tuple(torch.max(x, dim=-1))


def _maxout_backward(units, pieces):
    def build():
        x, dout = normal(units, 1, pieces), normal(units, 1, seed=1)
        _, cache = activation_cuda.maxout_forward(x)
        theirs = backward(lambda x: _torch_maxout(x)[0], dout, x)
        return lambda: activation_cuda.maxout_backward(dout, cache), theirs

    return build


def _dropout(elements):
    def build():
        x = normal(elements)
        theirs = forward(lambda x: torch.nn.functional.dropout(x, 1 - KEPT), x)
        return lambda: (x, *dropout_cuda.dropout(x, KEPT, (1, 2))), lambda: theirs()

    return build


def _check_dropout(race, ours, theirs):
    """The generators differ, so both must keep about the same share, and enlarge what they keep."""
    x, out, mask = map(as_array, ours)
    assert set(np.unique(mask)) == {0, 1 / KEPT}, race.name
    np.testing.assert_allclose(out, x * mask, rtol=1e-6, err_msg=race.name)
    scatter = 5 * (KEPT * (1 - KEPT) / x.size) ** 0.5
    for kept in (mask > 0, as_array(theirs) != 0):
        assert abs(kept.mean() - KEPT) < scatter, f"{race.name} keeps {kept.mean():.4f}"
