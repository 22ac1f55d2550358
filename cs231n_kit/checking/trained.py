"""Trained results: what a notebook learned, kept as arrays in a file that is submitted beside it.

Training takes minutes, so a grader does not repeat it. It reads the arrays and measures itself, on images that took no
part in training, how many of its predictions are right. The file holds numbers and the name of the data set; nothing in
it is unpickled, and every size is checked before memory is taken, so it need not be trusted.
"""

import io
import math
import os
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from .answer_key import TrainedCheck
from .calling import call
from .verdicts import FAILED, NOT_IMPLEMENTED, PASSED, Report, Verdict

_DATA_SET = "data_set"
_HEADER_LIMIT = 10_000
_BATCH = 1_000
_FILE_LIMIT = 64 * 2**20
_UNPACKED_IN_PIECES = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # others at once: a kilobyte may fill the memory
MIRROR_MARGIN = 0.03


class TrainedError(Exception):
    """There is no usable result; the message says what is wrong and what to do."""


def save_trained(name: str, data_set: str, folder: str | Path = ".", **arrays) -> Path:
    """Write `arrays` to `<name>.npz` in `folder` (default: beside the notebook) and return its path.

    name: the check's name in the assignment. data_set: the name of the data that they were trained on, `data.name`.
    An older file is replaced once the new one is complete. Raises TypeError for arrays of anything but numbers,
    ValueError where numbers are NaN or infinite.
    """
    kept = {label: np.asarray(array) for label, array in arrays.items()}
    for label, array in kept.items():
        if array.dtype.kind not in "biuf":
            raise TypeError(f"{label} must be an array of numbers, not of {array.dtype}")
        if not np.isfinite(array).all():
            raise ValueError(f"{label} holds NaN or infinity: did the training diverge? Nothing was saved.")
    path = Path(folder) / f"{name}.npz"
    unfinished = path.with_suffix(".part")
    with open(unfinished, "wb") as file:
        np.savez(file, **{_DATA_SET: np.array(data_set)}, **kept)
    os.replace(unfinished, path)
    print(f"Saved {', '.join(kept)} to {path.name} ({path.stat().st_size / 1e3:,.0f} kB). Submit this file too.")
    return path


def load_trained(path: Path, check: TrainedCheck) -> tuple[str, dict[str, np.ndarray]]:
    """The data set's name and the arrays in the file at `path`; raises TrainedError unless they are as `check` says."""
    if not path.is_file():
        raise TrainedError(f"there is no file {path.name}: run the cell that trains and saves it, and submit the file")
    if path.stat().st_size > _FILE_LIMIT:
        raise TrainedError(f"{path.name} is larger than {_FILE_LIMIT / 2**20:.0f} MiB: save it again with save_trained")
    try:
        with zipfile.ZipFile(path) as archive:
            data_set = str(_read(archive, _DATA_SET, 4096))
            if data_set not in check.data:
                raise TrainedError(f"it was trained on {data_set[:40]!r}, not on {' or '.join(check.data)}")
            shapes = check.data[data_set].shapes
            return data_set, {name: _numbers(archive, name, shape) for name, shape in shapes.items()}
    except TrainedError:
        raise
    except (zipfile.BadZipFile, zlib.error) as error:
        raise TrainedError(f"{path.name} is damaged: save it again with save_trained") from error
    except Exception as error:  # whatever zipfile, tokenize and NumPy say about a file made to confuse them
        raise TrainedError(f"{path.name} cannot be read: save it again with save_trained") from error


def _numbers(archive: zipfile.ZipFile, name: str, shape: tuple[int, ...]) -> np.ndarray:
    if f"{name}.npy" not in archive.namelist():
        raise TrainedError(f"the array {name} is missing: save it with save_trained(..., {name}={name})")
    array = _read(archive, name, 8 * math.prod(map(abs, shape)) + _HEADER_LIMIT, shape)
    if not np.isfinite(array).all():
        raise TrainedError(f"{name} holds NaN or infinity")
    return array


def _read(archive: zipfile.ZipFile, name: str, limit: int, shape: tuple[int, ...] | None = None) -> np.ndarray:
    """The array `name`, unpacked up to `limit` bytes; of numbers and of this shape, else a text of any shape."""
    entry = archive.getinfo(f"{name}.npy")
    if entry.compress_type not in _UNPACKED_IN_PIECES:
        raise TrainedError(f"{name} is packed in an unusual way")
    with archive.open(entry) as member:
        content = io.BytesIO(member.read(limit + 1))
    if content.getbuffer().nbytes > limit:
        raise TrainedError(f"{name} is larger than it should be" + (f": the shape is {shape}" if shape else ""))
    version = np.lib.format.read_magic(content)
    header = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}[version]
    found, _, dtype = header(content, max_header_size=_HEADER_LIMIT)
    if dtype.kind not in ("U" if shape is None else "biuf") or dtype.itemsize > 1024:
        raise TrainedError(f"{name} is of type {str(dtype)[:20]}, not " + ("a text" if shape is None else "numbers"))
    if not _fits(found, shape or ()):
        told = str(shape or ()).replace("-", "up to ")
        raise TrainedError(f"{name} has the shape {str(found)[:40]}, expected {told}")
    content.seek(0)
    return np.lib.format.read_array(content, allow_pickle=False, max_header_size=_HEADER_LIMIT)


def _fits(found: tuple[int, ...], shape: tuple[int, ...]) -> bool:
    """Whether an array's shape is as said; a negative number there is the largest that is allowed."""
    sizes = zip(found, shape, strict=False)
    return len(found) == len(shape) and all(1 <= n <= -m if m < 0 else n == m for n, m in sizes)


def judge_trained(
    check: TrainedCheck, folder: Path, classifier: Callable, images_of: Callable[[str], tuple], hidden: bool
) -> Report:
    """The report on the result in `folder`. images_of(data set) gives the images and labels to measure it on.

    hidden: these are the grader's images, where mirror images are tried too: what was learned by heart from the very
    test images does not hold for them, so an accuracy counts up to MIRROR_MARGIN above theirs.
    """
    path = folder / check.file
    try:
        data_set, arrays = load_trained(path, check)
        images, labels = _of_classes(*images_of(data_set), check.data[data_set].classes)
        accuracy = _accuracy(classifier, images, labels, arrays)
        told = f"{accuracy:.1%} of {len(labels):,} {'held-out' if hidden else 'validation'} images ({data_set})"
        if hidden and check.data[data_set].mirrored:
            mirrored = _accuracy(classifier, images[:, :, ::-1], labels, arrays)
            told += f", {mirrored:.1%} of their mirror images"
            accuracy = min(accuracy, mirrored + MIRROR_MARGIN)
    except TrainedError as error:
        status = FAILED if path.exists() else NOT_IMPLEMENTED
        names = list(check.data)
        needed = zip(*(on.accuracies for on in check.data.values()), strict=True)
        titles = ["At least " + ", or ".join(map("{:.0%} right on {}".format, step, names)) for step in needed]
        rows = [Verdict(title, points, status) for title, points in zip(titles, check.steps, strict=True)]
        return _report(check, rows, f"Nothing could be measured: {error}.")
    rows = []
    for needed, points in zip(check.data[data_set].accuracies, check.steps, strict=True):
        status = PASSED if accuracy >= needed else FAILED
        rows.append(Verdict(f"At least {needed:.0%} right", points, status, f"{accuracy:.1%} counts"))
    return _report(check, rows, f"Measured: {told}.")


def _report(check: TrainedCheck, rows: list[Verdict], note: str) -> Report:
    return Report(check.function, (replace(rows[0], notes=(note,)), *rows[1:]))


def validation_images(data_set: str) -> tuple[np.ndarray, np.ndarray]:
    """The validation images (N, H, W, C) and labels (N,) of a data set; TrainedError where it is not here."""
    from cs231n_kit.datasets import DatasetError, load

    try:
        data = load(data_set, subset={"train": 0, "test": 0}, download=False)
    except DatasetError as error:
        raise TrainedError(f"the validation images are missing. {error}") from error
    return data.X_val, data.y_val


def _of_classes(images: np.ndarray, labels: np.ndarray, classes: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    rows = np.isin(labels, classes or labels)
    return images[rows], labels[rows]


def _accuracy(classifier: Callable, images: np.ndarray, labels: np.ndarray, arrays: dict[str, np.ndarray]) -> float:
    """The share of images that get their label, a batch at a time."""
    right = 0
    for start in range(0, len(images), _BATCH):
        batch = images[start : start + _BATCH]
        outcome = call(lambda batch: classifier(batch, **arrays), (batch,))
        if outcome.status != "returned" or len(outcome.values) != 1 or outcome.values[0].size != len(batch):
            why = f" ({outcome.raised.type}: {outcome.raised.message})" if outcome.raised else ""
            raise TrainedError(f"classifying {len(batch)} images with it gives no {len(batch)} labels{why}")
        right += int((outcome.values[0].ravel() == labels[start : start + _BATCH]).sum())
    return right / len(images)
