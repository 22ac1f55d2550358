import numpy as np
import pytest

from cs231n_kit import initialization

# The variance that each function promises for shape (D, M) = (300, 200), and for (F, C, HH, WW) = (60, 40, 3, 5).
DENSE, FILTERS = (300, 200), (60, 40, 3, 5)
VARIANCES = {
    "small_normal": (1e-4, 1e-4),
    "inverse_sqrt": (1 / 300, 1 / 600),
    "he_normal": (2 / 300, 2 / 600),
    "xavier_uniform": (2 / 500, 2 / (600 + 900)),
    "sparse": (1e-4 * 10 / 300, 1e-4 * 10 / 600),
}
each_random = pytest.mark.parametrize("name", VARIANCES)


@each_random
@pytest.mark.parametrize("which, shape", [(0, DENSE), (1, FILTERS)])
def test_mean_and_variance(name, which, shape):
    """Both lie within six standard errors, measured on tens of thousands of weights."""
    weights, variance = getattr(initialization, name)(shape, 7, np.float64), VARIANCES[name][which]
    fourth = np.mean(weights**4)
    assert weights.shape == shape
    assert abs(weights.mean()) < 6 * np.sqrt(variance / weights.size)
    assert abs(weights.var() - variance) < 6 * np.sqrt(fourth / weights.size)


@each_random
def test_seeds_generators_and_types(name):
    initialize = getattr(initialization, name)
    weights = initialize((20, 30), 5)
    assert weights.dtype == np.float32 and weights.flags.c_contiguous and weights.flags.writeable
    np.testing.assert_array_equal(weights, initialize((20, 30), 5))
    np.testing.assert_array_equal(weights, initialize((20, 30), np.random.default_rng(5)))
    np.testing.assert_array_equal(weights, initialize((20, 30), 5, np.float64).astype(np.float32))
    rng = np.random.default_rng(5)
    assert not np.array_equal(initialize((20, 30), rng), initialize((20, 30), rng))


def test_constants():
    assert not initialization.zeros((2, 3)).any() and initialization.zeros(4).shape == (4,)
    biases = initialization.bias_constant(4, dtype=np.float64)
    assert biases.tolist() == [0.01] * 4 and initialization.bias_constant(4, value=0.5).dtype == np.float32


def test_the_shape_of_the_distributions():
    limit = np.sqrt(6 / 500)
    uniform = initialization.xavier_uniform(DENSE, 1)
    assert 0.999 * limit < np.abs(uniform).max() <= limit
    normal = initialization.he_normal(DENSE, 1, np.float64)
    assert np.mean(normal**4) / np.mean(normal**2) ** 2 == pytest.approx(3, abs=0.15)  # a uniform one has 1.8
    assert initialization.small_normal(DENSE, 1, std=3).std() == pytest.approx(3, rel=0.02)


def test_sparse_weights_connect_every_output_to_as_many_inputs():
    dense = initialization.sparse((30, 50), 0, connections=7, std=2)
    assert ((dense != 0).sum(axis=0) == 7).all()
    assert len(np.unique(dense != 0, axis=1).T) > 45  # each output to inputs of its own
    assert dense[dense != 0].std() == pytest.approx(2, rel=0.2)
    filters = initialization.sparse((8, 3, 5, 5), 0, connections=75)
    assert ((filters != 0).sum(axis=(1, 2, 3)) == 75).all()


def test_he_keeps_the_signal_through_deep_relu_networks_where_others_lose_it():
    def last_size(initialize):
        rng = np.random.default_rng(0)
        x = rng.normal(size=(200, 256))
        for _ in range(20):
            x = np.maximum(0, x @ initialize((256, 256), rng))
        return np.sqrt(np.mean(x**2))

    assert 0.3 < last_size(initialization.he_normal) < 3
    assert last_size(initialization.inverse_sqrt) < 0.01
    assert last_size(initialization.small_normal) < 1e-8


@pytest.mark.parametrize(
    "action, error, message",
    [
        (lambda: initialization.he_normal((3,), 0), ValueError, r"shape must be \(D, M\) .* not \(3,\)"),
        (lambda: initialization.he_normal(3, 0), ValueError, r"not \(3,\)"),
        (lambda: initialization.xavier_uniform((0, 3), 0), ValueError, r"nothing 0, not \(0, 3\)"),
        (lambda: initialization.he_normal((3.0, 2), 0), ValueError, r"not \(3.0, 2\)"),
        (lambda: initialization.he_normal((3, 2), 0, int), TypeError, "dtype must be float32 or float64, not int64"),
        (lambda: initialization.zeros(3, dtype="float16"), TypeError, "not float16"),
        (lambda: initialization.small_normal(3, 0, std=0), ValueError, "std must be a positive number, not 0"),
        (lambda: initialization.small_normal(3, 0, std="1"), ValueError, "std must be a positive number, not '1'"),
        (lambda: initialization.sparse((5, 3), 0), ValueError, r"must not exceed the 5 inputs .* but is 10"),
        (lambda: initialization.sparse((5, 3), 0, connections=0), ValueError, "a positive integer, not 0"),
        (lambda: initialization.sparse((5, 3), 0, connections=1.5), ValueError, "a positive integer, not 1.5"),
    ],
)
def test_errors_name_the_argument_what_came_and_what_was_expected(action, error, message):
    with pytest.raises(error, match=message):
        action()
