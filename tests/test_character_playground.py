"""The character playground without a browser: texts, training, what it writes, state, conversation, program, figure."""

import json
import math

import numpy as np
import pytest
from matplotlib.figure import Figure
from playground_conversation import ask, listening, wait_for
from scipy.special import log_softmax, softmax

from cs231n_kit.widgets import CharacterPlayground
from cs231n_kit.widgets.character_playground_presets import PRESETS
from cs231n_kit.widgets.character_playground_state import (
    DEFAULTS,
    TextError,
    complete_state,
    preset_settings,
    state_from_string,
    state_to_string,
)

WORDS = "a cat and a bat, " * 15  # 255 characters


def make(text=WORDS, **settings):
    return CharacterPlayground(text, **{"units": 6, "length": 8, "batch_size": 4, **settings})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "The text is empty: type or paste one"),
        ("zzz", "nothing but 'z'"),
        ("\n\r\n\r", r"nothing but '\n'"),
        ("ab" * 2001, "The text has 4,002 characters, and at most 4,000 are read here: leave out 2"),
        ("ab\ud83d", "half of a character"),
    ],
)
def test_a_text_that_cannot_be_learned_is_explained_and_changes_nothing(text, words):
    with pytest.raises(TextError, match=words.replace("\\", r"\\")):
        make(text)
    playground = make()
    playground.train(2)
    w = playground.network.parameters["1.Wh"].copy()
    reply, _ = ask(playground, state={**playground.state, "text": text}, frame=True)
    assert "error" not in reply and words in reply["refused"]["problem"] and reply["state"]["text"] == WORDS
    assert playground.step_count == 2 and np.array_equal(playground.network.parameters["1.Wh"], w)
    reply, _ = ask(playground, state=playground.state, frame=True)
    assert reply["refused"] is None


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"cell": "GRU"}, "cell must be one of RNN, LSTM; got 'GRU'"),
        ({"units": 0}, "units must be a whole number from 1 to 256"),
        ({"temperature": -1}, "temperature must be a number from 0 to 5"),
        ({"clip_norm": math.nan}, "clip_norm must be a number"),
        ({"prefix": 3}, "prefix must be text of at most 200"),
        ({"speed": 3}, "unknown entry 'speed'"),
        ({"text": 7}, "text must be a string, not int"),
        ({"preset": "poem"}, "preset must be one of"),
        ({"unit": -2}, "unit must be a whole number from -1"),
    ],
)
def test_bad_settings_are_named(settings, words):
    with pytest.raises(ValueError, match=words):
        CharacterPlayground(**settings)


@pytest.mark.parametrize("text", ["ab", "aab", "😀é" * 3, WORDS], ids=["two", "three", "emoji", "words"])
def test_short_and_foreign_texts_are_learned(text):
    playground = make(text)
    record = playground.train(3)
    assert record.step == 3 and math.isfinite(record.train_loss)
    assert math.isnan(record.validation_loss) == (len(text) < 200)
    assert set(playground.write(20)) <= set(text) and len(playground.write(20)) == 20


def test_the_end_of_the_text_is_never_trained_on():
    playground = make(WORDS[:229] + "xyzxyz" * 4 + "xy")  # the last tenth, and none of it before
    X, y = playground._run.X, playground._run.y
    assert not np.isin(playground.vocabulary.encode("xyz"), np.concatenate([X.ravel(), y.ravel()])).any()
    held = playground.vocabulary.encode(playground.text[229:])
    scores = [playground.network.forward(held[None, start : start + 8])[0] for start in (0, 8, 16)]
    losses = -log_softmax(np.concatenate(scores), axis=1)[np.arange(24), held[1:25]]
    assert playground.history[0].validation_loss == pytest.approx(losses.mean(), rel=1e-5)


def test_training_clips_the_gradient_and_tells_its_norm():
    playground = make(optimizer="sgd", learning_rate=1.0, clip_norm=0.05)
    before = {key: w.copy() for key, w in playground.network.parameters.items()}
    record = playground.train(1)
    moved = math.sqrt(sum(((w - before[key]) ** 2).sum() for key, w in playground.network.parameters.items()))
    norm = math.sqrt(sum((g.astype(np.float64) ** 2).sum() for g in playground.network.gradients.values()))
    assert record.norm == pytest.approx(norm, rel=1e-5) and norm > 0.1
    assert record.clipped_norm == 0.05 and moved == pytest.approx(0.05, rel=1e-4)
    playground.change(clip_norm=0.0)
    assert playground.step_count == 1  # the network stays
    record = playground.train(1)
    assert record.clipped_norm == record.norm > 0.05


def test_it_learns_a_word_and_expects_what_its_scores_say():
    playground = CharacterPlayground(preset="word", length=10)
    playground.train(250)
    assert playground.history[-1].train_loss < 0.2 < playground.history[0].validation_loss
    for prefix, expected in (("hel", "l"), ("hell", "o"), ("o", " ")):
        playground.change(prefix=prefix)
        reply, _ = ask(playground, frame=True)
        scores = playground.network.forward(playground.vocabulary.encode(prefix)[None])[0, -1]
        assert reply["frame"]["expected"][0][0] == expected
        assert reply["frame"]["expected"][0][1] == pytest.approx(softmax(scores).max(), abs=1e-3)
    playground.change(prefix="he", temperature=0)
    assert playground.write(16).startswith("llo hello")


def test_what_is_written_follows_prefix_temperature_and_draw():
    playground = make(prefix="a c")
    playground.train(30)
    first = playground.write(40)
    assert playground.write(40) == first
    assert playground.change(draw=1) or playground.write(40) != first
    playground.change(draw=0, temperature=2.0)
    assert playground.write(40) != first
    playground.change(prefix="a q")
    reply, _ = ask(playground, frame=True)
    assert "'q' does not occur in the text" in reply["frame"]["prefix_problem"] and reply["frame"]["prefix"] == "a"
    playground.change(prefix="")
    reply, _ = ask(playground, frame=True)
    assert "Nothing was typed" in reply["frame"]["prefix_problem"] and reply["frame"]["written"] == playground.write()


def test_a_unit_colours_every_letter_by_its_state():
    playground = make("abcd" * 5, unit=2, prefix="ab")
    reply, buffers = ask(playground, frame=True)
    letters = "ab" + reply["frame"]["written"]
    seen = {}
    playground.network.forward(playground.vocabulary.encode(letters)[None], observe=seen.__setitem__)
    np.testing.assert_allclose(np.frombuffer(buffers[0], np.int8) / 127, seen["1"][0, :, 2], atol=0.5 / 127 + 1e-6)
    playground.change(units=2)  # the unit has gone
    assert playground.unit == 1
    reply, buffers = ask(playground, state={**playground.state, "unit": -1}, frame=True)
    assert buffers == [] and not reply["frame"]["colored"]


def test_settings_of_the_network_start_anew_and_those_of_training_do_not():
    for key, value in {"text": "xyxyyx", "cell": "RNN", "units": 4, "length": 5, "batch_size": 2, "seed": 3}.items():
        playground = make()
        playground.train(2)
        playground.change(**{key: value})
        assert playground.step_count == 0 and playground.history == [], key
    playground = make()
    playground.train(2)
    playground.change(learning_rate=0.5, optimizer="sgd", temperature=0.2)
    assert playground.step_count == 2 and playground._run.trainer.optimizer.config["learning_rate"] == 0.5
    assert "Settings changed" in playground.code()
    playground.restart()
    assert playground.step_count == 0 and "Settings changed" not in playground.code()


def test_numbers_that_overflow_end_in_a_sentence():
    playground = make(optimizer="sgd", learning_rate=100.0, clip_norm=0.0, cell="RNN")
    playground.network.parameters["2.w"][:] = 1e38
    playground.train(5)
    assert "Lower the learning rate of 100 here" in playground.trouble and playground.step_count < 5
    reply, _ = ask(playground, frame=True)
    assert "error" not in reply and (reply["frame"]["written"], reply["frame"]["expected"]) == ("", [])
    assert isinstance(playground.figure(), Figure)
    playground.restart()
    assert playground.trouble == ""


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_has_a_sentence_and_runs(name):
    playground = CharacterPlayground(preset=name)
    assert playground.state == preset_settings(name) and len(PRESETS[name].text) > 60
    record = playground.train(2)
    assert math.isfinite(record.train_loss) and playground._run.prefix()[1] == ""
    assert complete_state(state_from_string(playground.state_string)) == playground.state


def test_a_state_goes_through_a_string_and_back():
    longest = "".join(chr(0x1F600 + i % 60) for i in range(4000))
    state = complete_state({**DEFAULTS, "text": longest, "prefix": "é", "temperature": 1.25, "unit": 3})
    assert state_from_string(state_to_string(state)) == state
    playground = CharacterPlayground(state=state_to_string(complete_state({"text": "ab"})))
    assert playground.text == "ab" and playground.preset == ""
    for string in ("", "x", "A" * 30_000):
        with pytest.raises(ValueError, match="not a character-playground state string"):
            CharacterPlayground(state=string)


def test_the_program_repeats_the_training():
    playground = make('say "a\\b" or {c}\n' * 14, clip_norm=0.5, prefix="say")
    playground.train(12)
    names = {}
    exec(playground.code(), names)
    for key, w in playground.network.parameters.items():
        np.testing.assert_array_equal(names["network"].parameters[key], w)
    assert names["text"] == playground.text


def test_the_conversation_plays_and_stops():
    playground, sent = make(), []
    with listening(playground, sent):
        playground._handle_custom_msg(
            {"type": "request", "client": "t", "sequence": 1, "revision": 0, "command": "play", "frame": True}, []
        )
        wait_for(lambda: playground.step_count >= 5)
        playground.pause()
    frames = [content["frame"] for content, _ in sent if "frame" in content]
    assert frames[-1]["record"][0] == playground.step_count and not frames[-1]["running"]
    assert json.loads(json.dumps(frames[-1])) == frames[-1]
    step = playground.step_count
    reply, _ = ask(playground, command="step", frame=True)
    assert reply["frame"]["record"][0] == step + 1 and len(reply["frame"]["history"]) >= 2
    playground.close()


def test_the_still_picture_shows_what_is_written():
    playground = make(prefix="a $")
    playground.train(3)
    figure = playground.figure()
    texts = [text.get_text() for axes in figure.axes for text in axes.texts]
    assert isinstance(figure, Figure) and any(playground.write()[:20] in text for text in texts)
    data, _ = playground._repr_mimebundle_()
    assert data["text/plain"] == "CharacterPlayground of a text of 255 characters" and len(data["image/png"]) > 10_000
