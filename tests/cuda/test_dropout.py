import numpy as np
import pytest
from backends import dtypes, laid_out, layouts, seeds, sizes
from hypothesis import given, settings
from hypothesis import strategies as st

from cs231n_kit.kernels.dropout import key_of

keys = st.tuples(*[st.integers(0, 2**64 - 1)] * 2)


@settings(max_examples=30)
@given(
    shape=st.lists(sizes, max_size=2),
    p=st.sampled_from([1e-3, 0.3, 0.5, 0.9, 1.0]),
    key=keys,
    dtype=dtypes,
    layout=layouts,
)
def test_the_mask_is_that_of_numpys_philox_bit_for_bit(backend, shape, p, key, dtype, layout):
    x = np.asarray(np.random.default_rng(0).normal(size=shape), dtype)
    x = laid_out(x, layout) if shape else x
    out, mask = backend.family("dropout").dropout(x, p, key)
    draws = np.random.Generator(np.random.Philox(key=np.array(key, np.uint64))).random(shape, dtype=np.float32)
    expected = np.where(draws < np.float32(p), 1 / np.dtype(dtype).type(p), 0).astype(dtype)
    np.testing.assert_array_equal(mask, expected)
    np.testing.assert_array_equal(out, x * expected)
    assert out.dtype == mask.dtype == dtype


def test_as_many_units_are_kept_as_p_says(backend):
    n, p = 20_000, 0.3
    _, mask = backend.family("dropout").dropout(np.ones(n, np.float32), p, key_of(1))
    assert abs((mask > 0).mean() - p) < 4 * (p * (1 - p) / n) ** 0.5
    kept = (mask > 0).astype(float) - p
    assert abs((kept[1:] * kept[:-1]).mean()) < 4 * p * (1 - p) / n**0.5  # neighbours know nothing of each other


@given(seeds)
def test_keys(seed):
    assert key_of(seed) == key_of(seed) != key_of(seed + 1)
    generator = np.random.default_rng(seed)
    first, second = key_of(generator), key_of(generator)
    assert first != second
    assert key_of(np.random.default_rng(seed)) == first
    assert key_of(None) != key_of(None)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_dropped_follows_ieee(backend, value):
    x = np.full(64, value, np.float32)
    out, mask = backend.family("dropout").dropout(x, 0.5, (1, 2))
    with np.errstate(invalid="ignore"):
        np.testing.assert_array_equal(out, x * mask)
