"""Text as numbers, windows to learn from, probabilities by temperature, and networks that read and write."""

import math
import re

import numpy as np
import pytest
from scipy.special import log_softmax, softmax

from cs231n_kit.characters import (
    Reader,
    Vocabulary,
    character_loss,
    hidden_states,
    next_probabilities,
    probabilities,
    sample,
    windows,
)
from cs231n_kit.gradients import numeric_gradient
from cs231n_kit.initialization import inverse_sqrt
from cs231n_kit.networks import LSTM, RNN, Dropout, LastStep, ReLU, Sequential, TemporalAffine, WordEmbedding

TEXT = "abracadabra, über\n"
VOCABULARY = Vocabulary(TEXT)


def model(*cells, dtype=np.float64, inputs=3):
    cells = cells or (LSTM(5),)
    words = WordEmbedding(len(VOCABULARY), inputs, initialize=inverse_sqrt)
    return Sequential(words, *cells, TemporalAffine(len(VOCABULARY))).initialize((4,), rng=1, dtype=dtype)


def test_a_vocabulary_numbers_its_characters_and_back():
    assert VOCABULARY.characters == "\n ,abcderü" and len(VOCABULARY) == 10
    numbers = VOCABULARY.encode("cab")
    assert numbers.dtype == np.int64 and numbers.tolist() == [5, 3, 4]
    assert VOCABULARY.decode(VOCABULARY.encode(TEXT)) == TEXT
    assert VOCABULARY.encode("").shape == (0,) and VOCABULARY.decode([]) == ""
    assert VOCABULARY.decode(np.array([[3], [4]])) == "ab"


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: Vocabulary(""), ValueError, "The text is empty"),
        (lambda: Vocabulary(b"ab"), TypeError, "text must be a string, not bytes"),
        (lambda: VOCABULARY.encode("abz"), ValueError, "The character 'z' is not among the 10"),
        (lambda: VOCABULARY.decode([10]), ValueError, "from 0 to 9, not 10 to 10"),
        (lambda: VOCABULARY.decode([-1, 3]), ValueError, "from 0 to 9, not -1 to 3"),
        (lambda: windows(np.arange(5), 5), ValueError, "need a sequence of at least 6"),
        (lambda: windows(np.zeros((9, 9)), 3), ValueError, "numbers has the shape (9, 9)"),
        (lambda: windows(np.arange(5), 0), ValueError, "length must be a positive integer"),
        (lambda: windows(np.arange(5), 2, 0), ValueError, "stride must be a positive integer"),
        (lambda: probabilities([1.0, 2.0], -0.1), ValueError, "temperature must be a number from 0 up, not -0.1"),
        (lambda: probabilities([1.0, 2.0], math.nan), ValueError, "temperature must be"),
        (lambda: probabilities([1.0, math.inf]), FloatingPointError, "NaN or infinity"),
        (lambda: sample(model(), VOCABULARY, "", 3), ValueError, "The prefix is empty"),
        (lambda: sample(model(), VOCABULARY, "a?", 3), ValueError, "The character '?'"),
        (lambda: sample(model(), VOCABULARY, "a", 0), ValueError, "length must be a positive integer"),
        (lambda: sample(model(), VOCABULARY, "a", 3, True), ValueError, "temperature must be"),
        (lambda: Reader(Sequential(LSTM(2), ReLU()).initialize((4, 2))), ValueError, "Layer 1, ReLU(), cannot be run"),
        (lambda: hidden_states(model(), [1, 2], "7"), ValueError, "no layer '7'; it has 0, 1, 2"),
    ],
)
def test_bad_input_is_explained(call, error, words):
    with pytest.raises(error, match=re.escape(words)):
        call()


def test_windows_are_followed_by_their_characters():
    numbers = np.arange(10, 20)
    X, y = windows(numbers, 3)
    assert X.tolist() == [[i, i + 1, i + 2] for i in range(10, 17)] and (y == X + 1).all()
    X, y = windows(numbers, 3, stride=3)
    assert X.tolist() == [[10, 11, 12], [13, 14, 15], [16, 17, 18]] and y[-1].tolist() == [17, 18, 19]
    assert not X.flags.writeable


def test_the_loss_is_a_characters_mean():
    rng = np.random.default_rng(0)
    scores, y = rng.normal(0, 3, (3, 4, 5)), rng.integers(0, 5, (3, 4))
    loss, gradient = character_loss(scores, y)
    expected = -np.take_along_axis(log_softmax(scores, axis=-1), y[..., None], axis=-1).mean()
    assert loss == pytest.approx(expected, rel=1e-12)
    np.testing.assert_allclose(gradient, numeric_gradient(lambda s: character_loss(s, y)[0], scores), atol=1e-8)


def test_probabilities_by_temperature():
    scores = np.array([[1.0, 3.0, 3.0], [-1000.0, 0.0, 1000.0]])
    for temperature in (0.3, 1.0, 7.0):
        np.testing.assert_allclose(probabilities(scores, temperature), softmax(scores / temperature, axis=-1))
    assert probabilities(scores, 0).tolist() == [[0, 0.5, 0.5], [0, 0, 1]]
    assert probabilities(scores.astype(np.float32)).dtype == np.float64


@pytest.mark.parametrize("cells", [(RNN(4),), (LSTM(5),), (LSTM(4), Dropout(0.5), RNN(3))], ids=str)
def test_reading_step_by_step_is_reading_at_once(cells):
    network, numbers = model(*cells), np.array([VOCABULARY.encode("abra"), VOCABULARY.encode("cada")])
    reader = Reader(network)
    steps = [reader.read(numbers[:, t]) for t in range(4)]
    np.testing.assert_allclose(np.stack(steps, axis=1), network.forward(numbers), rtol=1e-12)
    reader.states.clear()
    np.testing.assert_array_equal(reader.read(numbers[:, 0]), steps[0])
    # the state of the last layer with one is what the network shows there
    h = reader.states[str(len(cells))]
    reader.read(numbers[:, 1])
    after = reader.states[str(len(cells))]
    last = (lambda state: state) if isinstance(cells[-1], RNN) else (lambda state: state[0])
    assert not np.array_equal(last(h), last(after))
    np.testing.assert_allclose(hidden_states(network, numbers[1], str(len(cells)))[1], last(after)[1], rtol=1e-12)


def test_a_reader_takes_vectors_as_well():
    network = Sequential(RNN(3), TemporalAffine(2)).initialize((5, 4), rng=0, dtype=np.float64)
    x, reader = np.random.default_rng(0).normal(size=(2, 5, 4)), Reader(network)
    np.testing.assert_allclose(np.stack([reader.read(x[:, t]) for t in range(5)], 1), network.forward(x), rtol=1e-12)


def test_samples_have_the_probabilities_of_the_network():
    network = model(LSTM(5))
    network.parameters["2.w"] *= 30  # decided, but not sure
    for temperature in (0.5, 2.0):
        scores = network.forward(VOCABULARY.encode("abr")[None])[0, -1]
        expected = softmax(scores / temperature)
        np.testing.assert_allclose(next_probabilities(network, VOCABULARY, "abr", temperature), expected, rtol=1e-10)
        drawn = [sample(network, VOCABULARY, "abr", 1, temperature, rng=seed) for seed in range(600)]
        shares = np.array([drawn.count(character) for character in VOCABULARY.characters]) / 600
        assert np.abs(shares - expected).max() < 4.5 * 0.5 / math.sqrt(600)
        assert expected.max() > 0.15 > expected.min()


def test_a_sample_reads_what_it_wrote():
    network = model(LSTM(6))
    network.parameters["2.w"] *= 20
    written = sample(network, VOCABULARY, "ab", 12, temperature=0)
    numbers = VOCABULARY.encode("ab" + written)
    expected = network.forward(numbers[None])[0, 1:-1].argmax(axis=1)
    assert VOCABULARY.decode(expected) == written and len(set(written)) > 1
    assert sample(network, VOCABULARY, "ab", 12, rng=3) == sample(network, VOCABULARY, "ab", 12, rng=3)
    assert sample(network, VOCABULARY, "ab", 12, rng=3) != sample(network, VOCABULARY, "ab", 12, rng=4)


def test_the_last_step_alone_is_passed_on():
    network = Sequential(RNN(3), LastStep()).initialize((4, 2), rng=0, dtype=np.float64)
    x = np.random.default_rng(0).normal(size=(2, 4, 2))
    states = {}
    out = network.forward(x, observe=states.__setitem__)
    assert np.array_equal(out, states["0"][:, 3]) and network.summary().rows[1].output_shape == (3,)
    dout = np.random.default_rng(1).normal(size=(2, 3))
    dx = network.backward(dout, input_gradient=True)
    np.testing.assert_allclose(dx, numeric_gradient(network.forward, x, dout), atol=1e-8)
    with pytest.raises(ValueError, match=re.escape("it takes sequences of vectors, (N, T, D)")):
        Sequential(LastStep()).initialize((4,))
