"""The architecture playground without a browser: text and table, images, state, the conversation, program, figure."""

import base64
import json
import re

import numpy as np
import pytest
from matplotlib.figure import Figure
from playground_conversation import ask

from cs231n_kit.datasets import load
from cs231n_kit.networks import parse
from cs231n_kit.widgets import ArchitecturePlayground
from cs231n_kit.widgets.architecture_data import ImageData, fit_photograph
from cs231n_kit.widgets.architecture_presets import default_architecture, presets
from cs231n_kit.widgets.architecture_state import complete_state, state_from_string
from cs231n_kit.widgets.architecture_text import ArchitectureError, read

RNG = np.random.default_rng(5)
COLOURED = RNG.integers(0, 256, (30, 32, 32, 3), dtype=np.uint8)
GREY = RNG.integers(0, 256, (30, 8, 8, 1), dtype=np.uint8)
LABELS = np.arange(30) % 10


@pytest.fixture(scope="module")
def digits():
    return load("digits", {"train": 300, "val": 60})


def make(text="CONV->RELU->POOL->FC", images=GREY, **settings):
    return ArchitecturePlayground(images, LABELS, architecture=text, **{"filters": 4, "units": 8, **settings})


def reading(text, images=COLOURED, **settings):
    data = ImageData(images, LABELS)
    return read({"architecture": text, "filters": 8, "units": 64, "batch_size": 32, **settings}, data)


# --- text and table


def test_the_table_is_the_summary():
    text = "[[CONV->BN->RELU]*2->POOL]*3->[FC->RELU]*1->FC"
    summary = parse(text, 10, 8, 64).summary((3, 32, 32))
    reply, _ = ask(make(text, COLOURED, filters=8, units=64), frame=True)
    rows = reply["table"]["rows"]
    assert len(rows) == len(summary.rows) == 25
    for row, expected in zip(rows, summary.rows, strict=True):
        seen = expected.receptive_field and list(expected.receptive_field)
        assert row[0] == expected.path and row[2] == list(expected.output_shape) and row[6] == seen
        assert row[3:6] == [expected.parameters, expected.multiply_adds, expected.memory]
    # counted by hand: 3 x 3 x 3 x 8 weights and 8 biases, at 32 x 32 places
    assert rows[0][3:6] == [224, 221_184, 32_768]
    assert json.loads(json.dumps(reply["table"])) == reply["table"]


@pytest.mark.parametrize(
    ("text", "words", "start", "rows"),
    [
        ("[[CONV->RELU]*2->POL]*2->FC", "There is no layer POL; a layer (CONV", 17, 0),
        ("[CONV->RELU", 'or "]", which closes the bracket, was expected', 11, 0),
        ("FC->RELU->POOL", "After FC there are no images left for POOL", 10, 0),
        ("CONV4->FC", "An odd size was expected", 4, 0),
        ("", "A layer (CONV", 0, 0),
        ("[[CONV->RELU]*2->POOL]*6->FC", "MaxPool(2) in row 29 needs 2 × 2 pixels, but only 1 × 1 are left", None, 29),
        ("CONV->RELU", "puts out 8 × 32 × 32 numbers for an image, not one score for each of the 10", None, 2),
        ("[CONV->RELU]*100->FC", "These are 202 layers; at most 150", None, 150),
        ("[[CONV]*400]*400", "These are more than 1,000 layers", 13, 0),
    ],
)
def test_what_cannot_be_built_is_explained_at_its_place(text, words, start, rows):
    found = reading(text)
    assert words in found.problem and found.start == start and len(found.rows) == rows
    with pytest.raises(ArchitectureError) as caught:
        make(text, COLOURED, filters=8)
    assert words in str(caught.value)
    if start is not None:
        assert str(caught.value).split("\n")[-1].index("^") == 4 + start


def test_a_refused_text_leaves_network_and_training_as_they_are():
    playground = make()
    playground.train(2)
    before, w = playground.state, playground.network.parameters["0.w"].copy()
    reply, _ = ask(playground, state={**before, "architecture": "CONV->POL->FC"}, frame=True)
    assert "error" not in reply and reply["state"] == before
    assert reply["refused"]["start"] == 6 and reply["refused"]["text"] == "CONV->POL->FC"
    assert reply["refused"]["problem"].startswith("There is no layer POL")
    assert reply["frame"]["step"] == 2 and np.array_equal(playground.network.parameters["0.w"], w)
    reply, _ = ask(playground, state=before, frame=True)
    assert reply["refused"] is None and playground.step_count == 2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("CONV-99999999->FC", "million parameters"),
        ("[CONV-128->RELU]*4->POOL->FC", "billion multiply-adds for a batch of 64"),
        ("[RELU]*149->FC", "MB of outputs for a batch"),
    ],
)
def test_what_is_too_large_has_a_table_but_is_not_trained(text, words):
    images = RNG.integers(0, 256, (12, 96, 96, 3), dtype=np.uint8)
    playground = ArchitecturePlayground(images, LABELS[:12], architecture=text, batch_size=64)
    reply, buffers = ask(playground, command="play", frame=True)
    assert words in reply["table"]["too_large"] and len(reply["table"]["rows"]) >= 3
    assert playground.network is None and playground.look() is None and not reply["frame"]["network"]
    assert buffers == [playground.pixels().tobytes()]
    assert playground.train(3) is None and words in playground.trouble and playground.step_count == 0
    playground.close()
    assert isinstance(playground.figure(), Figure)


@pytest.mark.parametrize(("shape", "pools"), [((3, 32, 32), 3), ((1, 28, 28), 3), ((1, 8, 8), 2), ((1, 4, 4), 1)])
def test_the_default_and_every_preset_fit_the_images(shape, pools):
    assert default_architecture(shape) == f"[[CONV->RELU]*2->POOL]*{pools}->[FC->RELU]*1->FC"
    images = np.zeros((4, shape[1], shape[2], shape[0]), np.uint8)
    data = ImageData(images, np.arange(4))
    for preset in presets(shape).values():
        found = read(complete_state(preset.settings, data), data)
        assert not found.problem and not found.too_large and found.rows[-1].output_shape == (4,)


# --- images


def test_inputs_have_zero_mean_channels_and_unit_variance():
    data = ImageData(COLOURED, LABELS, COLOURED[:5], LABELS[:5])
    pixels = COLOURED.astype(np.float64)
    expected = (pixels - pixels.mean(axis=(0, 1, 2))) / pixels.std()
    assert data.inputs_train.dtype == np.float32 and data.inputs_train.flags.c_contiguous
    assert data.inputs_train == pytest.approx(expected.transpose(0, 3, 1, 2), abs=1e-5)
    assert data.inputs_val == pytest.approx(expected[:5].transpose(0, 3, 1, 2), abs=1e-5)


def test_own_images_in_every_form():
    floats = ImageData(GREY[..., 0] / 255, LABELS)
    assert np.array_equal(floats.X_train, GREY[:24]) and np.array_equal(floats.y_val, LABELS[24:])
    assert floats.input_shape == (1, 8, 8) and floats.class_names == tuple("0123456789")
    constant = ImageData(np.full((4, 8, 8), 9, np.uint8), [0, 1, 0, 1])
    assert np.isfinite(constant.inputs_train).all()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((COLOURED.transpose(0, 3, 1, 2), LABELS), r"not \(24, 3, 32, 32\); bring .* X.transpose\(0, 2, 3, 1\)"),
        ((COLOURED[0], LABELS), "training images are 32 x 3 pixels; 4 to 96"),
        ((COLOURED / 255 * np.nan, LABELS), "NaN or infinity"),
        ((COLOURED / 255 - 0.5, LABELS), "floats must lie between 0 and 1, but reach from -0.5"),
        ((COLOURED.astype(np.int32), LABELS), "must be uint8 from 0 to 255"),
        ((COLOURED, LABELS[:7]), r"24 training images need integer labels of shape \(24,\)"),
        ((COLOURED, LABELS / 2), "need integer labels"),
        ((COLOURED, LABELS - 1), "labels count from 0, but there is -1"),
        ((COLOURED, LABELS, COLOURED), "X_val, y_val"),
        ((COLOURED, LABELS, GREY, LABELS), r"training images are \(32, 32, 3\) and validation images \(8, 8, 1\)"),
        ((COLOURED, LABELS, None, None, ["one", "two"]), "labels reach 9, so 2 to 100 classes need names, got 2"),
        ((np.zeros((4, 200, 200), np.uint8), np.zeros(4, int)), "200 x 200 pixels; 4 to 96"),
        ((COLOURED[:1], LABELS[:1]), "at least 2 images"),
    ],
)
def test_bad_images_are_named(arguments, words):
    with pytest.raises((ValueError, TypeError), match=words):
        ImageData(*arguments)


def test_a_photograph_is_cropped_and_averaged():
    photograph = np.zeros((40, 100, 4), np.uint8)
    photograph[:, 30:50, 0] = 200  # the left half of the middle square is red
    fitted = fit_photograph(photograph, (8, 8, 3))
    assert fitted[:, :4].reshape(-1, 3).tolist() == [[200, 0, 0]] * 32 and not fitted[:, 4:].any()
    grey = fit_photograph(photograph[..., :3], (8, 8, 1))
    assert grey.shape == (8, 8, 1) and grey[0, 0, 0] == 60  # 0.299 * 200
    assert fit_photograph(np.eye(8), (8, 8, 3))[0].tolist() == [[255] * 3] + [[0] * 3] * 7


@pytest.mark.parametrize(
    ("image", "words"),
    [
        (np.zeros((4, 4, 2), np.uint8), r"not \(4, 4, 2\)"),
        (np.zeros((0, 4), np.uint8), "a picture has the shape"),
        (np.full((4, 4), np.nan), "NaN or infinity"),
        (np.zeros((4, 4), np.int64), "uint8"),
        (np.broadcast_to(np.uint8(0), (10_000, 10_000)), "10,000 x 10,000 pixels; at most 40 million"),
    ],
)
def test_a_bad_photograph_is_refused_and_the_old_image_kept(image, words):
    playground = make()
    with pytest.raises((ValueError, TypeError), match=words):
        playground.show_image(image)
    assert playground.image == 0


def test_the_page_sends_an_image_as_pixels():
    playground = make()
    pixels = np.arange(64, dtype=np.uint8)
    text = base64.b64encode(pixels.tobytes()).decode()
    reply, buffers = ask(playground, state={**playground.state, "image": -1}, own=text, frame=True)
    assert reply["state"]["image"] == -1 and reply["frame"]["own"] and buffers[0] == pixels.tobytes()
    assert not reply["frame"]["given"]  # nobody knows its class
    for bad in (text[:-4], text * 3, "A" * 10**6, "A" * 84, 7):
        reply, _ = ask(playground, state=playground.state, own=bad)
        assert "the image must come as 64 bytes" in reply["error"]["message"]
        assert reply["error"]["part"] == "state" and np.array_equal(playground.pixels().ravel(), pixels)
    fresh = make()
    assert "no image of your own yet" in ask(fresh, state={**fresh.state, "image": -1})[0]["error"]["message"]


# --- state


def test_a_state_survives_the_string():
    playground = make("CONV5-3->LEAKYRELU->POOL->FC", learning_rate=0.03, optimizer="nesterov", of=4, gradients=True)
    string = playground.state_string
    assert re.fullmatch("[A-Za-z0-9_-]+", string) and len(string) < 300
    assert ArchitecturePlayground(GREY, LABELS, state=string).state == playground.state
    playground.show_image(np.eye(8))
    assert state_from_string(playground.state_string, playground.data) == {**playground.state, "image": 0}
    for damaged in ("", "hello", string[:-3], "A" * 30_000):
        with pytest.raises(ValueError, match="not an? architecture-playground state string"):
            state_from_string(damaged, playground.data)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"filters": 0}, "filters must be a whole number from 1 to 128"),
        ({"learning_rate": float("nan")}, "learning_rate must be a number"),
        ({"batch_size": 2.5}, "batch_size must be a whole number"),
        ({"optimizer": "adamm"}, "optimizer must be one of sgd"),
        ({"regularization": -1}, "regularization must be a number from 0"),
        ({"architecture": 3}, "architecture must be text"),
        ({"architecture": "CONV->" * 200 + "FC"}, "at most 500"),
        ({"preset": "resnet"}, "preset must be one of"),
        ({"image": 6}, "image must be a whole number from -1 to 5"),
        ({"image": -1}, "no image of your own yet"),
        ({"layer": 1}, "layer must be 'input' or a layer's number as text"),
        ({"of": 10}, "of must be a whole number from -1 to 9"),
        ({"gradients": "yes"}, "gradients must be True or False"),
        ({"rate": 1}, "unknown entry 'rate'"),
    ],
)
def test_a_bad_state_is_refused_by_name_and_the_old_one_kept(change, words):
    playground = make()
    before = playground.state
    with pytest.raises(ValueError, match=re.escape(words)):
        playground.change(**change)
    assert playground.state == before
    with pytest.raises(ValueError, match=re.escape(words)):
        ArchitecturePlayground(GREY, LABELS, **change)


# --- program and figure


def test_the_program_trains_to_the_same_numbers(digits):
    settings = {"filters": 4, "units": 8, "regularization": 0.001, "optimizer": "sgd_momentum", "learning_rate": 0.01}
    playground = ArchitecturePlayground(digits, architecture="CONV->BN->RELU->POOL->DROPOUT->FC", **settings)
    playground.train(13)  # into the second epoch of 10 updates
    names = {}
    exec(playground.code(), names)
    for path, w in playground.network.parameters.items():
        assert np.array_equal(w, names["network"].parameters[path])
    assert not playground.code().startswith("# Settings changed") and "Settings changed" not in playground.code()
    playground.learning_rate = 0.02
    assert "# Settings changed while the network" in playground.code()
    assert "your own arrays; images are uint8 (N, 8, 8, 1)" in make().code()


def test_the_figure_shows_table_curves_and_maps(digits):
    playground = ArchitecturePlayground(digits, architecture="CONV->RELU->POOL->FC", filters=4)
    playground.train(3)
    texts = [text.get_text() for axes in playground.figure().axes for text in axes.texts]
    assert "40" in texts and "total" in texts and "4 × 8 × 8" in texts  # 3 x 3 x 4 weights and 4 biases
    bundle = playground._repr_mimebundle_()[0]
    assert base64.b64decode(bundle["image/png"]).startswith(b"\x89PNG")
    assert bundle["text/plain"] == "ArchitecturePlayground of CONV->RELU->POOL->FC"
