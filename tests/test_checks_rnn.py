"""The checks of assignment 3's `rnn`: right answers earn everything, known mistakes what is said here."""

import numpy as np
import pytest
from exercise import Exercise, Trials, absent, beside
from scipy.special import expit, log_softmax, softmax

from cs231n_kit.gradients import numeric_gradient

EXERCISE = Exercise("assignment3", "rnn")
ANSWERS = EXERCISE.answers
POINTS_LOST = {
    "rnn_step_forward": {
        "no tanh": 3,
        "sigmoid for tanh": 3,
        "ReLU for tanh": 3,
        "no bias": 2.5,
        "bias twice": 2.5,
        "no recurrence": 2.5,
        "input ignored": 3,
        "Wh transposed": 2.5,
        "a tanh of each": 3,
        "state added after the tanh": 3,
        "tanh by exponentials": 0.5,
    },
    "rnn_step_backward": {
        "tanh forgotten": 5,
        "tanh's slope at its output": 5,
        "tanh's slope from its input": 5,
        "tanh's slope without a square": 5,
        "sigmoid's slope": 5,
        "sign of the slope": 5,
        "Wh not transposed": 2.5,
        "state's gradient as it came": 2.5,
        "bias averaged": 3,
        "parameters averaged": 3,
        "bias without the tanh": 3,
        "dWh from the next state": 3,
        "dWh transposed": 3,
    },
    "rnn_forward": {
        "runs in reverse": 4,
        "runs in reverse, returned in order": 4,
        "state not handed on": 4,
        "h0 ignored": 3,
        "states one step late": 4,
        "last state at all steps": 4,
        "last state only": 4,
        "time as first axis": 4,
        "h0 among the states": 4,
        "first input at all steps": 4,
        "last input left out": 4,
    },
    "rnn_backward": {
        "from the output only": 6,
        "from the next step only": 6,
        "last step's output only": 6,
        "one step back only": 6,
        "output counted twice": 6,
        "carried gradients pile up": 6,
        "parameters of the first step only": 3.5,
        "parameters of the last step only": 3.5,
        "parameters averaged over time": 3.5,
        "runs forwards in time": 6,
        "dx in reverse": 3.5,
        "time as first axis": 3,
        "dh0 before the first step": 3,
        "dh0 of the last step": 3,
        "dh0 from the first output only": 3,
        "dh0 zero": 3,
    },
    "word_embedding_forward": {
        "counted from one": 2,
        "counted from the end": 2,
        "time as first axis": 2,
        "axes in another order": 2,
        "words added up": 2,
    },
    "word_embedding_backward": {
        "overwritten on repeated words": 2.5,
        "first place only": 2.5,
        "averaged over the places": 2.5,
        "averaged over the examples": 3,
        "counted from one": 3,
        "every word everywhere": 3,
        "last step of each example only": 3,
        "rows of the words that occur only": 0.5,
    },
    "temporal_affine_forward": {
        "no bias": 2,
        "steps and examples in one row": 2,
        "time as first axis": 2,
        "last step only": 2,
        "steps added up": 2,
    },
    "temporal_affine_backward": {
        "bias summed over the examples only": 2.5,
        "bias summed over the steps only": 2.5,
        "bias of the last step": 2.5,
        "bias averaged": 2.5,
        "weights of the last step": 2.5,
        "parameters averaged over time": 2.5,
        "dw for each example": 2.5,
        "dw transposed": 2.5,
        "steps and examples in one row": 1.5,
    },
    "temporal_softmax_loss": {
        "mask ignored": 3,
        "mask ignored in the loss": 3,
        "mask ignored in the gradient": 3,
        "mask the other way round": 4.5,
        "scores masked": 2.5,
        "averaged over the steps too": 4.5,
        "averaged over what counts": 4.5,
        "averaged over the steps instead": 4.5,
        "nothing averaged": 4.5,
        "gradient not averaged": 4,
        "softmax over the steps": 5,
        "one sum for all": 5,
        "words of the first example": 4.5,
        "probabilities as gradient": 4,
        "gradient downhill": 4,
        "negative loss": 4,
        "not shifted": 0.5,
        "logarithm of zero": 0.5,
    },
    "lstm_step_forward": {
        "input and forget gate exchanged": 4,
        "order i, f, g, o": 4,
        "order i, o, f, g": 4,
        "every fourth column": 4,
        "sigmoid for g": 4,
        "g without tanh": 4,
        "tanh for the gates": 4,
        "nothing forgotten": 4,
        "old cell state lost": 4,
        "input gate not used": 4,
        "one gate for both": 4,
        "hidden state for the cell state": 4,
        "no tanh of the cell state": 2.5,
        "output from the old cell state": 2.5,
        "output gate not used": 2.5,
        "states returned in another order": 4,
        "no bias": 3.5,
        "no recurrence": 3.5,
        "sigmoid overflows": 0.5,
    },
    "lstm_step_backward": {
        "dnext_c ignored": 6,
        "cell state not through next_h": 6,
        "tanh of the cell forgotten": 6,
        "tanh's slope from its input": 6,
        "output gate forgotten": 6,
        "sigmoid's slope for g": 5,
        "tanh of g forgotten": 5,
        "sigmoids forgotten": 5,
        "tanh's slope for the gates": 5,
        "output gate with the cell state": 5,
        "forget gate with g": 5,
        "blocks in another order": 5,
        "dprev_c without the forget gate": 2.5,
        "dprev_c from dnext_c only": 2.5,
        "bias averaged": 3,
        "parameters averaged": 3,
    },
    "lstm_forward": {
        "runs in reverse": 4,
        "runs in reverse, returned in order": 4,
        "cell state not handed on": 4,
        "state not handed on": 4,
        "cell state begins with h0": 3,
        "h0 ignored": 3,
        "cell states returned": 4,
        "states one step late": 4,
        "last state only": 4,
        "last state at all steps": 4,
        "time as first axis": 4,
        "first input at all steps": 4,
    },
    "lstm_backward": {
        "cell's gradient not carried": 6,
        "from the cell only": 6,
        "from the output only": 6,
        "from the next step only": 6,
        "output counted twice": 6,
        "cell's gradient for the hidden state's": 6,
        "carried gradients pile up": 6,
        "parameters of the first step only": 3.5,
        "parameters of the last step only": 3.5,
        "parameters averaged over time": 3.5,
        "runs forwards in time": 6,
        "dx in reverse": 3.5,
        "time as first axis": 3,
        "dh0 of the cell state": 3,
        "dh0 zero": 3,
    },
    "next_probabilities": {
        "temperature ignored": 2,
        "multiplied by the temperature": 2,
        "temperature after the softmax": 2,
        "not normalised": 3,
        "largest becomes 1": 3,
        "temperature squared": 2,
        "softmax twice": 3,
        "logarithms": 3,
        "not shifted": 0.5,
    },
    "sample": {
        "state not handed on": 2,
        "state of the prefix only": 2,
        "only the end of the prefix": 1,
        "only the beginning of the prefix": 1,
        "end of the prefix read twice": 2,
        "own characters not read": 3.5,
        "prefix returned too": 2,
        "first character lost": 2,
        "least likely character": 2,
        "random at temperature 0": 2,
        "always greedy": 2,
        "temperature ignored": 1.5,
        "multiplied by the temperature": 1.5,
        "all equally likely": 1.5,
    },
}
CELLS = {"rnn": ANSWERS.RNN, "lstm": ANSWERS.LSTM}
PAIRS = {"word_embedding": ANSWERS.EMBEDDING, "temporal_affine": ANSWERS.AFFINE}
SINGLE = {
    "temporal_softmax_loss": ANSWERS.LOSSES,
    "next_probabilities": ANSWERS.PROBABILITIES,
    "sample": ANSWERS.SAMPLES,
}
STEPS = ("step_forward", "step_backward", "forward", "backward")


def named(value):
    return value if isinstance(value, str) else "-".join(f.__name__ for f in np.atleast_1d(value))


def reference(*names):
    return [EXERCISE.reference.function(name) for name in names]


def numeric(function, arguments, douts):
    """The gradients of sum(douts * outputs) with respect to all arguments."""

    def of(i):
        def loss(moved):
            outputs = function(*arguments[:i], moved, *arguments[i + 1 :])
            return sum(np.sum(dout * out) for dout, out in zip(douts, outputs, strict=True))

        return numeric_gradient(loss, arguments[i].copy())

    return [of(i) for i in range(len(arguments))]


def rnn_states(x, h0, Wx, Wh, b):
    """One example and one unit at a time, by the definition of tanh."""
    N, T, _ = x.shape
    h = np.zeros((N, T, len(b)))
    for n, t, j in np.ndindex(h.shape):
        before = h0[n] if t == 0 else h[n, t - 1]
        a = sum(x[n, t] * Wx[:, j]) + sum(before * Wh[:, j]) + b[j]
        h[n, t, j] = np.sinh(a) / np.cosh(a)
    return (h,)


def lstm_states(x, h0, Wx, Wh, b, c0=0.0):
    """With weights of its own for each gate; hidden and cell states of all steps."""
    H, h, c, found = h0.shape[1], h0, c0, []
    gate = {name: slice(k * H, (k + 1) * H) for k, name in enumerate("ifog")}
    for t in range(x.shape[1]):
        a = {name: x[:, t] @ Wx[:, p] + h @ Wh[:, p] + b[p] for name, p in gate.items()}
        c = expit(a["f"]) * c + expit(a["i"]) * np.tanh(a["g"])
        h = expit(a["o"]) * np.tanh(c)
        found.append((h, c))
    return tuple(np.stack(states, axis=1) for states in zip(*found, strict=True))


@pytest.mark.parametrize("cell, blocks, states", [("rnn", 1, rnn_states), ("lstm", 4, lstm_states)])
def test_the_reference_cells_agree_with_the_formulas_and_their_numeric_gradients(cell, blocks, states):
    rng = np.random.default_rng(3)
    N, T, D, H = 2, 3, 4, 5
    arguments = [0.7 * rng.normal(size=s) for s in ((N, T, D), (N, H), (D, blocks * H), (H, blocks * H), (blocks * H,))]
    forward, backward, step, step_backward = reference(*(f"{cell}_{f}" for f in ("forward", "backward", *STEPS[:2])))
    h, cache = forward(*arguments)
    np.testing.assert_allclose(h, states(*arguments)[0], rtol=1e-10)
    dh = rng.normal(size=h.shape)
    for found, expected in zip(backward(dh, cache), numeric(lambda *a: states(*a)[:1], arguments, [dh]), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-8)

    x, h0, *weights = arguments
    before = [h0] if cell == "rnn" else [h0, rng.normal(size=h0.shape)]

    def one_step(x, *others):
        *before, Wx, Wh, b = others
        return [s[:, 0] for s in states(x[:, np.newaxis], before[0], Wx, Wh, b, *before[1:])]

    *outputs, cache = step(x[:, 0], *before, *weights)
    for found, expected in zip(outputs, one_step(x[:, 0], *before, *weights), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-10)
    douts = [rng.normal(size=h0.shape) for _ in before]
    gradients = numeric(one_step, [x[:, 0], *before, *weights], douts)
    for found, expected in zip(step_backward(*douts, cache), gradients, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-8)


def test_the_reference_layers_around_them_agree_with_scipy_and_numeric_gradients():
    rng = np.random.default_rng(4)
    x, y, mask = rng.normal(size=(3, 4, 5)), rng.integers(0, 5, (3, 4)), rng.random((3, 4)) < 0.6

    def expected(x):
        return -sum(log_softmax(x[n, t])[y[n, t]] for n, t in np.argwhere(mask)) / 3

    loss, dx = reference("temporal_softmax_loss")[0](x, y, mask)
    np.testing.assert_allclose(loss, expected(x))
    np.testing.assert_allclose(dx, numeric_gradient(expected, x.copy()), rtol=1e-6, atol=1e-8)

    w, b, dout = rng.normal(size=(5, 2)), rng.normal(size=2), rng.normal(size=(3, 4, 2))
    forward, backward = reference("temporal_affine_forward", "temporal_affine_backward")
    out, cache = forward(x, w, b)
    np.testing.assert_allclose(out, np.einsum("ntd,dm->ntm", x, w) + b)
    gradients = numeric(lambda x, w, b: [np.einsum("ntd,dm->ntm", x, w) + b], [x, w, b], [dout])
    for found, gradient in zip(backward(dout, cache), gradients, strict=True):
        np.testing.assert_allclose(found, gradient, rtol=1e-6, atol=1e-8)

    W, one_hot = rng.normal(size=(5, 2)), np.eye(5)[y]
    forward, backward = reference("word_embedding_forward", "word_embedding_backward")
    out, cache = forward(y, W)
    np.testing.assert_allclose(out, one_hot @ W)
    np.testing.assert_allclose(backward(dout, cache), np.einsum("ntv,ntd->vd", one_hot, dout))

    scores = rng.normal(size=6)
    np.testing.assert_allclose(reference("next_probabilities")[0](scores, 0.3), softmax(scores / 0.3))


def test_the_reference_draws_characters_as_often_as_they_are_probable():
    (sample, table_model) = reference("sample", "TableModel")
    model = table_model(3)
    model.params["table"][:] = np.array([0.0, 1.0, 2.0])
    drawn = sample(model, np.array([1]), 4000, temperature=2.0, seed=5)
    np.testing.assert_allclose(np.bincount(drawn) / 4000, softmax([0, 0.5, 1]), atol=0.04)


class TestExercise(Trials):
    exercise, points_lost, largest_key = EXERCISE, POINTS_LOST, 30_000


@pytest.mark.parametrize("cell, answers", [(c, a) for c in CELLS for a in CELLS[c]], ids=named)
def test_cells_in_any_style_earn_full_points(cell, answers):
    """All four functions in one notebook, as theirs call each other."""
    own = {f"{cell}_{part}": answer for part, answer in zip(STEPS, answers, strict=True)}
    space = dict(answers[0].__globals__)
    functions = {name: beside(answer, **own) for name, answer in own.items()}
    for function in functions.values():  # each sees the others, and itself under its name in the notebook
        function.__globals__.update(functions)
    assert dict(answers[0].__globals__) == space
    for name, function in functions.items():
        EXERCISE.assert_full_points(name, function)


@pytest.mark.parametrize("kind, pair", [(k, p) for k in PAIRS for p in PAIRS[k]], ids=named)
def test_layers_in_any_style_earn_full_points(kind, pair):
    EXERCISE.assert_full_points(f"{kind}_forward", pair[0])
    EXERCISE.assert_full_points(f"{kind}_backward", beside(pair[1], **{f"{kind}_forward": pair[0]}))


@pytest.mark.parametrize("name, answer", [(n, a) for n in SINGLE for a in SINGLE[n]], ids=named)
def test_other_functions_in_any_style_earn_full_points(name, answer):
    EXERCISE.assert_full_points(name, beside(answer, TableModel=EXERCISE.reference.function("TableModel")))


def test_there_are_at_least_six_variants_of_each():
    for answers in (*CELLS.values(), *PAIRS.values(), *SINGLE.values()):
        assert len(answers) >= 6 == len({named(answer) for answer in answers})


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("wrong", ["forward", "backward"])
def test_a_wrong_step_costs_no_more_than_the_right_numbers_of_what_repeats_it(cell, wrong):
    """A step with no bias, or with gradients that are half as large."""
    forward, backward = reference(f"{cell}_step_forward", f"{cell}_step_backward")

    def without_bias(*arguments):
        return forward(*arguments[:-1], 0 * arguments[-1])

    def halved(*arguments):
        return tuple(gradient / 2 for gradient in backward(*arguments))

    own = {"forward": without_bias} if wrong == "forward" else {"backward": halved}
    own = {f"{cell}_step_{way}": step for way, step in own.items()}
    whole = f"{cell}_{wrong}"
    report = EXERCISE.report(whole, beside(EXERCISE.reference.function(whole), **own))
    assert [v.title for v in report.verdicts if v.earned] == [f"Repeats your own {cell}_step_{wrong}"], report
    assert report.earned == 1.5


@pytest.mark.parametrize("cell, answers", [("rnn", ANSWERS.RNN[2]), ("lstm", ANSWERS.LSTM[2])])
def test_a_right_sequence_needs_no_right_step(cell, answers):
    """Its own steps are never called, and return gradients and states of no use."""
    own = {f"{cell}_{part}": answer for part, answer in zip(STEPS, answers, strict=True)}

    def constant(*arguments):
        found = EXERCISE.reference.function(f"{cell}_step_{'back' if len(arguments) < 4 else 'for'}ward")(*arguments)
        return tuple(np.ones_like(a) if isinstance(a, np.ndarray) else a for a in found)

    wrong = {**own, f"{cell}_step_forward": constant, f"{cell}_step_backward": constant}
    for way in ("forward", "backward"):
        report = EXERCISE.report(f"{cell}_{way}", beside(own[f"{cell}_{way}"], **wrong))
        assert report.passed, report


@pytest.mark.parametrize("cell", CELLS)
def test_steps_that_do_nothing_earn_nothing_for_being_repeated(cell):
    states = 1 if cell == "rnn" else 2

    def still(x, *others):
        return (*others[:states], None)

    def constant(x, h0, *parameters):
        return np.repeat(h0[:, np.newaxis], x.shape[1], axis=1), None

    report = EXERCISE.report(f"{cell}_forward", beside(constant, **{f"{cell}_step_forward": still}))
    assert report.earned == 0 and "does not depend on x" in repr(report)

    right = {f"{cell}_{part}": EXERCISE.reference.function(f"{cell}_{part}") for part in STEPS}

    def nothing(*arguments):
        return tuple(0 * gradient for gradient in right[f"{cell}_step_backward"](*arguments))

    def nowhere(*arguments):
        return tuple(0 * gradient for gradient in right[f"{cell}_backward"](*arguments))

    answer = beside(nowhere, **{**right, f"{cell}_step_backward": nothing})
    assert EXERCISE.report(f"{cell}_backward", answer).earned == 0


@pytest.mark.parametrize("name", [name for name in EXERCISE.functions if name.endswith("backward")])
@pytest.mark.parametrize("forward", [absent, lambda *arguments: arguments[0], lambda *arguments: (arguments[0], 1, 1)])
def test_a_backward_pass_is_judged_on_the_cache_of_the_text_where_the_own_one_fails(name, forward):
    others = {name.replace("backward", "forward"): forward}
    report = EXERCISE.report(name, beside(EXERCISE.reference.function(name), **others))
    own = "your own"
    assert all(v.earned == v.points for v in report.verdicts if own not in v.title), report
    assert sum(v.earned < v.points for v in report.verdicts if own in v.title) == 1


@pytest.mark.parametrize("name", EXERCISE.functions)
def test_templates_zeros_and_what_comes_in_earn_nothing(name):
    assert EXERCISE.report(name, lambda *arguments: None).earned == 0
    right = EXERCISE.reference.function(name)

    def zeros(*arguments):
        found = right(*arguments)
        return (
            tuple(0 * a for a in found if isinstance(a, np.ndarray | float)) if isinstance(found, tuple) else 0 * found
        )

    def same(*arguments):
        arrays = [a for a in arguments if isinstance(a, np.ndarray)]
        return tuple(arrays[0] for _ in range(6)) if arrays else arguments[0]

    assert EXERCISE.report(name, beside(zeros)).earned == 0
    assert EXERCISE.report(name, same).earned == 0


@pytest.mark.parametrize("strange", [np.array("text"), np.array([None]), np.full((2, 3), np.nan), 1j * np.ones((5, 4))])
@pytest.mark.parametrize("name", EXERCISE.functions)
def test_strange_values_are_refused_without_an_error(name, strange):
    assert EXERCISE.report(name, lambda *arguments: (strange,) * 6).earned == 0
    assert EXERCISE.report(name, lambda *arguments: strange).earned == 0


def test_writing_that_leaves_the_alphabet_or_the_length_is_told_so():
    sample = ANSWERS.sample

    def shifted(*arguments):
        return sample(*arguments) + 1

    def short(*arguments):
        return sample(*arguments)[: arguments[2] // 2]

    table_model = EXERCISE.reference.function("TableModel")
    for answer, words in ((shifted, "other than the whole numbers from 0 to 2"), (short, "has another length")):
        report = EXERCISE.report("sample", beside(answer, TableModel=table_model, sample=sample, shifted=shifted))
        assert report.verdicts[2].earned == 0 and words in repr(report)


def test_cells_that_train_or_plot_are_skipped_and_the_kits_own_layers_hidden():
    EXERCISE.assert_cells_are_tagged({"setup"})
    assert {"cs231n_kit.layers", "cs231n_kit.networks", "torch"} <= set(EXERCISE.checks.masked)
