"""Histograms of hues and of oriented gradients, against scikit-image and exact fractions."""

from fractions import Fraction

import numpy as np
import pytest
from skimage.color import rgb2hsv
from skimage.feature import hog

from cs231n_kit.image_features import color_histograms_hsv, hog_features

RNG = np.random.default_rng(0)
PHOTOGRAPHS = RNG.integers(0, 256, size=(5, 24, 16, 3), dtype=np.uint8)
LUMINANCE = np.array([0.299, 0.587, 0.114])


def exact_range(pixel, nbin):
    """The range of a pixel's hue, in whole numbers."""
    r, g, b = (int(v) for v in pixel)
    low, high = min(r, g, b), max(r, g, b)
    if low == high:
        return 0
    if high == r:
        sixth = Fraction(g - b, high - low) % 6
    else:
        sixth = 2 + Fraction(b - r, high - low) if high == g else 4 + Fraction(r - g, high - low)
    return int(sixth / 6 * nbin)


@pytest.mark.parametrize("nbin", [1, 6, 10, 24])
def test_hues_are_counted_exactly_also_on_the_bounds_of_ranges(nbin):
    """With few intensities most hues lie on a bound, where floating point would decide by a rounding error."""
    for images in (PHOTOGRAPHS, RNG.integers(0, 8, size=(6, 9, 7, 3), dtype=np.uint8)):
        expected = [np.bincount([exact_range(p, nbin) for p in im.reshape(-1, 3)], minlength=nbin) for im in images]
        np.testing.assert_allclose(color_histograms_hsv(images, nbin), np.array(expected) / images[0, :, :, 0].size)


def test_hues_agree_with_scikit_image():
    images = RNG.uniform(0, 255, size=(4, 30, 20, 3))  # no hue lies on a bound
    expected = [np.histogram(rgb2hsv(im / 255)[..., 0], 10, (0, 1))[0] / 600 for im in images]
    np.testing.assert_allclose(color_histograms_hsv(images), expected, rtol=1e-6)


@pytest.mark.parametrize("nbin, cell", [(9, 8), (9, 4), (5, 2), (1, 1)])
def test_gradients_agree_with_scikit_image(nbin, cell):
    features = hog_features(PHOTOGRAPHS, nbin, cell)
    for image, actual in zip(PHOTOGRAPHS, features, strict=True):
        blocks = (image.shape[0] // cell, image.shape[1] // cell)
        expected = hog(image @ LUMINANCE, nbin, (cell, cell), blocks, "L2")
        np.testing.assert_allclose(actual, expected, atol=2e-6)


def test_grey_images_are_taken_as_they_are():
    grey = PHOTOGRAPHS[..., :1]
    expected = [hog(im[:, :, 0].astype(float), 9, (8, 8), (3, 2), "L2") for im in grey]
    np.testing.assert_allclose(hog_features(grey), expected, atol=2e-6)


def test_many_images_are_the_same_as_one_at_a_time():
    images = RNG.integers(0, 256, size=(230, 8, 8, 3), dtype=np.uint8)
    for function in (color_histograms_hsv, hog_features):
        together = function(images)
        assert together.dtype == np.float32 and len(together) == 230
        for i in (0, 99, 100, 229):
            np.testing.assert_array_equal(together[i], function(images[i : i + 1])[0])


def test_a_flat_image_has_no_gradients_and_one_hue():
    flat = np.full((1, 8, 8, 3), 90, np.uint8)
    assert not hog_features(flat).any()
    np.testing.assert_array_equal(color_histograms_hsv(flat, 4), [[1, 0, 0, 0]])


def test_contrast_changes_no_feature_and_mirrors_change_places():
    darker = PHOTOGRAPHS.astype(np.float32) / 2 + 20
    np.testing.assert_allclose(hog_features(darker), hog_features(PHOTOGRAPHS.astype(np.float32)), atol=1e-5)
    np.testing.assert_array_equal(color_histograms_hsv(PHOTOGRAPHS), color_histograms_hsv(PHOTOGRAPHS[:, ::-1, ::-1]))


@pytest.mark.parametrize(
    "function, images, options, words",
    [
        (hog_features, PHOTOGRAPHS[0], {}, r"shape \(N, H, W, 1 or 3\).*a single image is image\[np.newaxis\]"),
        (color_histograms_hsv, PHOTOGRAPHS[..., :1], {}, r"shape \(N, H, W, 3\)"),
        (hog_features, PHOTOGRAPHS[:0], {}, "nothing empty"),
        (hog_features, PHOTOGRAPHS, {"cell": 7}, "24 x 16 pixels do not divide into cells of 7 x 7"),
        (hog_features, PHOTOGRAPHS, {"nbin": 0}, "nbin must be a positive integer"),
        (color_histograms_hsv, PHOTOGRAPHS, {"nbin": 2.5}, "nbin must be a positive integer"),
        (hog_features, PHOTOGRAPHS, {"cell": True}, "cell must be a positive integer"),
    ],
)
def test_bad_input_is_named(function, images, options, words):
    with pytest.raises(ValueError, match=words):
        function(images, **options)
    with pytest.raises(TypeError, match="images must hold numbers"):
        function(np.array([["a"]]))
