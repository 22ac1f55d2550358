"""Images for the architecture playground: a data set or a user's own arrays, as pixels and as a network takes them."""

import numpy as np

from cs231n_kit.datasets import Dataset
from cs231n_kit.preprocessing import ChannelMean

MOST_TRAINING, MOST_VALIDATION = 10_000, 500  # images; as float32 10,000 of CIFAR-10 take 123 MB
LARGEST_SIDE, LARGEST_PHOTOGRAPH = 96, 40_000_000  # pixels
SMALLEST_SIDE = 4


class ImageData:
    """Training and validation images, uint8 (N, H, W, C), with labels, and as float32 (N, C, H, W) for a network.

    From each channel its mean over all training pixels is subtracted, and all is divided by one number, the training
    pixels' standard deviation ``scale``. Of a data set the first 10,000 training and 500 validation images are taken.

    Args:
        data: a ``Dataset``, or images (N, H, W, C) or (N, H, W) with C = 1 or 3, uint8 or floats from 0 to 1.
        y: labels (N,), integers from 0. Left out with a ``Dataset``.
        X_val, y_val: validation images. Left out, the last fifth of the images is kept from training.
        class_names: one name for each class.

    Raises:
        ValueError, TypeError: what is given is of another kind, shape or range.
    """

    def __init__(self, data, y=None, X_val=None, y_val=None, class_names=None):
        if isinstance(data, Dataset):
            if y is not None or X_val is not None or y_val is not None:
                raise ValueError("a Dataset brings its labels and validation images: leave out y, X_val and y_val")
            parts = (data.X_train, data.y_train, data.X_val, data.y_val)
            class_names = data.class_names if class_names is None else class_names
        else:
            parts = _own_parts(data, y, X_val, y_val)
        X_train, y_train, X_val, y_val = parts
        self.available = len(X_train)
        self.X_train, self.y_train = _checked("training", X_train, y_train, MOST_TRAINING)
        self.X_val, self.y_val = _checked("validation", X_val, y_val, MOST_VALIDATION)
        if self.X_val.shape[1:] != self.X_train.shape[1:]:
            raise ValueError(
                f"training images are {self.X_train.shape[1:]} and validation images {self.X_val.shape[1:]}: "
                "they must have one size"
            )
        largest = int(max(self.y_train.max(), self.y_val.max()))
        self.class_names = tuple(map(str, range(max(largest + 1, 2)) if class_names is None else class_names))
        if not largest < len(self.class_names) <= 100 or len(self.class_names) < 2:
            raise ValueError(f"labels reach {largest}, so 2 to 100 classes need names, got {len(self.class_names)}")
        self.mean = ChannelMean().fit(self.X_train)
        self.scale = float(self.X_train.std(dtype=np.float64)) or 1.0
        self.inputs_train, self.inputs_val = self.inputs(self.X_train), self.inputs(self.X_val)

    @property
    def image_shape(self):
        """(H, W, C)."""
        return self.X_train.shape[1:]

    @property
    def input_shape(self):
        """(C, H, W)."""
        height, width, channels = self.image_shape
        return channels, height, width

    def inputs(self, images):
        """What a network is given for uint8 images (N, H, W, C): float32 (N, C, H, W)."""
        centred = self.mean.transform(np.asarray(images, np.float32)) / np.float32(self.scale)
        return np.ascontiguousarray(centred.transpose(0, 3, 1, 2))


def fit_photograph(image, image_shape):
    """A picture of any size as one of the images: its middle square, scaled to (H, W), in colour or grey as they are.

    Args:
        image: (height, width), or (height, width, 1, 3 or 4), uint8 or floats from 0 to 1; transparency is ignored.
        image_shape: (H, W, C) of the data's images.

    Returns:
        uint8 (H, W, C).

    Raises:
        ValueError, TypeError: it is no picture, or has more than 40 million pixels.
    """
    image = np.asarray(image)
    if image.ndim == 2:
        image = image[..., None]
    if image.ndim != 3 or image.shape[2] not in (1, 3, 4) or 0 in image.shape:
        raise ValueError(f"a picture has the shape (height, width) or (height, width, 3), not {image.shape}")
    if image.shape[0] * image.shape[1] > LARGEST_PHOTOGRAPH:
        raise ValueError(f"the picture has {image.shape[0]:,} x {image.shape[1]:,} pixels; at most 40 million are read")
    image = _pixels("the picture", image)[..., :3]
    height, width, channels = image_shape
    side = min(image.shape[:2])
    top, left = (image.shape[0] - side) // 2, (image.shape[1] - side) // 2
    image = image[top : top + side, left : left + side]
    if image.shape[2] < channels:
        image = np.repeat(image, channels, axis=2)
    elif image.shape[2] > channels:
        image = np.rint(image @ np.array([0.299, 0.587, 0.114]))[..., None].astype(np.uint8)  # luma, ITU-R BT.601
    if image.shape[:2] == (height, width):
        return image
    from PIL import Image

    planes = [Image.fromarray(np.ascontiguousarray(plane)) for plane in image.transpose(2, 0, 1)]
    scaled = [np.asarray(plane.resize((width, height), Image.Resampling.BOX)) for plane in planes]
    return np.stack(scaled, axis=-1)


def _own_parts(X, y, X_val, y_val):
    if y is None or (X_val is None) != (y_val is None):
        raise ValueError("give a Dataset, or images and labels: X, y and, if you like, X_val, y_val")
    if X_val is not None:
        return X, y, X_val, y_val
    X, y = np.asarray(X), np.asarray(y)
    kept = max(1, len(X) // 5) if X.ndim else 0
    if X.ndim == 0 or y.ndim == 0 or len(X) < 2:
        raise ValueError("at least 2 images with labels are needed, one of them to validate on")
    return X[:-kept], y[: len(X) - kept], X[-kept:], y[len(X) - kept :]


def _checked(which, X, y, most):
    X, y = np.asarray(X), np.asarray(y)
    if X.ndim == 3:
        X = X[..., None]
    if X.ndim != 4 or X.shape[3] not in (1, 3) or not len(X):
        hint = "; bring (N, C, H, W) there with X.transpose(0, 2, 3, 1)" if X.ndim == 4 and X.shape[1] in (1, 3) else ""
        raise ValueError(
            f"{which} images must have the shape (N, H, W), (N, H, W, 1) or (N, H, W, 3), not {X.shape}{hint}"
        )
    if not all(SMALLEST_SIDE <= side <= LARGEST_SIDE for side in X.shape[1:3]):
        raise ValueError(
            f"{which} images are {X.shape[1]} x {X.shape[2]} pixels; {SMALLEST_SIDE} to {LARGEST_SIDE} along each side "
            "can be played with"
        )
    if y.shape != (len(X),) or y.dtype.kind not in "iu":
        raise ValueError(
            f"{len(X)} {which} images need integer labels of shape ({len(X)},), got {y.dtype} of shape {y.shape}"
        )
    X, y = X[:most], y[:most].astype(np.int64)
    if y.min() < 0:
        raise ValueError(f"labels count from 0, but there is {y.min()} among those of the {which} images")
    return _pixels(f"{which} images", X), y


def _pixels(what, X):
    """X as uint8, floats from 0 to 1 stretched to 0 to 255."""
    if X.dtype == np.uint8:
        return X
    if X.dtype.kind != "f":
        raise TypeError(f"{what}: pixels must be uint8 from 0 to 255, or floats from 0 to 1, not {X.dtype}")
    if not np.isfinite(X).all():
        raise ValueError(f"{what}: there is NaN or infinity among the pixels")
    if X.min() < 0 or X.max() > 1:
        raise ValueError(
            f"{what}: floats must lie between 0 and 1, but reach from {X.min():.3g} to {X.max():.3g}; give the pixels "
            "as uint8, before any preprocessing"
        )
    return np.rint(255 * X).astype(np.uint8)
