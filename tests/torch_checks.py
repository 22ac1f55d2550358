"""PyTorch as the oracle: the same numbers through the kit and through PyTorch's float64, and how far apart they are."""

import os
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from hypothesis import strategies as st
from layer_checks import awkward

TOLERANCE = {"float64": 1e-12, "float32": 2e-5}
SMALLEST = {"float64": 1e-2, "float32": 1e-1}  # below, what is left of sums of larger terms is mostly their rounding

largest_differences = defaultdict(float)  # by test and type, for the summary at the end

seeds = st.integers(0, 2**32 - 1)


@dataclass(frozen=True)
class Form:
    """How arrays are handed to the kit: their type, and whether they are strided, reversed and read-only."""

    dtype: type
    is_awkward: bool

    def __str__(self):
        return np.dtype(self.dtype).name + " strided" * self.is_awkward

    def of(self, array):
        if self.is_awkward:
            return awkward(array, self.dtype)
        return np.array(array, self.dtype if array.dtype.kind == "f" else array.dtype)


forms = st.builds(Form, st.sampled_from([np.float64, np.float32]), st.booleans())


def normal(seed, *shapes, scale=1.0):
    """Float64 arrays of normal numbers."""
    rng = np.random.default_rng(seed)
    return [scale * rng.standard_normal(shape) for shape in shapes]


def tensor(array, leaf=False):
    """A float64 copy of the array, or an int64 one of integers; ``leaf`` asks for its gradient."""
    array = np.array(array)
    if array.dtype.kind == "f":
        return torch.tensor(array, dtype=torch.float64, requires_grad=leaf)
    return torch.tensor(array.astype(np.int64))


def difference(found, expected, smallest) -> float:
    """The largest difference of two arrays, as a share of the largest element that was expected."""
    found, expected = np.asarray(found, np.float64), np.asarray(expected, np.float64)
    assert found.shape == expected.shape, f"shape {found.shape}, PyTorch has {expected.shape}"
    worst = np.abs(found - expected).max(initial=0)
    return float(worst / max(np.abs(expected).max(initial=0), smallest)) if np.isfinite(worst) else np.inf


def assert_close(found, expected, what="", dtype=np.float64, factor=1.0):
    """Assert agreement within ``factor`` times the tolerance of the type, and remember how good it was."""
    if isinstance(expected, torch.Tensor):
        expected = expected.detach().numpy()
    name = np.dtype(dtype).name
    error = difference(found, expected, SMALLEST[name])
    path, _, test = os.environ["PYTEST_CURRENT_TEST"].partition("[")[0].partition(" ")[0].partition("::")
    test = f"{Path(path).stem}: {test}"
    largest_differences[test, name] = max(largest_differences[test, name], error)
    assert error <= factor * TOLERANCE[name], (
        f"{what} in {name} differs from PyTorch by {error:.1e} of its largest element\n{found}\n{expected}"
    )


def assert_layer(forward, backward, reference, arrays, form, factor=1.0):
    """``forward(*arrays) -> (out, cache)`` and ``backward(dout, cache)`` against autograd through ``reference``.

    ``backward`` returns a gradient for each of the arrays. out and the gradients have the type of the arrays, and
    nothing that was given is modified.
    """
    given = [form.of(array) for array in arrays]
    before = [array.copy() for array in given]
    out, cache = forward(*given)
    dout = form.of(np.random.default_rng(out.size).standard_normal(out.shape))
    kept_dout = dout.copy()
    gradients = backward(dout, cache)
    gradients = gradients if isinstance(gradients, tuple) else (gradients,)

    leaves = [tensor(array, leaf=True) for array in given]
    expected = reference(*leaves)
    expected_gradients = torch.autograd.grad(expected, leaves, tensor(dout))
    assert_close(out, expected, "out", form.dtype, factor)
    assert len(gradients) == len(leaves)
    for i, (gradient, right) in enumerate(zip(gradients, expected_gradients, strict=True)):
        assert_close(gradient, right, f"the gradient of argument {i}", form.dtype, factor)
    assert {out.dtype, *(gradient.dtype for gradient in gradients)} == {np.dtype(form.dtype)}
    for array, copy in zip([*given, dout], [*before, kept_dout], strict=True):
        np.testing.assert_array_equal(array, copy, err_msg="an input was modified")


def assert_loss(loss, reference, x, others, form, factor=1.0):
    """``loss(x, *others) -> (number, gradient)`` against autograd through ``reference``."""
    x = form.of(x)
    others = [form.of(other) for other in others]
    before = [array.copy() for array in (x, *others)]
    found, gradient = loss(x, *others)
    leaf = tensor(x, leaf=True)
    expected = reference(leaf, *map(tensor, others))
    assert type(found) is float
    assert_close(found, expected, "the loss", form.dtype, factor)
    assert_close(gradient, torch.autograd.grad(expected, leaf)[0], "the gradient", form.dtype, factor)
    assert gradient.dtype == x.dtype
    for array, copy in zip([x, *others], before, strict=True):
        np.testing.assert_array_equal(array, copy, err_msg="an input was modified")
