"""Fashion-MNIST: four gzipped files in the IDX format (Xiao, Rasul, Vollgraf 2017)."""

import gzip
import io
import zlib

import numpy as np

from cs231n_kit.datasets.dataset import DatasetError

CLASS_NAMES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
VALIDATION = 5_000
LARGEST_IDX = 100_000_000  # bytes once unpacked; the real training images are 47 MB


def read_fashion_mnist(files: dict[str, bytes]) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Decode the four files, given by name, to (X_train, y_train, X_test, y_test).

    Raises DatasetError where a file is no IDX file of 28 x 28 images or of labels 0 to 9, or where the
    numbers of images and labels differ.
    """
    splits = []
    for prefix in ("train", "t10k"):
        images_name, labels_name = f"{prefix}-images-idx3-ubyte.gz", f"{prefix}-labels-idx1-ubyte.gz"
        images = read_idx(images_name, files[images_name])
        labels = read_idx(labels_name, files[labels_name])
        if images.shape[1:] != (28, 28):
            raise DatasetError(f"{images_name} holds arrays of shape {images.shape}, expected (N, 28, 28).")
        if labels.shape != images.shape[:1]:
            raise DatasetError(
                f"{labels_name} holds labels of shape {labels.shape}, expected {images.shape[:1]} "
                f"for the images in {images_name}."
            )
        if labels.size and labels.max() > 9:
            raise DatasetError(f"{labels_name} holds the label {labels.max()}, expected 0 to 9.")
        splits += [images[..., None], labels.astype(np.int64)]
    return tuple(splits)


def read_idx(name: str, compressed: bytes) -> np.ndarray:
    """A gzipped IDX file of unsigned bytes as an array.

    The header is big-endian: two zero bytes, the element type (8 is uint8), the number of dimensions,
    and each dimension as a 4-byte integer.
    """
    try:
        with gzip.open(io.BytesIO(compressed)) as file:
            raw = file.read(LARGEST_IDX + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise DatasetError(f"{name} is not a complete gzip file ({error}).") from error
    if len(raw) > LARGEST_IDX:
        raise DatasetError(f"{name} unpacks to more than {LARGEST_IDX:,} bytes, which is no Fashion-MNIST file.")
    if len(raw) < 4 or raw[:3] != b"\0\0\x08" or not 1 <= raw[3] <= 3:
        raise DatasetError(f"{name} does not begin with the IDX header of an array of unsigned bytes.")
    header = 4 + 4 * raw[3]
    shape = tuple(int.from_bytes(raw[i : i + 4], "big") for i in range(4, header, 4))
    if len(raw) != header + int(np.prod(shape, dtype=object)):
        raise DatasetError(f"{name} announces an array of shape {shape} but holds {len(raw) - header:,} bytes.")
    return np.frombuffer(raw, np.uint8, offset=header).reshape(shape)
