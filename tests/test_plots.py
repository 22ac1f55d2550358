"""Figures of the lectures: what is drawn is what was given, and everything is labelled."""

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from cs231n_kit import plots
from cs231n_kit.neighbors import KNearestNeighbor


def texts(ax):
    return [text.get_text() for text in ax.texts]


def test_figures_belong_to_no_window_manager():
    import matplotlib.pyplot as plt

    plots.labelled_bars([1, 2], ["a", "b"])
    assert plt.get_fignums() == []


def test_image_grid_shows_each_image_once_and_names_the_rows():
    rng = np.random.default_rng(0)
    rows = [rng.integers(0, 256, (n, 8, 8, 3), dtype=np.uint8) for n in (3, 1, 5)]
    figure = plots.image_grid(rows, ["cat", "dog", "ship"], columns=3)
    drawn = [ax.images[0].get_array() for ax in figure.axes if ax.images]
    expected = [*rows[0], *rows[1], *rows[2][:3]]
    assert len(drawn) == len(expected)
    for image, original in zip(drawn, expected, strict=True):
        np.testing.assert_array_equal(image, original)
    assert [text for ax in figure.axes for text in texts(ax)] == ["cat", "dog", "ship"]


def test_gray_images_are_drawn_gray():
    _, ax = plots.new_figure(2, 2)
    plots.show_image(ax, np.full((4, 4, 1), 7, np.uint8), "seven", caption="below")
    assert ax.images[0].get_array().shape == (4, 4)
    assert ax.get_title() == "seven" and ax.get_xlabel() == "below"


def test_numbers_stand_in_their_cells_and_can_be_read():
    values = np.array([[0, 255], [128, 12]])
    _, ax = plots.new_figure(2, 2)
    plots.write_numbers(ax, values)
    cells = {text.get_position(): (text.get_text(), text.get_color()) for text in ax.texts}
    assert cells[0, 0] == ("0", "white")
    assert cells[1, 0] == ("255", "black")
    assert cells[0, 1][0] == "128" and cells[1, 1][0] == "12"


def test_difference_adds_up():
    a, b = np.array([[1, 250], [30, 4]], np.uint8), np.array([[4, 0], [30, 0]], np.uint8)
    figure = plots.difference_in_numbers(a, b)
    assert texts(figure.axes[2])[:4] == ["3", "250", "0", "4"]
    label = figure.axes[2].get_xlabel()
    assert "L1: their sum = 257" in label
    assert "√62,525 = 250.0" in label


def test_tied_places_are_white_and_others_show_their_winner():
    scores = np.array([[[0.6, 0.4, 0.0], [0.5, 0.5, 0.0]], [[0.2, 0.2, 0.6], [0.0, 0.5, 0.5]]])
    image = plots.region_image(scores)
    assert image[0, 1].tolist() == image[1, 1].tolist() == [1, 1, 1]
    for place, winner in (((0, 0), 0), ((1, 0), 2)):
        # A paler shade lies on the way from the colour to white.
        shade, color = 1 - image[place], 1 - np.array(to_rgb(plots.COLORS[winner]))
        np.testing.assert_allclose(shade / np.linalg.norm(shade), color / np.linalg.norm(color))


def test_decision_regions_draw_every_classifier_with_its_points():
    X, y = np.array([[-0.5, 0.0], [0.5, 0.0], [0.4, 0.1]]), np.array([0, 1, 1])
    classifiers = {f"k = {k}": KNearestNeighbor(k=k).fit(X, y) for k in (1, 2)}
    figure = plots.decision_regions(classifiers, X, y, limit=1, mark=X[0])
    assert [ax.get_title() for ax in figure.axes] == ["k = 1", "k = 2"]
    for ax in figure.axes:
        np.testing.assert_array_equal(ax.collections[0].get_offsets(), X)
        assert ax.lines[0].get_xydata().tolist() == [[-0.5, 0.0]]
    left_bottom, right_top = (figure.axes[0].images[0].get_array()[i, i] for i in (0, -1))
    assert np.argmax(left_bottom) == 2 and np.argmax(right_top) == 0, "blue at the left, orange at the right"


def test_grid_runs_from_bottom_left_to_top_right():
    grid = plots.plane_grid(2.0, 3)
    assert grid[0].tolist() == [-2, -2] and grid[1].tolist() == [0, -2] and grid[-1].tolist() == [2, 2]


@pytest.mark.parametrize("log", [False, True])
def test_bars_carry_their_values(log):
    figure = plots.labelled_bars([10, 2000], ["small", "large"], title="sizes", unit="items", log=log)
    ax = figure.axes[0]
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["small", "large"]
    assert texts(ax) == ["10", "2,000"]
    assert ax.get_xlabel() == "items" and ax.get_title(loc="left") == "sizes"
    assert ax.yaxis_inverted(), "the first bar is on top"
