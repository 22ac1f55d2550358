"""The figures of lecture 05: what they compute is right, every control works, and its training can be interrupted."""

import io
from contextlib import redirect_stdout
from pathlib import Path

import nbformat
import numpy as np
import pytest
from scipy import ndimage, signal
from test_explorations import (
    CLASS_NAMES,
    assert_labelled,
    images_of,
    test_every_control_works_to_its_ends_and_changes_the_picture,
    test_it_says_what_it_shows_and_offers_a_still_picture,
)

from cs231n_kit.explorations import (
    convolution_kernels,
    convolution_sizes,
    fully_convolutional,
    learned_filters,
    pooling,
    receptive_fields,
)
from cs231n_kit.networks import Affine, Convolution, GlobalAveragePool, MaxPool, ReLU, Residual, Sequential, parse
from cs231n_kit.training import Callback

# The same two tests as for the figures of lecture 02, on the fixture below.
__all__ = [
    "test_every_control_works_to_its_ends_and_changes_the_picture",
    "test_it_says_what_it_shows_and_offers_a_still_picture",
]

LECTURE = Path(__file__).parents[1] / "notebooks" / "05_convolutional_networks.ipynb"


def small_network(channels=3, size=16, pattern="[CONV->RELU->POOL]*2->[FC->RELU]->FC"):
    return parse(pattern, classes=3, filters=4, units=6).initialize((channels, size, size), rng=3, dtype=np.float64)


def as_batch(images):
    return images.transpose(0, 3, 1, 2) / 255 - 0.3


def activations_figure():
    images, labels = images_of(3, count=6, size=16)
    return learned_filters.explore_activations(small_network(), as_batch(images), images, labels, CLASS_NAMES)


def strongest_figure():
    images, labels = images_of(3, count=12, size=16)
    return learned_filters.explore_strongest(small_network(), as_batch(images), images, labels, CLASS_NAMES)


def score_map_figure():
    images, labels = images_of(3, count=6, size=16)
    image = fully_convolutional.collage(images, 3)
    scores = fully_convolutional.fully_convolutional(small_network()).forward(as_batch(image[None]))[0]
    return fully_convolutional.explore_score_map(image, scores, labels.reshape(2, 3), CLASS_NAMES, 16, 4)


EXPLORATIONS = {
    "kernels": convolution_kernels.explore_kernels,
    "stack": convolution_kernels.explore_stack,
    "sharing": convolution_kernels.explore_sharing,
    "parameters": convolution_sizes.explore_parameters,
    "output size": convolution_sizes.explore_output_size,
    "receptive field": receptive_fields.explore_receptive_field,
    "stage": pooling.explore_stage,
    "routing": pooling.explore_routing,
    "activations": activations_figure,
    "strongest": strongest_figure,
    "score map": score_map_figure,
}


@pytest.fixture(scope="module", params=EXPLORATIONS.values(), ids=EXPLORATIONS)
def exploration(request):
    return request.param()


def test_a_map_is_the_correlation_with_all_channels():
    image = convolution_kernels.photographs()["coffee"]
    weights = convolution_kernels.make_filter("vertical edges", "red against green", size=5, strength=1.4)
    expected = sum(
        signal.correlate2d(image[..., channel] / 255, weights[channel], mode="valid") for channel in range(3)
    )
    np.testing.assert_allclose(convolution_kernels.activation_map(image, weights), expected, atol=1e-4)
    assert not weights[2].any() and np.allclose(weights[0], -weights[1])
    apart = np.zeros((3, 9, 9))
    apart[:, ::2, ::2] = weights
    np.testing.assert_allclose(
        convolution_kernels.activation_map(image, weights, gap=2),
        convolution_kernels.activation_map(image, apart),
        atol=1e-4,
    )


def test_strength_blends_from_the_middle_weight_to_the_kernel():
    none, one = (convolution_kernels.make_filter("box blur", size=3, strength=strength)[0] for strength in (0, 1))
    np.testing.assert_allclose(none, [[0, 0, 0], [0, 1 / 3, 0], [0, 0, 0]])
    np.testing.assert_allclose(one, np.full((3, 3), 1 / 27))


def test_shared_weights_move_with_the_image_and_own_weights_do_not():
    figure = convolution_kernels.explore_sharing()
    assert "differ by <b>0%</b>" in figure.sentence.value and "<b>9</b>, one kernel" in figure.sentence.value
    figure.set(own=100, shift=-30)
    assert "differ by <b>0%</b>" not in figure.sentence.value and f"<b>{9 * 198**2:,}</b>" in figure.sentence.value
    image = convolution_kernels.photographs()["cat"]
    gray = image.mean(axis=-1) / 255
    expected = ndimage.correlate(gray, np.array([[-1, 0, 1]] * 3, float))[1:-1, 1:-1]
    np.testing.assert_allclose(convolution_kernels.local_map(image, own=0), expected, atol=1e-12)


@pytest.mark.parametrize(("side", "channels", "size", "filters"), [(32, 3, 3, 10), (224, 3, 5, 7), (4, 2, 1, 1)])
def test_parameter_counts(side, channels, size, filters):
    found = convolution_sizes.parameter_counts(side, channels, size, filters)
    pixels = side * side
    assert found["fully connected"] == (pixels * channels + 1) * pixels * filters
    assert found["local"] == pixels * filters * (size * size * channels + 1)
    assert found["shared"] == size * size * channels * filters + filters


def test_the_size_figure_says_the_formula_and_what_is_wrong():
    figure = convolution_sizes.explore_output_size()
    figure.set(side=7, size=3, pad=0, stride=2, channels=3, filters=5)
    assert "= 3.<br>" in figure.sentence.value and "<b>3 × 3 × 5</b>" in figure.sentence.value
    assert f"<b>{3 * 3 * 3 * 5 + 5}</b>" in figure.sentence.value
    figure.set(stride=3)
    assert "= 2.333.<br>" in figure.sentence.value and "Does not fit" in figure.sentence.value
    figure.set(side=4, size=11, stride=1)
    assert "The window does not fit" in figure.sentence.value


def test_the_table_of_what_fits_counts_windows():
    """Every cell of the table, by walking along the row."""
    _, table = convolution_sizes.explore_output_size().figure().axes
    texts = {(int(text.get_position()[0]), int(text.get_position()[1])): text.get_text() for text in table.texts}
    for size in convolution_sizes.SHOWN_SIZES:
        for stride in convolution_sizes.SHOWN_STRIDES:
            places = list(range(0, 10 - size + 1, stride))
            expected = "–" if not places else str(len(places)) if places[-1] + size == 10 else "✗"
            assert texts[size, stride] == expected, (size, stride)


@pytest.mark.parametrize(
    ("layers", "size", "stride", "dilation", "seen"),
    [
        (3, 3, 1, "1 in every layer", 7),
        (4, 3, 1, "doubling", 31),
        (2, 3, 3, "1 in every layer", 9),
        (3, 2, 2, "2 in every layer", 15),
    ],
)
def test_receptive_fields(layers, size, stride, dilation, seen):
    """By the formula, by the kit's summary, by the units that are wired, and by the gradient."""
    network = receptive_fields.build(layers, size, stride, dilation)
    assert receptive_fields.field_side(layers, size, stride, dilation) == seen
    assert receptive_fields.field_sizes(network, seen)[-1] == seen
    pixels = receptive_fields.used_pixels(layers, size, stride, dilation)[0]
    assert (pixels[0], pixels[-1]) == (0, seen - 1)
    found = receptive_fields.measured_field(network, seen) > 0
    expected = np.zeros(seen, bool)
    expected[pixels] = True
    np.testing.assert_array_equal(found, np.outer(expected, expected))


def test_pictures_that_are_too_large_are_refused_in_words():
    figure = receptive_fields.explore_receptive_field()
    figure.set(layers=6, size=7, stride=3)
    assert "Not drawn" in figure.sentence.value and "take fewer layers" in figure.sentence.value


def test_routing_adds_up_where_windows_overlap():
    x = pooling.piece_of_a_map().astype(float)
    out, cache = pooling.pool("max", x, 3, 2)
    dout = np.random.default_rng(1).standard_normal(out.shape)
    expected = np.zeros_like(x)
    for row in range(out.shape[0]):
        for column in range(out.shape[1]):
            window = x[2 * row : 2 * row + 3, 2 * column : 2 * column + 3]
            assert out[row, column] == window.max()
            i, j = np.unravel_index(window.argmax(), window.shape)
            expected[2 * row + i, 2 * column + j] += dout[row, column]
    np.testing.assert_allclose(pooling.pool_gradient("max", dout, cache), expected)
    figure = pooling.explore_routing()
    figure.set(kind="average", where="one window")
    assert "add up to 2.000, those that go on to <b>2.000</b>" in figure.sentence.value


PATTERNS = ["[CONV->RELU->POOL]*2->[FC->RELU]*2->FC", "FC", "CONV->BN->RELU->DROPOUT->FC->BN->FC", "FC->RELU->FC"]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_fully_convolutional_network_computes_the_same(pattern):
    network = small_network(pattern=pattern)
    for array in (network.parameters | network.statistics).values():  # biases are 0 at first, and would not be missed
        array += 0.2 * np.random.default_rng(array.size).random(array.shape)
    images, _ = images_of(3, count=5, size=16)
    sliding = fully_convolutional.fully_convolutional(network)
    assert not any(type(layer).__name__ in ("Affine", "Flatten") for _, layer in sliding.layers())
    scores = sliding.forward(as_batch(images))
    assert scores.shape == (5, 3, 1, 1)
    np.testing.assert_allclose(scores[:, :, 0, 0], network.forward(as_batch(images)), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("steps", [(Residual(Convolution(3, 1)), Affine(3)), (GlobalAveragePool(), Affine(3))])
def test_what_cannot_slide_is_refused(steps):
    with pytest.raises(ValueError, match="can slide|cannot slide"):
        fully_convolutional.fully_convolutional(Sequential(*steps).initialize((3, 8, 8)))


def test_sliding_is_classifying_every_window():
    """Without padding there is no border, and every window agrees to rounding."""
    network = Sequential(Convolution(4, 3), ReLU(), MaxPool(2), *parse("FC-6->RELU->FC", classes=3).steps)
    network.initialize((3, 16, 16), rng=1, dtype=np.float64)
    image = np.random.default_rng(0).random((3, 24, 30))
    found = fully_convolutional.fully_convolutional(network).forward(image[None])[0]
    step = fully_convolutional.window_step(network)
    assert step == 2 and found.shape == (3, 5, 8)
    for row in range(5):
        for column in range(8):
            window = image[:, step * row :, step * column :][:, :16, :16]
            np.testing.assert_allclose(found[:, row, column], network.forward(window[None])[0], rtol=1e-9)


def test_a_collage_lies_row_by_row():
    images, _ = images_of(3, count=7, size=4)
    image = fully_convolutional.collage(images, 3)
    assert image.shape == (8, 12, 3)
    np.testing.assert_array_equal(image[4:, 8:], images[5])


@pytest.mark.parametrize("path", ["1", "2", "4"])
def test_the_strongest_unit_depends_on_what_is_shown_of_the_image(path):
    """Changing every pixel outside of the frame leaves the unit as it is; changing those inside does not."""
    images, _ = images_of(3, count=4, size=16)
    network, X = small_network(), as_batch(images)
    values, rows, columns = learned_filters.strongest(network, X, path, batch=3)
    field = learned_filters.field_after(network, path)
    seen_pixels = learned_filters.seen_by(field, 0, 0, images[0]).shape[:2]
    assert seen_pixels == field.size
    for index, number in ((0, 0), (3, 2)):
        row, column = rows[index, number], columns[index, number]
        before = learned_filters.maps_of(network, X[index : index + 1])[0][path][0, number]
        assert before[row, column] == values[index, number] == before.max()
        inside = np.zeros((16, 16), bool)
        rows_seen, columns_seen = (
            slice(max(first + at * jump, 0), last + at * jump + 1)
            for first, last, at, jump in zip(field.first, field.last, (row, column), field.jump, strict=True)
        )
        inside[rows_seen, columns_seen] = True
        changed = X[index : index + 1] + np.where(inside, 0, 1.0)
        outside = learned_filters.maps_of(network, changed)[0][path][0, number, row, column]
        assert outside == pytest.approx(values[index, number], rel=1e-12)
        within = X[index : index + 1] + np.where(inside, 1.0, 0)
        assert learned_filters.maps_of(network, within)[0][path][0, number, row, column] != values[index, number]


def test_a_window_that_sticks_out_is_filled_up():
    network = small_network()
    field = learned_filters.field_after(network, "4")
    image = np.arange(16 * 16 * 3, dtype=np.uint8).reshape(16, 16, 3)
    patch = learned_filters.seen_by(field, 0, 0, image)
    out = -field.first[0]
    assert out > 0 and (patch[:out] == patch[0, 0, 0]).all()
    np.testing.assert_array_equal(patch[out:, out:], image[: len(patch) - out, : len(patch) - out])


def test_still_figures_are_labelled():
    y = np.array([0, 1, 2, 2])
    np.testing.assert_array_equal(learned_filters.per_class(np.array([0, 0, 2, 1]), y, 3), [1, 0, 0.5])
    rng = np.random.default_rng(0)
    for figure in (
        convolution_sizes.parameters_figure([8, 16]),
        learned_filters.filters_figure(rng.standard_normal((10, 3, 3, 3)), "filters"),
        learned_filters.filters_figure(rng.standard_normal((4, 1, 5, 5)), "filters"),
        learned_filters.per_class_figure({"one": y, "two": y, "three": y}, y, CLASS_NAMES, "classes"),
    ):
        assert_labelled(figure)


class Interrupt(Callback):
    """■ at the given update."""

    def __init__(self, step):
        self.step = step

    def on_step(self, trainer, progress):
        if trainer.step_count == self.step:
            raise KeyboardInterrupt


def test_the_training_of_the_lecture_is_stopped_and_goes_on_to_the_same_numbers(tmp_path, monkeypatch):
    """The notebook's own cells: once in one go; once stopped, run again; once stopped, and gone on from the file."""
    monkeypatch.chdir(tmp_path)
    source = {cell.id: cell.source for cell in nbformat.read(LECTURE, 4).cells}
    setup = source["setup"].replace("%matplotlib inline\n", "").replace('load("cifar10", subset', 'load("digits", 200')

    def begin(quality="quick"):
        cells = {"quality": quality}
        exec(setup, cells)
        cells["quality"] = quality
        exec(source["network-parse"], cells)
        exec(source["train-setup"], cells)
        cells["trainer"].callbacks = [one for one in cells["trainer"].callbacks if type(one).__name__ == "Checkpoint"]
        cells["trainer"].epochs = 3
        return cells

    def run(cells):
        printed = io.StringIO()
        with redirect_stdout(printed):
            exec(source["train-run"], cells)
        return printed.getvalue()

    straight = begin()
    run(straight)
    stopped = begin()
    stopped["trainer"].callbacks.append(Interrupt(6))
    assert "Stopped after 6 updates" in run(stopped) and Path(stopped["file"]).exists()
    run(stopped)
    assert stopped["trainer"].step_count == straight["trainer"].step_count == 12
    for name, array in straight["network"].parameters.items():
        np.testing.assert_array_equal(stopped["network"].parameters[name], array)

    cut = begin("thorough")
    cut["trainer"].callbacks.append(Interrupt(6))
    run(cut)
    again = begin("thorough")
    assert again["trainer"].step_count == 6
    run(again)
    finished = begin("thorough")
    finished["network"].parameters["0.w"][...] = 0
    assert "All 3 epochs are done" in run(finished)
    for name, array in again["network"].parameters.items():
        np.testing.assert_array_equal(finished["network"].parameters[name], array)
