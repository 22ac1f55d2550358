import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from layer_checks import assert_gradients, assert_well_behaved, seeds, small_sizes
from scipy.stats import binomtest

from cs231n_kit.layers import dropout_backward, dropout_forward


@pytest.mark.parametrize("p", [0.1, 0.5, 0.8])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_p_is_the_probability_of_keeping(p, dtype):
    x = np.full((400, 300), 3, dtype)
    out, _ = dropout_forward(x, {"mode": "train", "p": p, "seed": 0})
    kept = out != 0
    assert binomtest(int(kept.sum()), kept.size, p).pvalue > 1e-3
    np.testing.assert_allclose(out[kept], 3 / p, rtol=1e-6)
    assert abs(out.mean() - 3) < 0.1  # nothing is left to scale in testing


def test_units_are_dropped_independently():
    kept = dropout_forward(np.ones((200, 300)), {"mode": "train", "p": 0.5, "seed": 1})[0] != 0
    for axis in (0, 1):
        shares = kept.mean(axis=axis)
        assert shares.std() < 0.05, "whole rows or columns are dropped"
        neighbours = (kept == np.roll(kept, 1, axis=axis)).mean()
        assert abs(neighbours - 0.5) < 0.01


@settings(max_examples=25)
@given(st.lists(small_sizes, min_size=1, max_size=4), seeds, st.sampled_from(["train", "test"]))
def test_backward_uses_the_mask_of_forward(shape, seed, mode):
    x = np.random.default_rng(seed).normal(size=shape)
    param = {"mode": mode, "p": 0.6, "seed": seed}
    assert_gradients(lambda x: dropout_forward(x, param), dropout_backward, [x])


def test_backward_uses_the_mask_of_forward_without_a_seed():
    out, cache = dropout_forward(np.ones((20, 30)), {"mode": "train", "p": 0.5})
    np.testing.assert_array_equal(dropout_backward(np.ones((20, 30)), cache), out)


@pytest.mark.parametrize("mode", ["train", "test"])
def test_types_and_inputs(mode):
    x = np.random.default_rng(0).normal(size=(3, 4))
    param = {"mode": mode, "p": np.float64(0.5), "seed": 3}
    assert_well_behaved(lambda x: dropout_forward(x, param), dropout_backward, [x])
    assert param == {"mode": mode, "p": 0.5, "seed": 3}


def test_test_mode_passes_on_a_copy():
    x = np.arange(6.0)
    out, cache = dropout_forward(x, {"mode": "test", "p": 0.3})
    np.testing.assert_array_equal(out, x)
    out += 1
    dropout_backward(x, cache)[...] = 9
    np.testing.assert_array_equal(x, np.arange(6.0))


def test_seeds():
    x = np.ones((30, 40))

    def mask(**more):
        return dropout_forward(x, {"mode": "train", "p": 0.5, **more})[0]

    np.testing.assert_array_equal(mask(seed=1), mask(seed=1))
    assert (mask(seed=1) != mask(seed=2)).any()
    assert (mask() != mask()).any()
    generator = np.random.default_rng(7)
    first, second = mask(seed=generator), mask(seed=generator)
    assert (first != second).any()
    generator = np.random.default_rng(7)
    np.testing.assert_array_equal(mask(seed=generator), first)
    np.testing.assert_array_equal(mask(seed=generator), second)


def test_the_global_random_state_is_neither_used_nor_changed():
    np.random.seed(0)
    before = np.random.get_state()[1].copy()
    first, _ = dropout_forward(np.ones(100), {"mode": "train", "p": 0.5, "seed": 5})
    np.testing.assert_array_equal(np.random.get_state()[1], before)
    np.random.seed(1)
    np.testing.assert_array_equal(dropout_forward(np.ones(100), {"mode": "train", "p": 0.5, "seed": 5})[0], first)


def test_p_of_one_keeps_all():
    np.testing.assert_array_equal(dropout_forward(np.ones(1000), {"mode": "train", "p": 1})[0], np.ones(1000))


@pytest.mark.parametrize(
    "param, message",
    [
        ({"p": 0.5}, r'dropout_param\["mode"\] must be "train" or "test", not None'),
        ({"mode": "eval", "p": 0.5}, r"not 'eval'"),
        ({"mode": "train"}, r'dropout_param\["p"\], the probability of keeping a unit, must be 0 < p <= 1, not None'),
        ({"mode": "train", "p": 0}, "not 0"),
        ({"mode": "test", "p": 1.5}, "not 1.5"),
        ({"mode": "train", "p": float("nan")}, "not nan"),
        ({"mode": "train", "p": "0.5"}, "not '0.5'"),
        (
            {"mode": "train", "p": 0.5, "sead": 1},
            "dropout_param has the unknown entry 'sead'; it may have mode, p, seed",
        ),
    ],
)
def test_wrong_parameters(param, message):
    with pytest.raises(ValueError, match=message):
        dropout_forward(np.ones(3), param)


def test_wrong_arrays():
    param = {"mode": "train", "p": 0.5}
    with pytest.raises(TypeError, match=r"dropout_param must be a dictionary \(of mode, p, seed\), not 0.5"):
        dropout_forward(np.ones(3), 0.5)
    with pytest.raises(TypeError, match="x must hold float32 or float64, not complex128"):
        dropout_forward(np.ones(3, complex), param)
    _, cache = dropout_forward(np.ones(3), param)
    with pytest.raises(ValueError, match=r"dout must have the shape \(3,\), that of out, not \(2,\)"):
        dropout_backward(np.ones(2), cache)
