"""What must hold for every layer: gradients, types, inputs left alone."""

import numpy as np
from hypothesis import strategies as st

STEP = 1e-5

small_sizes = st.integers(1, 4)
seeds = st.integers(0, 2**32 - 1)


def numeric_gradient(function, x, dout):
    """Gradient of sum(function(x) · dout) with respect to the float64 array x, by centred differences."""
    gradient = np.empty_like(x)
    for index in np.ndindex(x.shape):
        above, below = x.copy(), x.copy()
        above[index] += STEP
        below[index] -= STEP
        gradient[index] = ((function(above) - function(below)) * dout).sum() / (2 * STEP)
    return gradient


def assert_gradients(forward, backward, arrays, seed=0):
    """The gradients that ``backward`` returns, one for each of the arrays, are the numeric ones."""
    out, cache = forward(*arrays)
    dout = np.random.default_rng([seed, 1]).normal(size=out.shape)
    gradients = backward(dout, cache)
    gradients = gradients if isinstance(gradients, tuple) else (gradients,)
    assert len(gradients) == len(arrays)
    for i, gradient in enumerate(gradients):

        def of_one(array, i=i):
            return forward(*arrays[:i], array, *arrays[i + 1 :])[0]

        assert gradient.shape == arrays[i].shape
        expected = numeric_gradient(of_one, arrays[i], dout)
        np.testing.assert_allclose(gradient, expected, rtol=1e-6, atol=1e-7, err_msg=f"argument {i}")


def assert_well_behaved(forward, backward, arrays):
    """float32 and float64 stay what they are; strided and read-only arrays do, and nothing given is modified."""
    out, cache = forward(*arrays)
    dout = np.random.default_rng(2).normal(size=out.shape)
    expected = [out, *_as_tuple(backward(dout, cache))]
    for dtype in (np.float32, np.float64):
        given = [awkward(array, dtype) for array in (*arrays, dout)]
        before = [array.copy() for array in given]
        found, cache = forward(*given[:-1])
        kept = found.copy()
        gradients = _as_tuple(backward(given[-1], cache))
        np.testing.assert_array_equal(found, kept, err_msg="backward changed out")
        for array, copy in zip(given, before, strict=True):
            np.testing.assert_array_equal(array, copy, err_msg="an input was modified")
        tolerance = 2e-5 if dtype == np.float32 else 1e-12
        for value, right in zip([found, *gradients], expected, strict=True):
            assert value.dtype == dtype
            np.testing.assert_allclose(value, right, rtol=tolerance, atol=tolerance)
        again = _as_tuple(backward(given[-1], cache))
        for first, second in zip(gradients, again, strict=True):
            np.testing.assert_array_equal(first, second, err_msg="a second backward pass differs")


def awkward(array, dtype):
    """The array with every second element of a larger one, last axis backwards, and read-only."""
    if np.issubdtype(array.dtype, np.integer):
        dtype = array.dtype
    large = np.zeros([2 * n for n in array.shape], dtype)
    view = large[tuple(slice(None, None, 2) for _ in array.shape)][..., ::-1]
    view[...] = array
    view.flags.writeable = False
    return view


def _as_tuple(value):
    return value if isinstance(value, tuple) else (value,)
