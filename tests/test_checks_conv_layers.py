"""The checks of assignment 2's `conv_layers`: right answers earn everything, known mistakes what is said here."""

import numpy as np
import pytest
from exercise import Exercise, Trials, absent, beside
from numpy.lib.stride_tricks import sliding_window_view
from scipy.signal import correlate
from scipy.special import logsumexp
from scipy.stats import zscore

from cs231n_kit.gradients import numeric_gradient

EXERCISE = Exercise("assignment2", "conv_layers")
POINTS_LOST = {
    "conv_forward_naive": {
        "filters flipped": 5,
        "rows and columns of the filter exchanged": 5,
        "no bias": 1.5,
        "bias for each channel": 1.5,
        "bias for each product": 1.5,
        "bias subtracted": 1.5,
        "first bias for all": 1.5,
        "padded with ones": 4,
        "padded with the edge": 4,
        "not padded": 4,
        "padded at one end": 4,
        "padding fixed at 1": 3,
        "stride fixed at 1": 1,
        "stride in the size only": 1,
        "stride along the rows only": 1,
        "stride along the columns only": 1,
        "height for width": 3.5,
        "3 × 3 filters only": 1,
        "zeros left at the border": 5,
        "rounded up": 1,
        "first channel only": 5,
        "first image only": 5,
        "mean instead of sum": 5,
    },
    "conv_backward_naive": {
        "frame cut by negative numbers": 0.5,
        "frame not cut off": 3.5,
        "cut at the wrong end": 3.5,
        "dx overwritten": 4,
        "dw overwritten": 3.5,
        "dw of the last image": 3.5,
        "dw of the first image": 3.5,
        "dw averaged": 3.5,
        "dw and db averaged": 4,
        "no frame around x": 3.5,
        "filters flipped in dx": 4,
        "dw flipped": 3.5,
        "db over the wrong axes": 1.5,
        "db of each place": 1.5,
        "db one number": 1.5,
        "db averaged": 1.5,
        "no db": 1.5,
        "stride fixed at 1": 0.5,
        "stride along the rows only": 0.5,
        "3 × 3 filters only": 0.5,
        "returned in another order": 5.5,
    },
    "max_pool_forward_naive": {
        "mean for the maximum": 3,
        "sum for the maximum": 3,
        "smallest": 3,
        "places of the maxima": 3,
        "maximum over the channels": 3,
        "maximum over the batch": 3,
        "starts at zero": 0.5,
        "absolute values": 0.5,
        "stride not looked at": 1.5,
        "stride in the size only": 3,
        "2 × 2 windows only": 1.5,
        "height and width exchanged": 1.5,
        "left over pixels pooled": 1.5,
        "zeros left at the border": 3,
    },
    "max_pool_backward_naive": {
        "overwritten where windows overlap": 0.5,
        "all pixels of the window": 3,
        "average pooling": 3,
        "ones for the gradient": 3,
        "times the maximum": 2.5,
        "largest of a row": 2.5,
        "row and column exchanged": 2.5,
        "place within the window": 2.5,
        "smallest": 3,
        "stride not looked at": 1,
        "2 × 2 windows only": 1,
        "nothing where pixels are equal": 0.5,
        "divided by the number of images": 3,
    },
    "ThreeLayerConvNet": {
        "scores instead of the loss": 2.5,
        "probabilities instead of scores": 1.5,
        "labels instead of scores": 1.5,
        "loss not averaged": 1.5,
        "gradients not averaged": 2,
        "gradients averaged twice": 2,
        "no ReLU after the convolution": 3.5,
        "no ReLU between the affine layers": 3.5,
        "first ReLU in one direction only": 1,
        "second ReLU in one direction only": 1.5,
        "ReLU on the scores": 4,
        "average pooling": 3.5,
        "no first bias": 4,
        "no second bias": 4,
        "no third bias": 4,
        "padding fixed at 1": 0.5,
        "not padded": 5,
        "no regularisation": 1.5,
        "penalty missing in the loss": 1.5,
        "penalty missing in the gradients": 1.5,
        "penalty's gradient halved": 1.5,
        "other convention": 1,
        "penalty halved in the loss": 1.5,
        "filters not penalised": 1,
        "third layer not penalised": 1,
        "biases penalised": 1,
        "weights not scaled": 1,
        "weights zero": 1,
        "weights all positive": 1,
        "weights of variance weight_scale": 1,
        "biases one": 1,
        "biases random": 1,
        "pooling forgotten in W2": 1,
        "images taken for square": 1,
    },
    "spatial_batchnorm_forward": {
        "reshaped without transposing": 3,
        "statistics of each place": 2,
        "statistics of each image": 2,
        "one statistic for all channels": 2.5,
        "unbiased variance": 2.5,
        "test mode with batch statistics": 0.5,
        "momentum swapped": 1,
        "nothing stored": 1,
        "variance not rooted": 2.5,
        "eps fixed": 0.5,
        "no gamma": 0.5,
        "no beta": 0.5,
    },
    "spatial_batchnorm_backward": {
        "means over the batch only": 1.5,
        "means over each image": 1.5,
        "statistics taken for constants": 1.5,
        "no term of the variance": 1.5,
        "no term of the mean": 1.5,
        "gamma forgotten in dx": 1.5,
        "not divided by the standard deviation": 1.5,
        "divided by N for N H W": 1.5,
        "dgamma and dbeta for each place": 1,
        "dgamma without x_hat": 1,
        "dgamma and dbeta averaged": 1,
    },
    "spatial_groupnorm_forward": {
        "channels in a group for the number of groups": 2.5,
        "every G-th channel": 2.5,
        "statistics over the batch": 3,
        "statistics of each channel": 3,
        "statistics of each place": 3,
        "all channels one group": 3,
        "gamma for each group": 0.5,
        "unbiased variance": 3,
        "variance not rooted": 3,
        "eps fixed": 0.5,
        "not centred": 3,
        "no gamma": 0.5,
        "no beta": 0.5,
    },
    "spatial_groupnorm_backward": {
        "means over the batch": 1.5,
        "means of each channel": 1.5,
        "gamma applied after the means": 1.5,
        "gamma forgotten in dx": 1.5,
        "statistics taken for constants": 1.5,
        "no term of the variance": 1.5,
        "no term of the mean": 1.5,
        "not divided by the standard deviation": 1.5,
        "dgamma and dbeta for each image": 1,
        "dgamma without x_hat": 1,
        "dgamma and dbeta averaged": 1,
    },
}
BACKWARDS = [name.replace("forward", "backward") for name in EXERCISE.functions if "forward" in name]
STYLES = {
    "conv_{}_naive": EXERCISE.answers.CONVOLUTION,
    "max_pool_{}_naive": EXERCISE.answers.POOLING,
    "spatial_batchnorm_{}": EXERCISE.answers.SPATIAL_BATCHNORM,
    "spatial_groupnorm_{}": EXERCISE.answers.SPATIAL_GROUPNORM,
}


# The reference


def test_the_reference_convolves_as_scipy_does_and_has_the_numeric_gradients():
    rng = np.random.default_rng(3)
    forward, backward = (EXERCISE.reference.function(f"conv_{way}_naive") for way in ("forward", "backward"))
    arguments = {"x": rng.normal(size=(2, 3, 6, 5)), "w": rng.normal(size=(4, 3, 3, 2)), "b": rng.normal(size=4)}
    dout = rng.normal(size=(2, 4, 3, 3))

    def convolved(x, w, b):
        framed = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
        maps = [[correlate(image, kernel, "valid")[0, ::2, ::2] for kernel in w] for image in framed]
        return np.array(maps) + b.reshape(-1, 1, 1)

    out, cache = forward(**arguments, conv_param={"stride": 2, "pad": 1})
    np.testing.assert_allclose(out, convolved(**arguments))
    for (name, value), gradient in zip(arguments.items(), backward(dout, cache), strict=True):
        moved = lambda v, name=name: np.sum(dout * convolved(**{**arguments, name: v}))  # noqa: E731
        np.testing.assert_allclose(gradient, numeric_gradient(moved, value.copy()), rtol=1e-6, atol=1e-8)


def test_the_reference_pools_by_the_definition_and_has_the_numeric_gradient():
    rng = np.random.default_rng(4)
    forward, backward = (EXERCISE.reference.function(f"max_pool_{way}_naive") for way in ("forward", "backward"))
    x, dout = rng.normal(size=(2, 3, 7, 6)), rng.normal(size=(2, 3, 3, 3))

    def pooled(x):
        return sliding_window_view(x, (3, 2), axis=(2, 3))[:, :, ::2, ::2].max(axis=(-2, -1))

    out, cache = forward(x, {"pool_height": 3, "pool_width": 2, "stride": 2})
    np.testing.assert_array_equal(out, pooled(x))
    gradient = numeric_gradient(lambda v: np.sum(dout * pooled(v)), x.copy())
    np.testing.assert_allclose(backward(dout, cache), gradient, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("kind, G", [("batch", None), ("group", 2), ("group", 4), ("group", 1)])
def test_the_reference_normalises_as_scipy_does_and_has_the_numeric_gradients(kind, G):
    rng = np.random.default_rng(6)
    forward, backward = (EXERCISE.reference.function(f"spatial_{kind}norm_{way}") for way in ("forward", "backward"))
    x, dout = rng.normal(2, 3, (3, 4, 2, 3)), rng.normal(size=(3, 4, 2, 3))
    gamma, beta = rng.normal(size=(2, 1, 4, 1, 1))
    arguments = {"x": x, "gamma": gamma, "beta": beta}

    def normalised(x, gamma, beta):
        if kind == "batch":
            hats = [zscore(x[:, c], axis=None) for c in range(4)]
            return np.stack(hats, axis=1) * gamma + beta
        hats = [[zscore(part, axis=None) for part in np.split(image, G)] for image in x]
        return np.array([np.concatenate(parts) for parts in hats]) * gamma + beta

    given = arguments if kind == "group" else {"x": x, "gamma": gamma.ravel(), "beta": beta.ravel()}
    settings = {"G": G, "gn_param": {"eps": 1e-12}} if G else {"bn_param": {"mode": "train", "eps": 1e-12}}
    out, cache = forward(**given, **settings)
    np.testing.assert_allclose(out, normalised(**arguments), rtol=1e-8)
    for (name, value), gradient in zip(arguments.items(), backward(dout, cache), strict=True):
        moved = lambda v, name=name: np.sum(dout * normalised(**{**arguments, name: v}))  # noqa: E731
        expected = numeric_gradient(moved, value.copy()).reshape(gradient.shape)
        np.testing.assert_allclose(gradient, expected, rtol=1e-5, atol=1e-7)


def test_the_reference_network_has_the_loss_of_the_formula_and_its_numeric_gradients():
    rng = np.random.default_rng(5)
    np.random.seed(5)
    network = EXERCISE.reference.function("ThreeLayerConvNet")((2, 4, 6), 3, 3, 5, 4, weight_scale=0.5, reg=0.1)
    X, y = rng.normal(size=(3, 2, 4, 6)), rng.integers(0, 4, size=3)

    def loss():
        p = network.params
        framed = np.pad(X, ((0, 0), (0, 0), (1, 1), (1, 1)))
        maps = np.array([[correlate(image, kernel, "valid")[0] for kernel in p["W1"]] for image in framed])
        active = np.maximum(0, maps + p["b1"].reshape(-1, 1, 1))
        pooled = sliding_window_view(active, (2, 2), axis=(2, 3))[:, :, ::2, ::2].max(axis=(-2, -1))
        scores = np.maximum(0, pooled.reshape(3, -1) @ p["W2"] + p["b2"]) @ p["W3"] + p["b3"]
        penalty = 0.1 * sum((p[name] ** 2).sum() for name in ("W1", "W2", "W3"))
        return np.mean(logsumexp(scores, axis=1) - scores[np.arange(3), y]) + penalty

    told, grads = network.loss(X, y)
    assert told == pytest.approx(loss())
    assert set(grads) == set(network.params)
    for name, value in network.params.items():
        expected = numeric_gradient(lambda v: loss(), value)
        np.testing.assert_allclose(grads[name], expected, rtol=1e-5, atol=1e-7)


# Known mistakes


class TestExercise(Trials):
    exercise, points_lost, largest_key = EXERCISE, POINTS_LOST, 150_000


# Right answers


@pytest.mark.parametrize(
    "name, pair",
    [(name, pair) for name, pairs in STYLES.items() for pair in pairs],
    ids=lambda value: value if isinstance(value, str) else f"{value[0].__name__}-{value[1].__name__}",
)
def test_answers_in_any_style_earn_full_points(name, pair):
    forward, backward = pair
    EXERCISE.assert_full_points(name.format("forward"), forward)
    EXERCISE.assert_full_points(name.format("backward"), beside(backward, **{name.format("forward"): forward}))


@pytest.mark.parametrize("network", EXERCISE.answers.NETWORKS)
def test_networks_in_any_style_earn_full_points(network):
    EXERCISE.assert_full_points("ThreeLayerConvNet", network)


def test_there_are_at_least_six_variants_of_each():
    assert all(len(set(variants)) >= 6 for variants in (*STYLES.values(), EXERCISE.answers.NETWORKS))


@pytest.mark.parametrize("name", BACKWARDS)
@pytest.mark.parametrize("forward", [absent, lambda *arguments: arguments[0], lambda *arguments: (arguments[0], 1)])
def test_a_backward_pass_is_judged_on_the_cache_of_the_text_where_the_own_one_fails(name, forward):
    backward = EXERCISE.reference.function(name)
    report = EXERCISE.report(name, beside(backward, **{name.replace("backward", "forward"): forward}))
    failed = [v.title for v in report.verdicts if v.earned < v.points]
    assert all("your own" in title or "Several" in title for title in failed), report
    assert any("your own" in title for title in failed)


# Wrong answers


@pytest.mark.parametrize("share", [0.5, 0.0, 1.2])
def test_of_equal_pixels_some_must_get_all_of_the_gradient(share):
    def backward(dout, cache):
        dx = EXERCISE.answers.pool_backward_sharing(dout, cache)
        return share * dx if dx.shape[2:] in ((2, 2), (3, 2)) else dx

    answer = beside(backward, max_pool_forward_naive=EXERCISE.answers.max_pool_forward_naive)
    report = EXERCISE.report("max_pool_backward_naive", answer)
    assert [v.title for v in report.verdicts if v.earned < v.points] == ["Several largest pixels in a window"], report


@pytest.mark.parametrize("name", EXERCISE.functions)
def test_templates_zeros_and_what_comes_in_earn_nothing(name):
    assert EXERCISE.report(name, lambda *arguments: None).earned == 0
    if name == "ThreeLayerConvNet":

        class Template:
            def __init__(self, *arguments, **settings):
                self.params = {}

            def loss(self, X, y=None):
                return np.zeros((len(X), 4)) if y is None else (0.0, {n: 0 * p for n, p in self.params.items()})

        assert EXERCISE.report(name, Template).earned == 0
    elif "forward" in name:
        assert EXERCISE.report(name, lambda x, *_: (0 * x, None)).earned == 0
        assert EXERCISE.report(name, lambda x, *_: (x, None)).earned == 0
    else:
        assert EXERCISE.report(name, lambda dout, cache: (0 * dout, 0 * dout, 0 * dout)).earned == 0
        assert EXERCISE.report(name, lambda dout, cache: (dout, dout, dout)).earned == 0


@pytest.mark.parametrize("strange", [np.array("text"), np.array([None]), np.full((2, 3), np.nan), 1j * np.ones((5, 4))])
@pytest.mark.parametrize("name", EXERCISE.functions)
def test_strange_values_are_refused_without_an_error(name, strange):
    assert EXERCISE.report(name, lambda *arguments: (strange, strange, strange)).earned == 0


def test_cells_that_train_or_plot_are_skipped_and_the_kits_own_layers_hidden():
    EXERCISE.assert_cells_are_tagged({"setup"})
    assert {"cs231n_kit.layers", "cs231n_kit.kernels", "cs231n_kit.networks"} <= set(EXERCISE.checks.masked)
