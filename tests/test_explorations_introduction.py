"""Lecture 01's figures: every control works, and what they say is true."""

import numpy as np
import pytest
from scipy import ndimage
from test_explorations import assert_every_control_works, assert_labelled

from cs231n_kit import image_transforms as transforms
from cs231n_kit.explorations import compute_and_data, early_vision, history, recognition_tasks

CAT = transforms.frame(transforms.cat(80)[0])
EXPLORATIONS = {
    "timeline": history.explore_timeline,
    "training time": lambda: compute_and_data.explore_training_time(1e11),
    "camera obscura": lambda: early_vision.explore_camera_obscura(CAT),
    "simple cell": early_vision.explore_simple_cell,
    "blocks": early_vision.explore_blocks_world,
    "segmentation": early_vision.explore_segmentation,
    "sift": lambda: early_vision.explore_sift(transforms.cat(100)[0]),
    "detection": recognition_tasks.explore_detection,
    "coins": recognition_tasks.explore_segmentation_kinds,
    "depth": recognition_tasks.explore_depth,
    "captions": recognition_tasks.explore_captions,
}


@pytest.fixture(scope="module", params=EXPLORATIONS.values(), ids=EXPLORATIONS)
def exploration(request):
    return request.param()


def test_every_control_works_to_its_ends_and_changes_the_picture(exploration):
    assert_every_control_works(exploration)


def test_it_says_what_it_shows(exploration):
    assert_labelled(exploration.figure())
    assert exploration.description and exploration.description in exploration.sentence.value.replace("&#x27;", "'")
    assert all(control.description for control in exploration.controls.values())


def test_still_figures_are_labelled():
    for figure in history.challenge_figure(), compute_and_data.growth_figure():
        assert_labelled(figure)


def test_milestones_are_in_order_and_of_known_themes():
    years = [milestone.year for milestone in history.MILESTONES]
    assert years == sorted(years)
    assert {milestone.theme for milestone in history.MILESTONES} == set(history.THEMES)
    assert history.seconds_before_midnight(540_000_000 / 24) == pytest.approx(3600, rel=1e-4)


def test_networks_have_the_published_numbers_of_parameters():
    trainings = compute_and_data.trainings()
    lenet, alexnet = (training.summary for training in trainings.values())
    assert lenet.parameters == 61_706
    assert alexnet.parameters == 62_378_344
    assert alexnet.rows[-1].output_shape == (1000,)
    assert alexnet.multiply_adds == pytest.approx(1.135e9, rel=1e-3)


@pytest.mark.parametrize(
    "seconds, words",
    [(3e10, "951 years"), (864_000, "10 days"), (7200, "2 hours"), (300, "5 minutes"), (61, "61.0 seconds")],
)
def test_durations_in_words(seconds, words):
    assert compute_and_data.in_words(seconds) == words


def test_a_hole_turns_the_image_round_and_keeps_its_light():
    image = np.zeros((60, 60, 3), np.uint8)
    image[10:20, 5:15] = 200
    seen, photons = early_vision.camera_obscura(image, 1, exposure=1e6)
    assert photons == pytest.approx(3e6 * np.pi / 4)
    np.testing.assert_allclose(seen, image[::-1, ::-1], atol=2)
    wide, more = early_vision.camera_obscura(image, 7, exposure=1e6)
    assert more == pytest.approx(49 * photons)
    assert wide.sum() == pytest.approx(image.sum(), rel=0.02) and wide.max() <= 201
    assert np.count_nonzero(wide > 20) > 1.3 * np.count_nonzero(image)


def test_little_light_is_noisy():
    image = np.full((80, 80, 3), 128, np.uint8)
    spread = [early_vision.camera_obscura(image, diameter)[0].std() for diameter in (2, 4, 8)]
    # Poisson: the noise falls as one over the root of the light, which grows with the square of the diameter.
    assert spread[0] / spread[1] == pytest.approx(2, rel=0.1) and spread[1] / spread[2] == pytest.approx(2, rel=0.1)


@pytest.mark.parametrize("preferred", [0, 45, 90, 160])
def test_a_simple_cell_likes_its_direction_best_and_no_even_light(preferred):
    weights = early_vision.receptive_field(preferred)
    answers = [early_vision.response(early_vision.bar_of_light(angle), weights) for angle in range(0, 180, 5)]
    assert 5 * int(np.argmax(answers)) == preferred
    assert early_vision.response(np.ones_like(weights), weights) == pytest.approx(0, abs=1e-9)
    beside = early_vision.bar_of_light(preferred, offset=7)
    assert early_vision.response(beside, weights) == 0


def test_lines_explain_blocks_better_than_a_cat():
    blocks, cat = early_vision.blocks(), transforms.frame(transforms.cat(early_vision.SIZE)[0])
    shares = [early_vision.explained_edges(image, early_vision.straight_lines(image, 30)) for image in (blocks, cat)]
    assert shares[0] > 0.75 and shares[1] < 0.4
    assert early_vision.explained_edges(blocks, []) == 0


def test_best_union_takes_pieces_that_are_mostly_inside():
    pieces = np.array([[0, 0, 1, 1], [0, 0, 2, 2]])
    mask = np.array([[True, True, True, False], [True, False, False, False]])
    joined, overlap = early_vision.best_union(pieces, mask)
    np.testing.assert_array_equal(joined, pieces == 0)
    assert overlap == pytest.approx(3 / 5)


def test_turned_points_are_where_the_transform_says():
    image = np.zeros((101, 141, 3), np.uint8)
    image[28:33, 88:93] = 255  # centre (x, y) = (90, 30)
    copy, there = early_vision.turned(image, angle=40, zoom=1.2, brightness=1.0)
    y, x = ndimage.center_of_mass(copy[..., 0].astype(float))
    np.testing.assert_allclose(there((90, 30))[0], (x, y), atol=0.1)


def test_the_detector_finds_the_upright_face_only():
    x, y, width = (recognition_tasks.SIZE * share for share in recognition_tasks.FACE)
    (face,) = recognition_tasks.find_faces(recognition_tasks.astronaut())
    assert np.hypot(face.centre[0] - x, face.centre[1] - y) < width / 3 and width / 1.6 < face.size < width * 1.6
    exploration = recognition_tasks.explore_detection()
    for angle, found in (10, True), (-10, True), (20, False), (-30, False):
        exploration.set(angle=angle)
        assert ("The face was found" in exploration.sentence.value) == found, angle


def test_windows_are_counted():
    # One size of 4 pixels, steps of 1, in 10 x 12 pixels: 7 x 9 places.
    assert recognition_tasks.count_windows((10, 12), smallest=4, largest=4.1, factor=1.15, steps=4) == 63


def test_pixels_and_instances():
    image = np.zeros((60, 60, 3), np.uint8)
    image[5:20, 5:20] = image[5:20, 35:50] = image[40:55, 20:35] = 200
    image[58:60, 58:60] = 200  # too small
    bright, instances = recognition_tasks.label_pixels(image, 100)
    assert instances.max() == 3 and len({instances[12, 12], instances[12, 42], instances[47, 27]}) == 3
    assert bright[12, 12] and not bright[30, 55] and instances[59, 59] == 0
    assert recognition_tasks.label_pixels(image, 250)[1].max() == 0


def test_blocks_match_at_the_true_disparity():
    rng = np.random.default_rng(0)
    right = rng.integers(0, 255, (40, 60, 3), dtype=np.uint8)
    left = np.roll(right, 5, axis=1)
    assert np.mean(recognition_tasks.match_blocks(left, right, 5)[:, 15:] == 5) == 1


def test_true_disparity_of_the_motorcycle_brings_the_views_together():
    left, right, truth = recognition_tasks.stereo_pair()
    rows, columns = np.nonzero(np.isfinite(truth))
    there = np.rint(columns - truth[rows, columns]).astype(int)
    inside = there >= 0
    rows, columns, there = rows[inside], columns[inside], there[inside]
    moved = np.abs(left[rows, columns].astype(int) - right[rows, there]).mean()
    assert moved < 0.6 * np.abs(left[rows, columns].astype(int) - right[rows, columns]).mean()


def test_captions_say_where():
    image = np.full((90, 90, 3), 200, np.uint8)
    box = recognition_tasks.Box
    assert recognition_tasks.caption(image, []) == "A bright picture without a face."
    assert (
        recognition_tasks.caption(image // 4, [box(0, 60, 20)])
        == "A dark picture of a small face on the left, low down."
    )
    two = recognition_tasks.caption(image, [box(50, 0, 40), box(0, 0, 40)])
    assert two == "A bright picture of 2 faces, the first a large face on the right, high up."


def test_quiz_counts_and_ends():
    images, labels = np.zeros((3, 8, 8, 1), np.uint8), np.array([1, 0, 1])
    quiz = recognition_tasks.Quiz(images, labels, ("zero", "<one>"))
    first = bytes(quiz.picture.value)
    quiz.buttons[1].click()
    assert "Right. <b>1 of 1</b>" in quiz.sentence.value and bytes(quiz.picture.value) != first
    quiz.buttons[1].click()
    assert "No, it is labelled <b>zero</b>. <b>1 of 2</b>" in quiz.sentence.value
    quiz.buttons[0].click()
    assert "&lt;one&gt;" in quiz.sentence.value and "<b>33%</b> right" in quiz.sentence.value
    assert all(button.disabled for button in quiz.buttons)
    quiz.answer(0)
    assert quiz.answers == [1, 1, 0]
    assert "image/png" in quiz._repr_mimebundle_()


def test_quiz_refuses_labels_that_do_not_fit():
    with pytest.raises(ValueError, match="as many labels as images, at least one, not 2 and 3"):
        recognition_tasks.Quiz(np.zeros((3, 8, 8, 1), np.uint8), np.zeros(2, int), ("a",))
