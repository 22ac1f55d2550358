"""The movable figures of lecture 10: what they compute, from closed forms and from the layers themselves."""

import math

import numpy as np
import pytest
from matplotlib.figure import Figure
from scipy.special import expit

from cs231n_kit.characters import Vocabulary, character_loss, windows
from cs231n_kit.explorations import (
    gradient_cliff,
    lstm_gates,
    recall,
    recurrent_arrangements,
    recurrent_gradients,
    row_by_row,
    spelling,
    written_text,
)
from cs231n_kit.gradients import numeric_gradient
from cs231n_kit.layers import lstm_step_forward
from cs231n_kit.networks import LSTM, RNN, Sequential, TemporalAffine, WordEmbedding
from cs231n_kit.training import Trainer

TEXT = 'He said, "(a (big) cat)", and ran.\nShe said, "No."'
VOCABULARY = Vocabulary(TEXT)


@pytest.fixture(scope="module")
def network():
    layers = WordEmbedding(len(VOCABULARY), 4), LSTM(5), TemporalAffine(len(VOCABULARY))
    made = Sequential(*layers).initialize((8,), rng=3, dtype=np.float64)
    made.parameters["0.W"] *= 300  # so that gates move
    return made


def sentence(exploration):
    return exploration.sentence.value


def test_without_inputs_gradients_go_as_powers_of_the_radius():
    for radius in (0.5, 1.0, 1.2):
        norms = recurrent_gradients.norms_by_lag(radius, 1.0, size=0.0)["rnn"]
        np.testing.assert_allclose(norms, radius ** np.arange(61.0), rtol=1e-9)


def test_the_forget_bias_keeps_gradients_and_the_sentences_say_so():
    kept = [recurrent_gradients.norms_by_lag(0.9, bias)["lstm"][-1] for bias in (-1.0, 1.0, 5.0)]
    assert kept[0] < kept[1] / 100 < kept[2] / 100
    exploration = recurrent_gradients.explore_gradient_against_lag()
    assert sentence(exploration).count("vanishes") == 2
    exploration.set(radius=2.0, size=0.0)
    assert "10 steps back: it explodes" in sentence(exploration)  # the first power of 2 above a thousand
    assert recurrent_gradients.in_words(np.array([1, 0.5, 0.25])) == "2 steps back it is 0.25 times as large."


def test_uncut_the_gradient_is_whole_and_longer_pieces_come_closer():
    for cell in ("rnn", "lstm"):
        found = recurrent_gradients.truncated_gradients(cell, 1.0, (1, 8, 60))
        assert found[60] == pytest.approx((1.0, 1.0)) and found[1][0] < found[8][0] < 1
    exploration = recurrent_gradients.explore_truncation()
    exploration.set(window=60)
    assert "Cut every 60 steps" in sentence(exploration) and "<b>0°</b>" in sentence(exploration)


def test_the_cliff_has_the_gradient_of_its_loss():
    def loss(point):
        h = 0.5
        for _ in range(50):
            h = math.tanh(point[0] * h + point[1])
        return (h - 0.7) ** 2

    for point in ((1.2, 0.05), (3.0, -0.5), (1.5, -0.2)):
        found, gradients = gradient_cliff.loss_and_gradient(*point)
        assert found == pytest.approx(loss(point), rel=1e-12)
        expected = numeric_gradient(loss, np.array(point))
        np.testing.assert_allclose([gradients["w"], gradients["b"]], expected, rtol=1e-4, atol=1e-9)


def test_clipping_keeps_the_descent_at_the_cliff():
    path, free, norms = gradient_cliff.descend(0.3)
    clipped_path, clipped, _ = gradient_cliff.descend(0.3, max_norm=1.0)
    steps = np.linalg.norm(np.diff(path, axis=0), axis=1)
    np.testing.assert_allclose(steps, 0.3 * norms[:-1])
    assert steps.max() > 3 and np.linalg.norm(np.diff(clipped_path, axis=0), axis=1).max() <= 0.3 + 1e-12
    assert clipped[-1] < 1e-3 < 0.05 < free[-1]
    exploration = gradient_cliff.explore_cliff()
    before = sentence(exploration)
    exploration.set(clipping=True)
    assert "the longest step the length 4.0" in before and "the longest step the length 0.30" in sentence(exploration)


def test_norms_of_a_training_are_before_clipping():
    X, y = windows(np.arange(40) % 3, 5)
    trainers = []
    for clip_norm in (None, 1e-3):
        network = Sequential(WordEmbedding(3, 2), RNN(4), TemporalAffine(3)).initialize((5,), rng=0)
        quiet = {"progress_bar": False, "live_plot": False}
        trainers.append(Trainer(network, character_loss, "sgd", clip_norm=clip_norm, **quiet))
    found = [gradient_cliff.losses_and_norms(trainer, X, y, 1) for trainer in trainers]
    assert found[0].shape == (2, 1) and np.array_equal(*found) and found[0][1, 0] > 0.01
    runs = dict(zip(("free", "held"), found, strict=True))
    assert [line.get_label() for line in gradient_cliff.clipping_figure(runs).axes[0].lines] == ["free", "held"]


def test_a_cell_holds_what_is_written_until_it_is_forgotten():
    gates, c, h = lstm_gates.one_cell(write=2, forget=10, read=6, forget_gate=0.9)
    written = expit(6) * math.tanh(6)
    assert c[2] == pytest.approx(written, abs=0.01) and c[6] == pytest.approx(written * 0.9**4, abs=0.02)
    assert abs(c[10]) < 0.01 and h[6] == pytest.approx(expit(6) * math.tanh(c[6])) and abs(h[5]) < 0.01
    assert gates["forget"][0] == pytest.approx(0.9) and gates["input"].argmax() == 2
    exploration = lstm_gates.explore_one_cell()
    exploration.set(read=18)
    assert "h = 0.0" in sentence(exploration)


def test_gates_of_a_network_are_those_that_its_steps_use(network):
    numbers = VOCABULARY.encode(TEXT)
    found = lstm_gates.gates_of(network, numbers)
    own = [network.parameters[f"1.{name}"] for name in ("Wx", "Wh", "b")]
    h, c = np.zeros((1, 5)), np.zeros((1, 5))
    for t, number in enumerate(numbers):
        h, c, _ = lstm_step_forward(network.parameters["0.W"][number][None], h, c, *own)
        np.testing.assert_allclose(found["cell state"][t], c[0], rtol=1e-9)
        np.testing.assert_allclose(found["hidden state"][t], h[0], rtol=1e-9)
        np.testing.assert_allclose(found["output"][t] * np.tanh(c[0]), h[0], rtol=1e-9)
    assert found["forget"].std() > 0.05
    assert isinstance(lstm_gates.gate_histograms(network, numbers), Figure)


def test_only_the_first_symbol_tells_the_answer_and_short_tasks_are_learned():
    X, y = recall.recall_sequences(6, 300, np.random.default_rng(0))
    assert X.shape == (300, 7, 8) and (X.argmax(axis=2)[:, 0] == y).all() and (X.argmax(axis=2)[:, 1:] >= 4).all()
    assert set(np.unique(X)) == {0, 2} and (np.bincount(y) > 50).all()
    assert recall.recall_accuracy("RNN", 2, 60) > 0.95
    found = recall.recall_race((1, 30), seeds=1, updates=15)
    assert found["LSTM", 1][0] > found["LSTM", 30][0] and isinstance(recall.recall_figure(found), Figure)


def test_rows_of_images_and_answers_on_the_way_down():
    rng = np.random.default_rng(0)
    photographs = rng.integers(0, 256, (5, 32, 32, 3), dtype=np.uint8)
    rows, (mean, scale) = row_by_row.as_rows(photographs)
    assert rows.shape == (5, 16, 48) and rows.mean() == pytest.approx(0, abs=1e-5) and rows.std() == pytest.approx(1)
    block = photographs[2, 4:6, 10:12].astype(float).mean(axis=(0, 1))
    np.testing.assert_allclose(rows[2, 2, 15:18], (block - mean) / scale, rtol=1e-5)
    digits = rng.integers(0, 17, (40, 8, 8, 1), dtype=np.uint8)
    small, _ = row_by_row.as_rows(digits, 8.0, 2.0)
    np.testing.assert_allclose(small[3, 5], (digits[3, 5, :, 0] - 8.0) / 2)
    y = np.arange(40) % 3
    trainer = row_by_row.trained_rows(RNN(6), (small, y, small, y), epochs=2)
    scores = row_by_row.scores_by_row(trainer.network, small)
    assert scores.shape == (40, 8, 3)
    states = {}
    trainer.network.forward(small, observe=states.__setitem__)
    w, b = (trainer.network.parameters[f"2.{name}"] for name in "wb")
    np.testing.assert_allclose(scores[:, 3], states["0"][:, 3] @ w + b, rtol=1e-4, atol=1e-5)
    assert np.array_equal(row_by_row.last_states(trainer.network, small), states["0"][:, -1])
    accuracies = row_by_row.accuracy_by_row(scores, y)
    assert accuracies[4] == pytest.approx(np.mean([scores[n, 4].argmax() == y[n] for n in range(40)]))
    exploration = row_by_row.explore_rows(digits, y, scores, ("a", "b", "c"))
    exploration.set(image=7, row=8)
    assert f"Of all images {accuracies[7]:.1%}" in sentence(exploration)


def test_a_speller_has_the_gradients_of_its_loss_and_ignores_what_follows_a_word():
    letters, words, mask = spelling.captions_of(("cat", "horse"))
    assert letters.decode(words[0]) == "<cat>>>" and mask.sum(axis=1).tolist() == [4, 6]
    speller = spelling.Speller(3, len(letters), dtype=np.float64)
    features = np.random.default_rng(0).normal(size=(2, 3))
    _, gradients = speller.loss(features, words, mask)
    assert gradients.keys() == speller.parameters.keys()
    for name, parameter in speller.parameters.items():
        chosen = parameter[:3]  # a view: moving it moves the speller
        expected = numeric_gradient(lambda _: speller.loss(features, words, mask)[0], chosen)
        np.testing.assert_allclose(gradients[name][:3], expected, rtol=1e-5, atol=1e-8, err_msg=name)
    changed = words.copy()
    changed[0, 5:] = letters.encode("h")[0]
    assert speller.loss(features, changed, mask)[0] == speller.loss(features, words, mask)[0]


def test_a_speller_learns_to_write_what_it_sees():
    names = ("cat", "horse", "cab")
    letters, words, mask = spelling.captions_of(names)
    y = np.arange(30) % 3
    features = np.eye(3, dtype=np.float32)[y]
    speller = spelling.Speller(3, len(letters))
    losses = speller.fit(features, words[y], mask[y], updates=150, batch_size=10)
    assert losses[-1] < 0.1 < losses[0] and speller.spell(features, letters) == [names[label] for label in y]
    images = np.zeros((30, 4, 4, 1), np.uint8)
    figure = spelling.spelling_figure(images, ["cat", "cat", "cb", *["horse"] * 27], y, names)
    titles = [axes.get_title() for axes in figure.axes if axes.get_title()]
    assert titles[0] == "cat" and "cb" in titles and titles.count("cat") == 2


def test_what_was_copied_and_which_words_are_known():
    assert written_text.longest_copy("xxthe cat satyy", "and the cat sat down") == "the cat sat"
    assert written_text.longest_copy("q", "abc") == ""
    assert written_text.share_of_known_words("the fox sat here th", "the cat sat") == (0.5, "the ")
    assert written_text.as_markdown("a|b*\n$") == "a\\|b\\* ↵ \\$"


def test_brackets_close_and_their_depth_is_counted():
    text = written_text.bracket_text(500, np.random.default_rng(0), deepest=3)
    depth, depths = 0, []
    for sign in text:
        depth += (sign == "(") - (sign == ")")
        depths.append(depth)
    assert min(depths) == 0 == depths[-1] and max(depths) == 3 and len(text) >= 500
    np.testing.assert_array_equal(written_text.properties(text)["depth of brackets"], depths)


def test_properties_and_the_units_that_follow_them():
    found = written_text.properties(TEXT)
    quoted = found["inside quotation marks"].astype(bool)
    assert "".join(np.array(list(TEXT))[quoted]) == '"(a (big) cat)"No.'
    assert found["inside a word, and how far"][:4].tolist() == [1, 2, 0, 1]
    rng = np.random.default_rng(0)
    states = rng.normal(size=(len(TEXT), 6))
    states[:, 4] = 3 - 2 * found["depth of brackets"]
    unit, correlation = written_text.followers(states, TEXT)["depth of brackets"]
    assert unit == 4 and correlation == pytest.approx(-1)


def test_letters_next_characters_and_samples_are_shown(network):
    exploration = written_text.explore_units(network, VOCABULARY, TEXT)
    letters = [text.get_text() for text in exploration.figure().axes[0].texts]
    assert "".join(letters) == TEXT.replace(" ", "").replace("\n", "")
    painted = written_text.colored_text("ab", [-1, 1]).axes[0].images[0]
    below, above = painted.cmap(painted.norm(painted.get_array()))[0, :2, :3]
    assert below[2] > below[0] and above[0] > above[2]  # blue, red, as the sentences say
    for what in exploration.controls["what"].options:
        exploration.set(what=what)
        assert what in sentence(exploration)
    following = written_text.explore_next_character(network, VOCABULARY, "He s")
    scores = network.forward(VOCABULARY.encode("He s")[None])[0, -1]
    assert f"<b>{written_text.visible(VOCABULARY.characters[scores.argmax()])}</b>" in sentence(following)
    following.set(prefix="xyz")
    assert "That cannot be read" in sentence(following) and "'x'" in sentence(following)
    table = written_text.temperature_table(network, VOCABULARY, TEXT, (0, 1), "He ", 40)
    assert table.count("\n") == 3 and "| 0 |" in table
    assert isinstance(written_text.loss_figure([(0, 3, 3), (10, 2, 2.5)], 20), Figure)
    drawn = written_text.embedding_map(network, VOCABULARY, VOCABULARY.encode(TEXT), least=4)
    labels = [text.get_text() for text in drawn.axes[0].texts]
    assert "a" in labels and "S" not in labels


def test_drawings_have_a_box_for_every_input_and_output():
    figure = recurrent_arrangements.arrangements_figure()
    boxes = [len(axes.patches) for axes in figure.axes]
    expected = [len(k.inputs) + k.inputs.count("x") + k.outputs.count("y") for k in recurrent_arrangements.KINDS]
    assert boxes == expected == [3, 9, 9, 12, 12]
    caption = recurrent_arrangements.caption_figure(np.zeros((4, 4, 3), np.uint8), ["a", "cat"])
    words = [text.get_text() for text in caption.axes[1].texts]
    assert words.count("cat") == 2 and "<start>" in words and "<end>" in words
    W = np.arange(6.0).reshape(3, 2)
    embedding = recurrent_arrangements.embedding_figure(["x", "y", "z"], W, 1)
    assert [text.get_text() for text in embedding.axes[2].texts] == ["2.0", "3.0"]
