"""Find, download and load the data sets of the course."""

import shutil
import tarfile
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cs231n_kit.datasets import cifar10, digits, fashion_mnist
from cs231n_kit.datasets.dataset import Dataset, DatasetError
from cs231n_kit.datasets.fetching import fetch
from cs231n_kit.datasets.registry import Entry, data_folders, entry, find, is_official, registry


def load(
    name: str,
    subset: int | Mapping[str, int] | None = None,
    *,
    folder: str | Path | None = None,
    download: bool = True,
) -> Dataset:
    """Load "cifar10", "fashion_mnist" or "digits".

    Splits (training / validation / test): 49,000 / 1,000 / 10,000 for CIFAR-10, 55,000 / 5,000 / 10,000 for
    Fashion-MNIST, 1,397 / 200 / 200 for the digits; the validation images are the last of the official
    training images (at most a fifth of them, if a local copy has fewer).

    Parameters
    ----------
    subset
        An integer n keeps the first n training images and the first n // 10 of the validation and the test
        images. A mapping such as ``{"train": 5000, "test": 500}`` sets the splits it names and leaves the
        others whole. The images are stored in random order, so the first ones are a fair sample, the
        same in every run; a split that has fewer is kept whole.
    folder
        Look only there. Otherwise the course's ``datasets/``, ``$CS231N_DATA`` and the user's cache are tried.
    download
        Whether a data set that is not found may be downloaded.

    Raises DatasetError, which says what to do, where the data is missing, damaged or not to be had.
    """
    data_set = entry(name)
    limits = _limits(subset)
    if data_set.folder is None:
        X, y, X_test, y_test = digits.read_digits()
        class_names, validation = digits.CLASS_NAMES, digits.VALIDATION
        origin = "embedded in scikit-learn"
    else:
        path = _locate(data_set, [Path(folder)] if folder else data_folders(), download)
        try:
            contents = {file: (path / file).read_bytes() for file in data_set.files}
            X, y, X_test, y_test, class_names, validation = _read(name, contents)
        except (DatasetError, OSError) as error:
            raise DatasetError(
                f"The {data_set.title} files in {path} cannot be used: {error}\n"
                f"Move that folder away and fetch the official copy: cs231n data {name}"
            ) from error
        official = all(is_official(contents[file], checksum) for file, checksum in data_set.files.items())
        origin = "official files, checksums verified" if official else f"local copy in {path}, not the official archive"
    validation = min(validation, len(X) // 5)
    splits = {
        "train": (X[: len(X) - validation], y[: len(y) - validation]),
        "val": (X[len(X) - validation :], y[len(y) - validation :]),
        "test": (X_test, y_test),
    }
    arrays = {}
    for split, (images, labels) in splits.items():
        if split in limits:  # a copy, so that a small subset does not keep the whole data set in memory
            images, labels = images[: limits[split]].copy(), labels[: limits[split]].copy()
        arrays[f"X_{split}"], arrays[f"y_{split}"] = images, labels
    counts = " / ".join(f"{len(arrays[f'y_{split}']):,}" for split in splits)
    source = f"{data_set.title}, {origin}; {counts} training / validation / test images"
    return Dataset(name=name, class_names=class_names, source=source, **arrays)


def download(name: str, folder: str | Path | None = None) -> Path | None:
    """Make sure that a data set is on this machine, and return its folder (None if it is embedded).

    Downloads to ``folder``, or else to the first of the usual places, unless it is found there already. A cut
    download goes on where it stopped; nothing with a wrong checksum is kept. Raises DatasetError.
    """
    data_set = entry(name)
    if data_set.folder is None:
        return None
    return _locate(data_set, [Path(folder)] if folder else data_folders(), True)


@dataclass(frozen=True)
class DatasetStatus:
    """One line of the list of data sets: what it is and where it lies."""

    name: str
    title: str
    contents: str
    licence: str
    homepage: str
    download_size: int  # bytes; 0 if embedded
    present: bool
    folder: Path | None  # None if absent or embedded

    def __str__(self) -> str:
        if self.folder:
            place = f"in {self.folder}"
        elif self.present:
            place = "comes with scikit-learn"
        else:
            place = f"not here yet; cs231n data {self.name} downloads {self.download_size / 1e6:,.0f} MB"
        return f"{self.title}: {place}"


def status() -> list[DatasetStatus]:
    """Every data set and whether it is on this machine. Reads no data, asks no network."""
    rows = []
    for name, data_set in registry().items():
        place = find(data_set, data_folders()) if data_set.folder else None
        rows.append(
            DatasetStatus(
                name=name,
                title=data_set.title,
                contents=data_set.contents,
                licence=data_set.licence,
                homepage=data_set.homepage,
                download_size=data_set.download_size,
                present=data_set.folder is None or place is not None,
                folder=place,
            )
        )
    return rows


def _limits(subset: int | Mapping[str, int] | None) -> dict[str, int]:
    """How many images to keep per split; a split that is not named is kept whole."""
    if subset is None:
        return {}
    is_number = isinstance(subset, int | np.integer) and not isinstance(subset, bool)
    limits = {"train": subset, "val": subset // 10, "test": subset // 10} if is_number else subset
    if not isinstance(limits, Mapping) or not set(limits) <= {"train", "val", "test"}:
        raise ValueError(
            f'subset must be an integer or a mapping of "train", "val", "test" to integers, not {subset!r}'
        )
    for split, count in limits.items():
        if not isinstance(count, int | np.integer) or isinstance(count, bool) or count < 0:
            raise ValueError(f'subset["{split}"] must be an integer of 0 or more, not {count!r}')
    if is_number and subset < 10:
        raise ValueError(f"subset must be at least 10, so that every split gets an image, not {subset}")
    return dict(limits)


def _read(name: str, contents: dict[str, bytes]) -> tuple:
    if name == "cifar10":
        return *cifar10.read_cifar10(contents), cifar10.VALIDATION
    return *fashion_mnist.read_fashion_mnist(contents), fashion_mnist.CLASS_NAMES, fashion_mnist.VALIDATION


def _locate(data_set: Entry, folders: list[Path], may_download: bool) -> Path:
    """The folder with the files of a data set: where it is, or else freshly downloaded."""
    if path := find(data_set, folders):
        return path
    looked = f"{data_set.title} is not on this machine (looked in {', '.join(map(str, folders))})."
    if not may_download:
        raise DatasetError(
            f'{looked}\nFetch it with: cs231n data {data_set.name}\nOr use what needs no download: load("digits")'
        )
    place = folders[0] / data_set.folder
    is_archive = set(data_set.files) != {download.name for download in data_set.downloads}
    download_to = folders[0] if is_archive else place
    print(f"Downloading {data_set.title} ({data_set.download_size / 1e6:,.0f} MB) to {download_to}")
    try:
        for download in data_set.downloads:
            fetch(download.urls, download_to / download.name, download.size, download.sha256)
    except DatasetError as error:
        names = ", ".join(download.name for download in data_set.downloads)
        raise DatasetError(
            f"{error}\n{looked}\nTry again later (a download that was cut off goes on where it stopped), or do it "
            f"by hand: get {names} from {data_set.homepage} and put it into {download_to}\n"
            'What needs no download: load("digits")'
        ) from error
    if is_archive:
        for download in data_set.downloads:
            _extract(download_to / download.name, place, data_set.files)
    return place


def _extract(archive: Path, folder: Path, names: Mapping[str, str]) -> None:
    """Unpack the named files, and nothing else, into ``folder``; then delete the archive.

    The files get their place only when all of them are complete.
    """
    try:
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as unpacked:
            with tarfile.open(archive) as tar:
                for name in names:
                    member = tar.getmember(f"{folder.name}/{name}")
                    if not member.isfile():
                        raise tarfile.ExtractError(f"{member.name} is a link, not a file")
                    with tar.extractfile(member) as content, open(Path(unpacked, name), "wb") as file:
                        shutil.copyfileobj(content, file)
            folder.mkdir(exist_ok=True)
            for name in names:
                Path(unpacked, name).replace(folder / name)
    except (tarfile.TarError, KeyError, EOFError, OSError) as error:
        raise DatasetError(f"{archive} could not be unpacked into {folder} ({error}).") from error
    archive.unlink()
