"""The movable figures: controls redraw them, every position of every control works, and what they measure is right."""

import numpy as np
import pytest
from matplotlib.figure import Figure
from scipy.spatial.distance import cdist
from sklearn.neighbors import KNeighborsClassifier

from cs231n_kit import image_transforms as transforms
from cs231n_kit.explorations import (
    Exploration,
    capacity,
    choice,
    dimensions,
    distances,
    gpu_threads,
    hardware,
    hyperparameters,
    matrix_products,
    rules,
    semantic_gap,
)
from cs231n_kit.explorations import slider as make_slider
from cs231n_kit.neighbors import KNearestNeighbor
from cs231n_kit.plots import new_figure

PNG = b"\x89PNG\r\n\x1a\n"
CLASS_NAMES = ("cat", "dog", "ship")


def images_of(channels, count=60, size=32):
    rng = np.random.default_rng(channels)
    labels = np.arange(count) % 3
    images = rng.integers(0, 160, (count, size, size, channels), dtype=np.uint8)
    images[:, 8:24, 8:24] += (30 * labels[:, None, None, None]).astype(np.uint8)
    return images, labels


def neighbor_figure(channels=3):
    images, labels = images_of(channels)
    found = {
        metric: KNearestNeighbor(12, metric).fit(images[20:], labels[20:]).kneighbors(images[:20])[1]
        for metric in ("l1", "l2")
    }
    return distances.explore_neighbors(images[:20], labels[:20], images[20:], labels[20:], CLASS_NAMES, found)


def rule_figure(channels=3):
    images, labels = images_of(channels)
    return rules.explore_rule(images, labels == 0, "cat")


def choosing_figure():
    return hyperparameters.explore_choosing(np.random.default_rng(0).random((300, 20)) < 0.3, np.arange(1, 21))


def plane_points(count=24):
    return np.random.default_rng(6).uniform(-0.9, 0.9, (count, 2)), np.arange(count) % 3


EXPLORATIONS = {
    "pixels": lambda: semantic_gap.explore_pixels(semantic_gap.changed_cat()),
    "semantic gap": lambda: semantic_gap.explore_semantic_gap(transforms.other_photographs()),
    "class members": lambda: semantic_gap.explore_class_members(*images_of(3), CLASS_NAMES, 0),
    "class members, gray": lambda: semantic_gap.explore_class_members(*images_of(1, size=8), CLASS_NAMES, 0),
    "edges": lambda: rules.explore_edges(images_of(3)[0][:9], images_of(3)[0][9:20], "cat", "dog"),
    "edges, gray": lambda: rules.explore_edges(images_of(1)[0][:9], images_of(1)[0][9:20], "8", "3"),
    "rule": rule_figure,
    "rule, gray": lambda: rule_figure(1),
    "neighbours": neighbor_figure,
    "neighbours, gray": lambda: neighbor_figure(1),
    "rotation": lambda: distances.explore_rotation(*plane_points(), limit=1),
    "equal distances": lambda: distances.explore_equal_distances(images_of(3)[0][:4]),
    "equal distances, gray": lambda: distances.explore_equal_distances(images_of(1, size=8)[0][:4]),
    "choosing": choosing_figure,
    "dimensions": lambda: dimensions.explore_dimensions(0.3, 3072),
    "transfer": lambda: hardware.explore_transfer({"ReLU": 2e-3, "matrix product": 3e-2}, 16_000_000),
    "threads": gpu_threads.explore_threads,
    "image blocks": lambda: gpu_threads.explore_image_blocks(images_of(3)[0][0, :29]),
    "warp": gpu_threads.explore_warp,
    "tiles": gpu_threads.explore_tiles,
    "capacity": capacity.explore_capacity,
    "matrix product": matrix_products.explore_matrix_product,
    "network": matrix_products.explore_network,
}


def other_values(control):
    """The ends of a slider or range, or every option of a list."""
    if hasattr(control, "options"):
        return [option[1] if isinstance(option, tuple) else option for option in control.options]
    if isinstance(control.value, tuple):
        return [(control.min, control.max), (control.min, control.min)]
    return [control.min, control.max]


def assert_labelled(figure):
    """Whoever sees the figure alone must know what each axis with numbers, and each picture, shows."""
    assert isinstance(figure, Figure) and figure.axes
    for ax in figure.axes:
        words = (ax.get_title(), ax.get_title(loc="left"), ax.get_xlabel(), figure.get_suptitle())
        assert any(words) or not ax.axison or (ax.images and len(figure.axes) > 9), "an axes without any words"
        if ax.axison and len(ax.get_xticks()) and len(ax.get_yticks()) and not ax.images:
            assert ax.get_xlabel() or ax.get_title() or ax.get_title(loc="left")


@pytest.fixture(scope="module", params=EXPLORATIONS.values(), ids=EXPLORATIONS)
def exploration(request):
    return request.param()


def assert_every_control_works(exploration):
    """To its ends; each changes the picture, and the same values give the same picture."""
    start, before = exploration.values, bytes(exploration.picture.value)
    assert before.startswith(PNG)
    for name, control in exploration.controls.items():
        pictures = set()
        for value in other_values(control):
            exploration.set(**(start | {name: value}))
            assert "Not drawn" not in exploration.sentence.value, exploration.sentence.value
            pictures.add(bytes(exploration.picture.value))
        assert pictures - {before}, f"{name} changes nothing"
    exploration.set(**start)
    assert bytes(exploration.picture.value) == before, "the same values give the same picture"


def test_every_control_works_to_its_ends_and_changes_the_picture(exploration):
    assert_every_control_works(exploration)


def test_it_says_what_it_shows_and_offers_a_still_picture(exploration):
    assert_labelled(exploration.figure())
    assert exploration.description and exploration.description in exploration.sentence.value
    assert all(control.description for control in exploration.controls.values())
    bundle = exploration._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "image/png", "application/vnd.jupyter.widget-view+json"}


@pytest.fixture
def simple():
    def draw(size, kind):
        if size == 13:
            raise ValueError("13 is <unlucky>")
        figure, ax = new_figure(2, 1)
        ax.set_title(f"{size} {kind}")
        return figure, f"size {size}"

    controls = {"size": make_slider("Size", 0, 20, 3), "kind": choice("Kind", ["a", "b"])}
    return Exploration(draw, controls, description="A title")


def test_moving_a_control_redraws(simple):
    before = bytes(simple.picture.value)
    simple.controls["size"].value = 4
    assert bytes(simple.picture.value) != before
    assert "size 4" in simple.sentence.value


def test_reset_button_puts_everything_back(simple):
    simple.set(size=9, kind="b")
    simple.children[0].children[-1].click()
    assert simple.values == {"size": 3, "kind": "a"}
    assert "size 3" in simple.sentence.value


def test_an_error_is_shown_and_the_controls_go_on(simple):
    before = bytes(simple.picture.value)
    simple.controls["size"].value = 13
    assert "Not drawn" in simple.sentence.value and "13 is &lt;unlucky&gt;" in simple.sentence.value
    assert bytes(simple.picture.value) == before
    simple.controls["size"].value = 14
    assert "size 14" in simple.sentence.value and "Not drawn" not in simple.sentence.value


def test_wrong_names_are_refused(simple):
    with pytest.raises(ValueError, match="no control colour; there are size, kind"):
        simple.set(colour=1)
    with pytest.raises(TypeError, match="draw does not take colour"):
        Exploration(lambda size: None, {"colour": make_slider("Colour", 0, 1, 0)})


def test_still_figures_are_labelled():
    others = transforms.other_photographs()
    figure, _ = dimensions.growth_figure([1, 2, 3], [5, 30, 200])
    for drawn in (
        figure,
        semantic_gap.semantic_gap_figure(others),
        hyperparameters.four_ideas(),
        hyperparameters.accuracy_curves([1, 2], {"new": [0.2, 0.3]}),
        dimensions.grid_of_points(),
        distances.prediction_cost([1, 2], [100, 200], {1000: "more"}),
    ):
        assert_labelled(drawn)


def test_unchanged_scene_is_at_distance_zero_and_each_change_is_not():
    original = transforms.resize(semantic_gap.changed_cat(), 32)
    for name, scenes in semantic_gap.VARIATIONS.items():
        found = [
            transforms.l2_distance(transforms.resize(semantic_gap.changed_cat(**scene), 32), original)
            for scene in scenes
        ]
        assert min(found) > 100, name
        if name != "background":
            assert found == sorted(found), f"{name} should take the cat farther away step by step"


def test_nearest_of_other_classes_against_brute_force():
    images, labels = images_of(3)
    found = semantic_gap.nearest_of_other_classes(images, labels, CLASS_NAMES, own_class=0, count=2)
    target = transforms.resize(semantic_gap.changed_cat(), 32).reshape(1, -1).astype(float)
    by_distance = cdist(target, images.reshape(len(images), -1).astype(float))[0].argsort()
    first = next(index for index in by_distance if labels[index] != 0)
    assert next(iter(found)) == CLASS_NAMES[labels[first]] and set(found) == {"dog", "ship"}
    np.testing.assert_array_equal(next(iter(found.values())), images[first])


def test_shared_edges_of_all_pairs_is_their_mean():
    images = images_of(3)[0][:5]
    maps = [rules.edges(image) for image in images]
    pairs = [rules.shared_edges(maps[i], maps[j]) for i in range(5) for j in range(5) if i != j]
    assert rules.mean_shared_edges(images, images) == pytest.approx(np.mean(pairs))
    assert rules.shared_edges(maps[0], maps[0]) == 1
    assert rules.shared_edges(np.zeros((2, 2), bool), np.zeros((2, 2), bool)) == 0


def test_best_rule_finds_a_box_where_there_is_one():
    images = np.zeros((80, 16, 16, 3), np.uint8)
    is_member = np.arange(80) % 2 == 0
    images[is_member, :, :, 0] = 200  # members are red
    found = rules.best_rule(images, is_member, tried=500)
    assert found.seen == found.unseen == 1.0 and found.tried == 500


def test_turning_the_axes_changes_l1_and_not_l2():
    X, y = plane_points()
    assert distances.share_changed(X, y, "l2", 37, limit=1) == 0
    assert distances.share_changed(X, y, "l1", 45, limit=1) > 0.03
    assert distances.share_changed(X, y, "l1", 90, limit=1) == pytest.approx(0, abs=1e-3)


def test_rotation_is_counter_clockwise_and_keeps_lengths():
    np.testing.assert_allclose(distances.rotate(np.array([[1.0, 0.0]]), 90), [[0, 1]], atol=1e-12)


def test_island_and_ties_against_known_areas():
    X, y = np.array([[-0.5, 0.0], [0.5, 0.0]]), np.array([0, 1])
    nearest = KNearestNeighbor(k=1).fit(X, y)
    assert distances.island_share(nearest, X[1], 1, limit=1) == pytest.approx(0.5, abs=0.01)
    assert distances.island_share(nearest, X[0], 1, limit=1) == 0
    assert distances.tied_share(nearest, limit=1) == 0
    assert distances.tied_share(KNearestNeighbor(k=2).fit(X, y), limit=1) == 1


def test_copies_agree_in_distance_to_the_last_digits():
    image = images_of(3)[0][0]
    reach = distances.largest_common_distance(image)
    copies = distances.copies_at_distance(image, 0.7 * reach)
    flat = np.stack([copy.ravel() for copy in copies.values()])
    np.testing.assert_allclose(cdist(flat, image.reshape(1, -1).astype(float)), 0.7 * reach, rtol=1e-10)
    assert cdist(flat, flat).max() > 0.5 * reach, "the copies are not one and the same"


def test_correct_by_k_against_scikit_learn():
    rng = np.random.default_rng(0)
    X, y, queries, truth = rng.random((90, 5)), rng.integers(0, 4, 90), rng.random((40, 5)), rng.integers(0, 4, 40)
    ks = [1, 2, 3, 6, 11]
    indices = cdist(queries, X).argsort(axis=1)[:, : max(ks)]
    correct = hyperparameters.correct_by_k(y[indices], truth, ks)
    for column, k in enumerate(ks):
        expected = KNeighborsClassifier(k).fit(X, y).predict(queries) == truth
        np.testing.assert_array_equal(correct[:, column], expected)


def test_choosing_on_the_reported_images_overstates_and_on_fresh_ones_does_not():
    # All values of k are equally good, so whatever idea 2 gains is luck.
    correct = np.random.default_rng(1).random((1000, 30)) < 0.3
    same, fresh = hyperparameters.optimism(correct, 100).mean(axis=0)
    assert same > 5 and abs(fresh) < 0.5
    assert hyperparameters.optimism(correct, 25).mean(axis=0)[0] > same
    with pytest.raises(ValueError, match="between 1 and 500.*it is 501"):
        hyperparameters.optimism(correct, 501)


def test_nearest_distance_on_a_line_is_known():
    # A place in [0, 1] and n random points: the mean distance to the nearest is about 1 / (2 n).
    assert dimensions.nearest_distance(2000, 1, queries=4000) == pytest.approx(1 / 4000, rel=0.1)


def test_points_needed_reach_the_distance_and_no_fewer_do():
    needed = dimensions.points_needed(3, distance=0.1)
    assert dimensions.nearest_distance(round(2 * needed), 3) < 0.1 < dimensions.nearest_distance(round(needed / 2), 3)
    with pytest.raises(ValueError, match="64 points are not enough"):
        dimensions.points_needed(5, distance=0.1, most=64)


def test_growth_is_read_off_the_line():
    _, factor = dimensions.growth_figure([1, 2, 3, 4], [5, 50, 500, 5000])
    assert factor == pytest.approx(10)


def test_contrast_vanishes_with_dimension():
    low, high = (dimensions.contrast(dimensions.distances_to_random_points(d)) for d in (2, 3072))
    assert low < 0.1 < 0.9 < high < 1
    np.testing.assert_allclose(dimensions.contrast(np.array([[1.0, 4.0], [2.0, 2.0]])), [0.25, 1])
