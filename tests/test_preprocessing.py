import numpy as np
import pytest
from layer_checks import awkward
from sklearn import decomposition
from sklearn.preprocessing import StandardScaler

from cs231n_kit.datasets import load
from cs231n_kit.preprocessing import (
    PCA,
    ChannelMean,
    MeanImage,
    Standardize,
    Whitening,
    color_jitter,
    random_crop,
    random_flip,
)

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (30, 6, 5, 3), dtype=np.uint8)
OTHERS = RNG.integers(0, 256, (4, 6, 5, 3), dtype=np.uint8)
POINTS = RNG.normal(size=(80, 6)) @ RNG.normal(size=(6, 6)) + 10
OTHER_POINTS = RNG.normal(size=(9, 6))
TRANSFORMS = [MeanImage, ChannelMean, Standardize, lambda: PCA(3), Whitening, lambda: Whitening("zca")]
each_transform = pytest.mark.parametrize(
    "make", TRANSFORMS, ids=["MeanImage", "ChannelMean", "Standardize", "PCA", "Whitening", "ZCA"]
)


@each_transform
def test_types_and_untouched_inputs(make):
    frozen = IMAGES.copy()
    frozen.flags.writeable = False
    transform = make()
    assert transform.fit(frozen) is transform
    exact = transform.transform(OTHERS.astype(np.float64))
    assert exact.dtype == np.float64
    for dtype in (np.uint8, np.float32):
        result = transform.transform(OTHERS.astype(dtype))
        assert result.dtype == np.float32
        np.testing.assert_allclose(result, exact, rtol=0, atol=2e-4 * np.abs(exact).max())
    assert transform.transform(np.asfortranarray(OTHERS)).shape == exact.shape


@each_transform
def test_statistics_come_from_the_training_data_alone(make):
    transform = make().fit(IMAGES)
    whole = transform.transform(OTHERS)
    np.testing.assert_allclose(transform.transform(OTHERS[:1]), whole[:1], rtol=1e-5, atol=1e-4)


@each_transform
def test_order_of_calls_and_shapes(make):
    transform = make()
    with pytest.raises(RuntimeError, match=r"knows no training data yet: call fit\(X_train\) first"):
        transform.transform(IMAGES)
    transform.fit(IMAGES)
    with pytest.raises(ValueError, match=r"samples of shape \(6, 5, 3\) .* not \(5, 6, 3\)"):
        transform.transform(IMAGES.transpose(0, 2, 1, 3))
    with pytest.raises(ValueError, match=r"not \(5, 3\); a single sample is X\[None\]"):
        transform.transform(IMAGES[0])
    for bad in (IMAGES[:0], np.ones(3)):
        with pytest.raises(ValueError, match="X must have the shape .* nothing empty"):
            make().fit(bad)
    with pytest.raises(TypeError, match="X must hold real numbers, not <U1"):
        make().fit([["a"]])


def test_means():
    mean = sum(image.astype(float) for image in IMAGES) / 30
    np.testing.assert_allclose(MeanImage().fit(IMAGES).transform(OTHERS), OTHERS - mean, atol=1e-4)
    channels = [IMAGES[..., c].astype(float).sum() / 900 for c in range(3)]
    last = ChannelMean().fit(IMAGES)
    np.testing.assert_allclose(last.mean_, channels)
    np.testing.assert_allclose(last.transform(OTHERS), OTHERS - np.array(channels), atol=1e-4)
    first = ChannelMean(channel_axis=1).fit(IMAGES.transpose(0, 3, 1, 2))
    np.testing.assert_array_equal(
        first.transform(OTHERS.transpose(0, 3, 1, 2)).transpose(0, 2, 3, 1), last.transform(OTHERS)
    )
    for axis in (0, 4, -4):
        with pytest.raises(ValueError, match=f"channel_axis must be one of the axes 1 to 3 of X, not {axis}"):
            ChannelMean(axis).fit(IMAGES)


def test_scikit_learn_agrees_on_standardisation_also_of_constant_features():
    X = np.column_stack([POINTS, np.full(80, 0.1), np.zeros(80)])
    others = np.column_stack([OTHER_POINTS, np.arange(9), np.arange(9)])
    peer = StandardScaler().fit(X)
    np.testing.assert_allclose(Standardize().fit(X).transform(others), peer.transform(others), rtol=1e-12)
    assert np.isfinite(Standardize().fit(X.astype(np.float32)).transform(others.astype(np.float32))).all()


@pytest.mark.parametrize("n", [None, 1, 4])
@pytest.mark.parametrize("rows", [80, 5])
def test_scikit_learn_agrees_on_principal_components(n, rows):
    """With more samples than features, and fewer."""
    ours, peer = PCA(n).fit(POINTS[:rows]), decomposition.PCA(n, svd_solver="full").fit(POINTS[:rows])
    safe = slice(0, n or min(6, rows - 1))  # five centred points span four dimensions, and the fifth is arbitrary
    np.testing.assert_allclose(ours.components_[safe], peer.components_[safe], atol=1e-8)
    np.testing.assert_allclose(ours.explained_variance_, peer.explained_variance_, atol=1e-10)
    np.testing.assert_allclose(ours.transform(OTHER_POINTS)[:, safe], peer.transform(OTHER_POINTS)[:, safe], atol=1e-8)
    np.testing.assert_allclose(
        ours.inverse_transform(ours.transform(POINTS)), peer.inverse_transform(peer.transform(POINTS)), atol=1e-8
    )


def test_components_of_images_give_images_back():
    digits = load("digits").X_train[:600]
    errors = []
    for n in (5, 20, 64):
        pca = PCA(n).fit(digits)
        restored = pca.inverse_transform(pca.transform(digits))
        assert restored.shape == digits.shape
        errors.append(np.abs(restored - digits).mean())
    assert errors[0] > 2 * errors[1] > 100 * errors[2]


def test_whitened_training_data_is_uncorrelated_with_unit_variance():
    for kind in ("pca", "zca"):
        white = Whitening(kind, epsilon=1e-12).fit(POINTS).transform(POINTS)
        np.testing.assert_allclose(np.cov(white.T), np.eye(6), atol=1e-8)
    peer = decomposition.PCA(3, whiten=True, svd_solver="full").fit(POINTS)
    ours = Whitening("pca", epsilon=1e-14, n=3).fit(POINTS)
    np.testing.assert_allclose(ours.transform(OTHER_POINTS), peer.transform(OTHER_POINTS), atol=1e-8)


def test_zca_is_the_inverse_square_root_of_the_covariance():
    """Which is symmetric, and with epsilon Σ + ε stands for Σ; images keep their shape."""
    values, vectors = np.linalg.eigh(np.cov(POINTS.T) + 0.3 * np.eye(6))
    expected = (OTHER_POINTS - POINTS.mean(0)) @ (vectors / np.sqrt(values)) @ vectors.T
    np.testing.assert_allclose(Whitening("zca", 0.3).fit(POINTS).transform(OTHER_POINTS), expected, atol=1e-9)
    assert Whitening("zca").fit(IMAGES).transform(OTHERS).shape == OTHERS.shape


def test_directions_without_variance_are_not_blown_up():
    flat = np.column_stack([POINTS, POINTS[:, 0]])
    for kind in ("pca", "zca"):
        white = Whitening(kind, 1e-5).fit(flat).transform(flat)
        assert np.isfinite(white).all() and np.abs(white).max() < 10


@each_transform
@pytest.mark.parametrize("broken", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_not_finite_are_refused_when_fitting(make, broken):
    images = IMAGES.astype(np.float32)
    images[3, 2, 1, 0] = broken
    with pytest.raises(ValueError, match=r"X must hold finite numbers, but some are NaN or infinite: .*argwhere"):
        make().fit(images)


@each_transform
def test_strided_and_read_only_data(make):
    """As it comes from slicing, transposing and memory maps."""
    images = IMAGES / 255
    expected = make().fit(images).transform(OTHERS / 255)
    strided = awkward(images, np.float64)
    np.testing.assert_allclose(make().fit(strided).transform(awkward(OTHERS / 255, np.float64)), expected, atol=1e-9)
    np.testing.assert_array_equal(strided, images)


@pytest.mark.parametrize("augment", [random_flip, random_crop, color_jitter])
@pytest.mark.parametrize("images", [IMAGES, IMAGES[:1], IMAGES / 255], ids=["uint8", "one", "floating"])
def test_augmentation_of_strided_and_read_only_images(augment, images):
    strided = awkward(images, images.dtype) if images.dtype.kind == "f" else np.asfortranarray(images)
    strided.flags.writeable = False
    np.testing.assert_array_equal(augment(strided, 3), augment(images, 3))


@pytest.mark.parametrize("channel_axis", [-1, 1])
def test_flips_mirror_some_images(channel_axis):
    X = np.moveaxis(IMAGES, -1, channel_axis)
    mirrored = np.moveaxis(IMAGES[:, :, ::-1], -1, channel_axis)
    flipped = random_flip(X, 0, channel_axis=channel_axis)
    was_flipped = [(a == b).all() for a, b in zip(flipped, mirrored, strict=True)]
    assert 5 < sum(was_flipped) < 25
    assert all((a == b).all() for a, b, f in zip(flipped, X, was_flipped, strict=True) if not f)
    np.testing.assert_array_equal(random_flip(X, 0, 1, channel_axis), mirrored)
    np.testing.assert_array_equal(random_flip(X, 0, 0, channel_axis), X)


@pytest.mark.parametrize("channel_axis", [-1, 1])
def test_crops_are_windows_of_the_padded_images(channel_axis):
    X = np.arange(400 * 4 * 5 * 3, dtype=np.float32).reshape(400, 4, 5, 3) + 1
    crops = random_crop(np.moveaxis(X, -1, channel_axis), 0, padding=1, channel_axis=channel_axis)
    crops = np.moveaxis(crops, channel_axis, -1)
    padded = np.pad(X, ((0, 0), (1, 1), (1, 1), (0, 0)))
    places = set()
    for image, crop in zip(padded, crops, strict=True):
        found = [(i, j) for i in range(3) for j in range(3) if (image[i : i + 4, j : j + 5] == crop).all()]
        assert len(found) == 1
        places.update(found)
    assert len(places) == 9
    assert random_crop(X, 0, padding=0, size=(2, 3)).shape == (400, 2, 3, 3)
    np.testing.assert_array_equal(random_crop(X, 0, padding=0), X)


def test_colour_jitter_changes_one_property_at_a_time():
    grey = np.array([0.299, 0.587, 0.114])
    images = RNG.random((50, 4, 4, 3))
    brightened = color_jitter(images, 0, brightness=0.5, contrast=0, saturation=0)
    factors = brightened / images
    np.testing.assert_allclose(factors, np.broadcast_to(factors[:, :1, :1, :1], factors.shape))
    assert 0.5 <= factors.min() < 0.6 and 1.4 < factors.max() <= 1.5
    contrasted = color_jitter(images, 0, brightness=0, contrast=0.5, saturation=0)
    np.testing.assert_allclose((contrasted @ grey).mean((1, 2)), (images @ grey).mean((1, 2)))
    spread = contrasted.std((1, 2, 3)) / images.std((1, 2, 3))
    assert spread.min() < 0.8 and spread.max() > 1.2
    saturated = color_jitter(images, 0, brightness=0, contrast=0, saturation=0.5)
    np.testing.assert_allclose(saturated @ grey, images @ grey)
    colourfulness = np.ptp(saturated, axis=3) / np.ptp(images, axis=3)
    assert 0.5 <= colourfulness.min() < 0.6 and 1.4 < colourfulness.max() < 1.5 + 1e-9
    np.testing.assert_allclose(color_jitter(images, 0, 0, 0, 0), images)
    channels_first = color_jitter(np.moveaxis(images, -1, 1), 5, channel_axis=1)
    np.testing.assert_allclose(np.moveaxis(channels_first, 1, -1), color_jitter(images, 5))


def test_bright_pixels_do_not_wrap_around():
    bright = np.full((50, 2, 2, 3), 250, np.uint8)
    jittered = color_jitter(bright, 0, brightness=1, contrast=0, saturation=0)
    assert jittered.max() == 255 and (jittered.ravel() == 255).mean() > 0.3
    assert ((0 <= jittered[..., 0]) & (np.ptp(jittered, axis=(1, 2, 3)) == 0)[:, None, None]).all()


@pytest.mark.parametrize("augment", [random_flip, random_crop, color_jitter])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_augmentation_keeps_types_and_inputs_and_repeats_by_seed(augment, dtype):
    X = IMAGES.astype(dtype)
    X.flags.writeable = False
    result = augment(X, 3)
    assert result.dtype == dtype and result.shape == X.shape and result.flags.c_contiguous and result.flags.writeable
    np.testing.assert_array_equal(result, augment(X, np.random.default_rng(3)))
    assert not np.array_equal(result, augment(X, 4))


@pytest.mark.parametrize(
    "action, error, message",
    [
        (lambda: PCA(2.0).fit(POINTS), ValueError, r"n must be an integer between .* not 2.0"),
        (lambda: PCA(7).fit(POINTS), ValueError, r"n must be an integer between 1 and min\(N, D\) = 6, not 7"),
        (lambda: PCA(0).fit(POINTS), ValueError, "not 0"),
        (lambda: PCA().fit(POINTS[:1]), ValueError, "at least two samples"),
        (lambda: PCA().inverse_transform(POINTS), RuntimeError, "knows no training data yet"),
        (lambda: PCA(2).fit(POINTS).inverse_transform(POINTS), ValueError, r"\(N, 2\), not \(80, 6\)"),
        (lambda: Whitening("ica"), ValueError, 'kind must be "pca" or "zca", not \'ica\''),
        (lambda: Whitening(epsilon=0), ValueError, "epsilon must be a positive number, not 0"),
        (lambda: random_flip(IMAGES[0], 0), ValueError, r"four axes .* not of shape \(6, 5, 3\)"),
        (lambda: random_flip(IMAGES.astype(int), 0), TypeError, "uint8 or floating pixels, not int64"),
        (lambda: random_flip(IMAGES, 0, probability=2), ValueError, "probability must be between 0 and 1, not 2"),
        (lambda: random_flip(IMAGES, 0, channel_axis=0), ValueError, "channel_axis must be -1 .* not 0"),
        (lambda: random_crop(IMAGES, 0, padding=-1), ValueError, "padding must be an integer of 0 or more, not -1"),
        (lambda: random_crop(IMAGES, 0, 1, (9, 3)), ValueError, r"padded images, \(8, 7\), not be \(9, 3\)"),
        (lambda: color_jitter(IMAGES[..., :2], 0), ValueError, r"3 channels, .* not \(30, 6, 5, 2\)"),
        (lambda: color_jitter(IMAGES, 0, contrast=-0.1), ValueError, "contrast must be between 0 and 1, not -0.1"),
    ],
)
def test_errors_name_the_argument_what_came_and_what_was_expected(action, error, message):
    with pytest.raises(error, match=message):
        action()
