"""CIFAR-10 in its official Python layout (Krizhevsky 2009): five training batches, one test batch, names."""

import numpy as np

from cs231n_kit.datasets.batch_file import read_batch_file
from cs231n_kit.datasets.dataset import DatasetError

TRAINING = tuple(f"data_batch_{i}" for i in range(1, 6))
VALIDATION = 1_000


def read_cifar10(
    files: dict[str, bytes],
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, tuple[str, ...]]:
    """Decode the seven files, given by name, to (X_train, y_train, X_test, y_test, class_names).

    A batch may hold fewer images than the official 10,000: the layout counts, not the number. Raises
    DatasetError where a file does not follow the layout.
    """
    class_names = _class_names(files["batches.meta"])
    batches = [_batch(name, files[name], len(class_names)) for name in (*TRAINING, "test_batch")]
    X_train = np.concatenate([images for images, _ in batches[:-1]])
    y_train = np.concatenate([labels for _, labels in batches[:-1]])
    return X_train, y_train, *batches[-1], class_names


def _class_names(content: bytes) -> tuple[str, ...]:
    names = read_batch_file("batches.meta", content).get("label_names")
    if not isinstance(names, list) or len(names) != 10 or not all(isinstance(n, bytes | str) for n in names):
        raise DatasetError('batches.meta has no list "label_names" of the 10 class names.')
    return tuple(n.decode("latin-1") if isinstance(n, bytes) else n for n in names)


def _batch(name: str, content: bytes, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Images (N, 32, 32, 3) and labels (N,) of one batch, whose rows hold all red, then green, then blue."""
    batch = read_batch_file(name, content)
    rows, labels = batch.get("data"), batch.get("labels")
    if not isinstance(rows, np.ndarray) or rows.ndim != 2 or rows.shape[1] != 3072 or not len(rows):
        found = f"an array of shape {rows.shape}" if isinstance(rows, np.ndarray) else "no array"
        raise DatasetError(f'{name} holds {found} as "data", expected uint8 of shape (N, 3072).')
    if not isinstance(labels, list) or len(labels) != len(rows):
        found = f"{len(labels):,} labels" if isinstance(labels, list) else 'no list "labels"'
        raise DatasetError(f"{name} holds {len(rows):,} images but {found}.")
    if not all(type(label) is int and 0 <= label < classes for label in labels):
        raise DatasetError(f"{name} holds labels that are not integers from 0 to {classes - 1}.")
    images = rows.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    return np.ascontiguousarray(images), np.array(labels, np.int64)
