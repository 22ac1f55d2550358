"""Image transforms: neutral settings change nothing, and each strength does what it says."""

import numpy as np
import pytest
from scipy.spatial.distance import euclidean

from cs231n_kit import image_transforms as transforms


@pytest.fixture
def image():
    return np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8)


NEUTRAL = {
    "viewpoint": lambda image: transforms.change_viewpoint(image),
    "light": lambda image: transforms.illuminate(image),
    "deform": lambda image: transforms.deform(image),
    "occlude": lambda image: transforms.occlude(image),
    "clutter": lambda image: transforms.clutter(image, np.zeros(image.shape[:2])),
    "resize": lambda image: transforms.resize(image, 40),
}
CHANGED = {
    "turn": lambda image: transforms.change_viewpoint(image, turn=25),
    "zoom": lambda image: transforms.change_viewpoint(image, zoom=1.5),
    "light": lambda image: transforms.illuminate(image, 0.5),
    "lamp": lambda image: transforms.illuminate(image, 1.0, 0.5),
    "deform": lambda image: transforms.deform(image, 0.1),
    "occlude": lambda image: transforms.occlude(image, 0.5),
    "clutter": lambda image: transforms.clutter(image, np.zeros(image.shape[:2]), amount=1.0),
}


@pytest.mark.parametrize("change", NEUTRAL.values(), ids=NEUTRAL)
def test_neutral_settings_return_an_equal_copy(change, image):
    result = change(image)
    np.testing.assert_array_equal(result, image)
    assert result is not image


@pytest.mark.parametrize("change", CHANGED.values(), ids=CHANGED)
def test_changes_keep_shape_type_and_input(change, image):
    before = image.copy()
    result = change(image)
    assert result.shape == image.shape and result.dtype == np.uint8
    assert np.mean(result != image) > 0.3
    np.testing.assert_array_equal(image, before)


def test_roll_by_a_right_angle_is_a_quarter_turn(image):
    np.testing.assert_array_equal(transforms.change_viewpoint(image, roll=90), np.rot90(image))


def test_zoom_enlarges_about_the_centre():
    image = np.zeros((41, 41, 3), np.uint8)
    image[18:23, 18:23] = 200  # 5 pixels wide, becomes about 10
    zoomed = transforms.change_viewpoint(image, zoom=2)
    assert zoomed[20, 20, 0] == 200
    assert 9 <= np.count_nonzero(zoomed[20, :, 0] > 100) <= 11
    np.testing.assert_array_equal(zoomed, zoomed[::-1, ::-1])


def test_turning_left_mirrors_turning_right(image):
    right = transforms.change_viewpoint(image, turn=30)
    left = transforms.change_viewpoint(image[:, ::-1], turn=-30)[:, ::-1]
    assert np.abs(right.astype(int) - left).max() <= 1


def test_light_multiplies_and_saturates():
    image = np.array([[[10, 100, 200]]], np.uint8)
    np.testing.assert_array_equal(transforms.illuminate(image, 0.5), [[[5, 50, 100]]])
    np.testing.assert_array_equal(transforms.illuminate(image, 2.0), [[[20, 200, 255]]])


def test_lamp_at_the_right_brightens_the_right():
    lit = transforms.illuminate(np.full((4, 9, 3), 100, np.uint8), 1.0, 0.5)
    assert lit[0, :, 0].tolist() == sorted(lit[0, :, 0].tolist())
    assert lit[0, 0, 0] == 50 and lit[0, 4, 0] == 100 and lit[0, -1, 0] == 150


def test_deformation_moves_no_pixel_farther_than_asked():
    ramp = np.broadcast_to(np.arange(100, dtype=np.uint8)[None, :, None], (100, 100, 3))
    moved = transforms.deform(ramp, 0.1).astype(int) - ramp
    assert 5 <= np.abs(moved).max() <= 10


def test_occlusion_hides_just_its_share(image):
    hidden = transforms.occlude(image, 0.25)
    np.testing.assert_array_equal(hidden[:30], image[:30])
    assert np.mean(hidden[30:] != image[30:]) > 0.9


def test_clutter_leaves_the_object_alone(image):
    mask = np.zeros((40, 40))
    mask[:, :20] = 1
    result = transforms.clutter(image, mask, "bricks", amount=1.0)
    np.testing.assert_array_equal(result[:, :20], image[:, :20])
    assert np.mean(result[:, 20:] != image[:, 20:]) > 0.9


def test_unknown_surface_is_named_with_the_known_ones(image):
    with pytest.raises(ValueError, match="'sand'.*bricks, gravel, grass"):
        transforms.occlude(image, 0.5, "sand")


def test_cat_is_a_photograph_with_an_outline():
    image, mask = transforms.cat(60)
    assert image.shape == (60, 90, 3) and image.dtype == np.uint8
    assert mask.shape == (60, 90) and 0.5 < mask.mean() < 0.9
    assert transforms.frame(image).shape == (60, 60, 3)
    image[:] = 0
    assert transforms.cat(60)[0].any(), "callers must not be able to spoil the stored photograph"


def test_other_photographs_need_no_download():
    photographs = transforms.other_photographs(16)
    assert len(photographs) >= 3
    assert all(image.shape == (16, 16, 3) and image.std() > 10 for image in photographs.values())


def test_l2_distance_against_scipy(image):
    other = image[::-1]
    expected = euclidean(image.ravel().astype(float), other.ravel().astype(float))
    assert transforms.l2_distance(image, other) == pytest.approx(expected)
    with pytest.raises(ValueError, match=r"\(40, 40, 3\).*\(20, 40, 3\)"):
        transforms.l2_distance(image, image[:20])


def test_shift_by_whole_pixels_repeats_the_border(image):
    moved = transforms.shifted(image, 3 / 40)
    np.testing.assert_allclose(moved[:, 3:], image[:, :-3], atol=1e-9)
    np.testing.assert_allclose(moved[:, :3], np.repeat(image[:, :1], 3, axis=1), atol=1e-9)


@pytest.mark.parametrize("channels", [1, 3])
def test_tint_goes_from_the_image_to_one_colour(channels, image):
    image = image[..., :channels]
    np.testing.assert_array_equal(transforms.tinted(image, 0), image)
    full = transforms.tinted(image, 1)
    assert full.shape == image.shape and np.ptp(full, axis=(0, 1)).max() == 0


def test_box_covers_its_share(image):
    np.testing.assert_array_equal(transforms.boxed(image, 0), image)
    covered = transforms.boxed(image, 0.5)
    assert not covered[10:30, 10:30].any()
    np.testing.assert_array_equal(covered[:10], image[:10])


@pytest.mark.parametrize("change", [transforms.shifted, transforms.tinted, transforms.boxed])
def test_copies_land_on_the_asked_distance(change, image):
    copy = change(image, 0.3)
    distance = euclidean(copy.ravel(), image.ravel().astype(float)) * 0.9
    found = transforms.at_distance(change, image, distance)
    assert euclidean(found.ravel(), image.ravel().astype(float)) == pytest.approx(distance, rel=1e-10)


def test_distance_out_of_reach_says_how_far_it_goes(image):
    with pytest.raises(ValueError, match="boxed reaches an L2 distance of"):
        transforms.at_distance(transforms.boxed, image, 1e6)
