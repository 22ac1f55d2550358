"""The checks of assignment 3's `architectures`: right answers earn everything, known mistakes what is said here."""

import numpy as np
import pytest
from exercise import Exercise, Trials, absent, beside
from scipy.ndimage import maximum_filter
from scipy.signal import correlate
from scipy.special import log_softmax

from cs231n_kit.gradients import numeric_gradient
from grader.checks.architectures.inception import NAMES
from grader.checks.architectures.inception import _usual as inception_problems
from grader.checks.architectures.residual import _strided as residual_problems
from grader.checks.architectures.vgg import _usual as vgg_problems

EXERCISE = Exercise("assignment3", "architectures")
PUBLISHED = {  # parameters, as published and as torchvision has them
    (64, "M", 128, "M", 256, 256, "M", 512, 512, "M", 512, 512, "M"): 132_863_336,
    (64, 64, "M", 128, 128, "M", *[256] * 3, "M", *[512] * 3, "M", *[512] * 3, "M"): 138_357_544,
    (64, 64, "M", 128, 128, "M", *[256] * 4, "M", *[512] * 4, "M", *[512] * 4, "M"): 143_667_240,
}
POINTS_LOST = {
    "count_parameters": {
        "no biases": 2,
        "no biases of filters": 2,
        "no biases of affine layers": 2,
        "a bias for each weight of a channel": 2.5,
        "filters of one channel": 2.5,
        "channels of the image only": 2.5,
        "pooling not counted": 2,
        "pooled along one axis": 2,
        "pooling rounds up": 0.5,
        "rounded once, at the end": 0.5,
        "images taken for square": 2.5,
        "pooled to one number": 2.5,
        "poolings have weights": 2,
        "last layer forgotten": 2,
        "hidden layers forgotten": 1.5,
    },
    "receptive_field": {
        "strides have no effect on the field": 2,
        "stride of the layer itself": 2,
        "last stride only": 2.5,
        "jumps added": 2.5,
        "starts at nothing": 2.5,
        "windows added": 2.5,
        "windows multiplied": 2.5,
        "largest window": 2.5,
        "poolings left out": 0.5,
        "formula for the other direction": 2,
        "no jump": 1.5,
    },
    "VGG": {
        "scores instead of the loss": 1.5,
        "labels not looked at": 3.5,
        "probabilities instead of scores": 2,
        "labels instead of scores": 2,
        "no ReLU after the convolutions": 4.5,
        "no ReLU between the affine layers": 4.5,
        "ReLU on the scores": 4.5,
        "ReLU of the convolutions in one direction only": 2.5,
        "ReLU of the affine layers in one direction only": 3,
        "gradients averaged again": 3,
        "average pooling": 4.5,
        "gradients in the wrong order": 3,
        "biases without gradients": 3,
        "no biases": 5.5,
        "pooling forgotten in the first affine layer": 1.5,
        "images taken for square": 1.5,
        "channels of the image only": 1.5,
        "hidden layers forgotten": 1.5,
        "weights of size 1": 1.5,
        "half of the variance": 1.5,
        "variance for standard deviation": 1.5,
        "one small size for all": 1.5,
        "weights zero": 1.5,
        "biases one": 1.5,
    },
    "inception_forward": {
        "concatenated along another axis": 4,
        "images put together": 4,
        "branches added": 4,
        "3 × 3 and 5 × 5 exchanged": 3,
        "pooling first": 4,
        "branches that do not fit": 4,
        "no ReLU": 2,
        "no ReLU after the reductions": 2,
        "no ReLU at the end of the branches": 2,
        "no ReLU in the pooling branch": 2,
        "average pooling": 2.5,
        "not pooled": 2.5,
        "no biases": 4,
        "one reduction for both": 3,
    },
    "inception_backward": {
        "cut elsewhere": 5,
        "cut into equal parts": 4,
        "pieces in another order": 5,
        "the first channels for all": 4.5,
        "dx of the last branch only": 3,
        "dx of the first branch only": 3,
        "pooling branch missing in dx": 3,
        "mean of the branches": 3,
        "pooling not undone": 3,
        "ReLU of the reductions forgotten": 3,
        "ReLU at the ends forgotten": 3,
        "all ReLUs forgotten": 3,
        "reductions not trained": 2.5,
    },
    "residual_block_forward": {
        "no shortcut": 4,
        "identity not added": 2,
        "ReLU before the addition": 3,
        "ReLU before and after the addition": 3,
        "no ReLU at the end": 3,
        "no ReLU in the middle": 3,
        "shortcut subtracted": 4,
        "mean of both": 4,
        "shortcut from the middle": 4,
        "ReLU on the shortcut": 4,
        "ReLU on the projection": 2.5,
        "projection not used": 2.5,
        "projection for other channels only": 1,
        "projection without stride": 1.5,
        "projection without bias": 2.5,
        "stride in the second convolution": 1.5,
        "stride in both convolutions": 1.5,
        "stride ignored": 1.5,
    },
    "residual_block_backward": {
        "shortcut's gradient dropped": 4.5,
        "identity's gradient dropped": 2,
        "projection's gradient dropped": 3,
        "shortcut's gradient counted twice": 4.5,
        "shortcut's gradient only": 4.5,
        "mean of both ways": 4.5,
        "last ReLU forgotten": 4.5,
        "last ReLU on the branch only": 3.5,
        "last ReLU on the shortcut only": 4.5,
        "middle ReLU forgotten": 4.5,
        "gradient split between the ways": 6,
        "gradients of the convolutions exchanged": 3,
        "projection not trained": 2,
        "gradient added once more before the branch": 3,
    },
}
STYLES = {
    "count_parameters": EXERCISE.answers.COUNTS,
    "receptive_field": EXERCISE.answers.FIELDS,
    "VGG": EXERCISE.answers.NETWORKS,
}
BLOCKS = {"inception": EXERCISE.answers.INCEPTIONS, "residual_block": EXERCISE.answers.RESIDUALS}
every_block = pytest.mark.parametrize("kind", BLOCKS)


def convolution(x, w, b, stride=1):
    """By SciPy, padded so that the size stays at stride 1."""
    out = np.array([[correlate(np.pad(i, [(0, 0)] + [(n // 2, n // 2) for n in f.shape[1:]]), f, "valid", "direct")[0]
                     for f in w] for i in x])  # fmt: skip
    return (out + b[:, None, None])[:, :, ::stride, ::stride]


def relu(x):
    return np.maximum(x, 0)


def expected_of(kind, x, params, stride=1):
    def layer(source, name, step=1):
        return convolution(source, params[f"W{name}"], params[f"b{name}"], step)

    if kind == "residual_block":
        shortcut = layer(x, "_proj", stride) if "W_proj" in params else x
        return relu(layer(relu(layer(x, "1", stride)), "2") + shortcut)
    pooled = maximum_filter(x, size=(1, 1, 3, 3), mode="constant", cval=-np.inf)
    branches = [layer(x, "1"), layer(relu(layer(x, "3_reduce")), "3"), layer(relu(layer(x, "5_reduce")), "5")]
    return relu(np.concatenate([*branches, layer(pooled, "_pool")], axis=1))


def expected_loss(config, params, X, y):
    out, number = X, 0
    for entry in config:
        if entry == "M":
            out = np.stack([out[:, :, i::2, j::2][:, :, : out.shape[2] // 2, : out.shape[3] // 2]
                            for i in (0, 1) for j in (0, 1)]).max(axis=0)  # fmt: skip
        else:
            number += 1
            out = relu(convolution(out, params[f"W{number}"], params[f"b{number}"]))
    out = out.reshape(len(X), -1)
    while (number := number + 1) <= len(params) // 2:
        out = (relu(out) if number > 1 else out) @ params[f"W{number}"] + params[f"b{number}"]
    return -log_softmax(out, axis=1)[np.arange(len(y)), y].mean()


def test_the_count_is_that_of_the_published_networks():
    count = EXERCISE.reference.function("count_parameters")
    for config, parameters in PUBLISHED.items():
        assert count(list(config), [4096, 4096], (3, 224, 224), 1000) == parameters


def test_the_reference_sees_as_far_as_a_pixel_has_influence():
    field_of = EXERCISE.reference.function("receptive_field")
    for layers in ([(3, 1), (2, 2), (5, 1), (4, 3)], [(3, 1), (1, 3), (7, 2), (3, 1)]):
        x = np.eye(200)[:, None, None]  # a batch of images with a single pixel each
        for size, stride in layers:
            x = np.array([[[np.convolve(row[0, 0], np.ones(size), "valid")[::stride]]] for row in x])
        seen = [np.flatnonzero(x[:, 0, 0, place]) for place in (0, 1)]
        assert field_of(layers) == (len(seen[0]), seen[1][0] - seen[0][0])


@pytest.mark.parametrize(
    "kind, problems",
    [("inception", inception_problems), ("residual_block", residual_problems)],
    ids=["inception", "residual_block"],
)
def test_the_reference_agrees_with_scipy_and_its_numeric_gradients(kind, problems):
    rng = np.random.default_rng(5)
    forward, backward = (EXERCISE.reference.function(f"{kind}_{way}") for way in ("forward", "backward"))
    for arguments in problems(rng):
        x, params, *others = arguments
        out, cache = forward(*arguments)
        np.testing.assert_allclose(out, expected_of(kind, *arguments), rtol=1e-10, atol=1e-12)
        dout = rng.normal(size=out.shape)
        dx, grads = backward(dout, cache)
        assert set(grads) == set(params)
        for name, value in {"x": x, **params}.items():

            def loss(moved, name=name, x=x, params=params, others=others, dout=dout):
                given = (moved, params) if name == "x" else (x, {**params, name: moved})
                return np.sum(dout * expected_of(kind, *given, *others))

            if value.size < 120:
                expected = numeric_gradient(loss, value.copy())
                np.testing.assert_allclose(dx if name == "x" else grads[name], expected, rtol=1e-5, atol=1e-7)


def test_the_reference_network_agrees_with_scipy_and_its_numeric_gradients():
    rng = np.random.default_rng(6)
    for settings, params, X, y in vgg_problems(rng):
        network = EXERCISE.reference.function("VGG")(**settings)
        assert sum(array.size for array in network.params.values()) == EXERCISE.answers.COUNTS[0](**settings)
        network.params.update(params)
        loss, grads = network.loss(X, y)
        np.testing.assert_allclose(loss, expected_loss(settings["config"], params, X, y), rtol=1e-10)
        for name in ("W1", "b1", "b2", f"W{len(params) // 2}", f"b{len(params) // 2}"):

            def moved_loss(moved, name=name, settings=settings, params=params, X=X, y=y):
                return expected_loss(settings["config"], {**params, name: moved}, X, y)

            if params[name].size < 60:
                expected = numeric_gradient(moved_loss, params[name].copy())
                np.testing.assert_allclose(grads[name], expected, rtol=1e-5, atol=1e-8)


class TestExercise(Trials):
    exercise, points_lost = EXERCISE, POINTS_LOST


@pytest.mark.parametrize("name, answer", [(name, answer) for name, answers in STYLES.items() for answer in answers])
def test_answers_in_any_style_earn_full_points(name, answer):
    EXERCISE.assert_full_points(name, beside_itself(answer) if name == "VGG" else answer)


def beside_itself(network):
    """The class under the name that it has in the notebook."""
    return type("VGG", (network,), {"__module__": __name__, "loss": network.loss, "__init__": network.__init__})


@pytest.mark.parametrize(
    "kind, pair",
    [(kind, pair) for kind, pairs in BLOCKS.items() for pair in pairs],
    ids=lambda value: value if isinstance(value, str) else value[0].__name__,
)
def test_blocks_in_any_style_earn_full_points(kind, pair):
    forward, backward = pair
    EXERCISE.assert_full_points(f"{kind}_forward", forward)
    EXERCISE.assert_full_points(f"{kind}_backward", beside(backward, **{f"{kind}_forward": forward}))


def test_there_are_at_least_six_variants_of_each():
    for styles in (*STYLES.values(), *({pair[0] for pair in pairs} for pairs in BLOCKS.values())):
        assert len(set(styles)) >= 6


@every_block
@pytest.mark.parametrize("forward", [absent, lambda x, *others: x, lambda x, *others: (x, 1)])
def test_a_backward_pass_is_judged_on_the_cache_of_the_text_where_the_own_one_fails(kind, forward):
    backward = EXERCISE.reference.function(f"{kind}_backward")
    report = EXERCISE.report(f"{kind}_backward", beside(backward, **{f"{kind}_forward": forward}))
    assert [v.earned == v.points for v in report.verdicts] == [*[True] * (len(report.verdicts) - 1), False], report


@pytest.mark.parametrize("kind, mistake", [("inception", "no ReLU"), ("residual_block", "no ReLU in the middle")])
def test_gradients_of_a_wrong_forward_pass_earn_the_point_for_fitting_to_it(kind, mistake):
    wrong = EXERCISE.mistaken(f"{kind}_forward", mistake)
    namespace = {**wrong.namespace, "conv_relu_backward": wrong.function("conv_backward")}
    report = EXERCISE.report(f"{kind}_backward", beside(wrong.function(f"{kind}_backward"), **namespace))
    assert report.verdicts[-1].earned == 1 and report.earned < report.points, report


def test_parameters_are_asked_for_where_gradients_lack_them():
    def lazy(dout, cache):
        return EXERCISE.answers.residual_block_backward(dout, cache)[0], {}

    answer = beside(lazy, residual_block_forward=EXERCISE.answers.residual_block_forward)
    assert "returns no dictionary with the entry 'W1'" in repr(EXERCISE.report("residual_block_backward", answer))


def zeros_of(name):
    class Zeros:
        def __init__(self, *settings, **named):
            self.params = {f"{kind}{i}": np.zeros(1) for kind in "Wb" for i in range(1, 6)}

        def loss(self, X, y=None):
            return 0.0 * X if y is None else (0.0, {name: 0.0 * array for name, array in self.params.items()})

    answers = {
        "VGG": type("VGG", (Zeros,), {"__module__": __name__}),
        "count_parameters": lambda *arguments: 0,
        "receptive_field": lambda layers: (0, 0),
    }
    gradients = dict.fromkeys((*NAMES, "W2", "b2", "W_proj", "b_proj"), np.zeros(1))
    others = (lambda x, *_: (0 * x, None)) if name.endswith("forward") else (lambda dout, _: (0 * dout, gradients))
    return answers.get(name, others)


@pytest.mark.parametrize("name", EXERCISE.functions)
def test_templates_zeros_and_what_comes_in_earn_nothing(name):
    assert EXERCISE.report(name, lambda *arguments, **settings: None).earned == 0
    assert EXERCISE.report(name, zeros_of(name)).earned == 0
    assert EXERCISE.report(name, lambda first, *others, **settings: (first, first)).earned == 0


@pytest.mark.parametrize("strange", [np.array("text"), np.array([None]), np.full((2, 3), np.nan), 1j * np.ones((5, 4))])
@pytest.mark.parametrize("name", EXERCISE.functions)
def test_strange_values_are_refused_without_an_error(name, strange):
    everything = dict.fromkeys((*NAMES, "W2", "b2", "W_proj", "b_proj"), strange)
    assert EXERCISE.report(name, lambda *arguments, **settings: (strange, everything)).earned == 0


def test_cells_that_train_or_plot_are_skipped_and_the_kits_layers_are_not_hidden():
    EXERCISE.assert_cells_are_tagged({"setup"})
    hidden = {f"cs231n_kit.{name}" for name in ("networks", "architectures", "training", "widgets", "explorations")}
    assert {"torch", *hidden} <= set(EXERCISE.checks.masked)
    assert not {f"cs231n_kit.{name}" for name in ("layers", "losses", "kernels")} & set(EXERCISE.checks.masked)
