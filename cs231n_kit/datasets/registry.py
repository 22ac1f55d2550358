"""Which data sets there are (``datasets/registry.json``) and in which folders they may lie."""

import hashlib
import json
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from cs231n_kit.datasets.dataset import DatasetError
from cs231n_kit.installation import course_file
from cs231n_kit.laboratory import course_folder

FILE = "datasets/registry.json"


@dataclass(frozen=True)
class Download:
    """One file to download: where from, how many bytes, which checksum."""

    name: str
    urls: tuple[str, ...]
    size: int
    sha256: str


@dataclass(frozen=True)
class Entry:
    """What the registry knows about one data set.

    ``folder`` holds the ``files``, each with the checksum ("algorithm:hex") of the official copy; it is None
    where the data comes with a library.
    """

    name: str
    title: str
    contents: str
    homepage: str
    licence: str
    folder: str | None
    downloads: tuple[Download, ...]
    files: dict[str, str]

    @property
    def download_size(self) -> int:
        """Bytes to download."""
        return sum(download.size for download in self.downloads)


@cache
def registry() -> dict[str, Entry]:
    """All data sets by name."""
    entries = {}
    for name, fields in json.loads(course_file(FILE).read_text(encoding="utf-8")).items():
        downloads = tuple(Download(**d | {"urls": tuple(d["urls"])}) for d in fields.pop("downloads"))
        entries[name] = Entry(name=name, downloads=downloads, **fields)
    return entries


def entry(name: str) -> Entry:
    """The registry's entry; DatasetError lists the known names where there is none."""
    if name not in registry():
        known = ", ".join(f'"{known}"' for known in registry())
        raise DatasetError(f"There is no data set {name!r}. Known data sets: {known}.")
    return registry()[name]


def data_folders() -> list[Path]:
    """Where data sets are looked for, in this order; the first one takes downloads.

    The course's own ``datasets/``, the folder in the environment variable CS231N_DATA, the user's cache.
    """
    from platformdirs import user_cache_path

    folders = []
    if (course := course_folder()) and (course / FILE).is_file():
        folders.append(course / "datasets")
    if os.environ.get("CS231N_DATA"):
        folders.append(Path(os.environ["CS231N_DATA"]).expanduser())
    return [*folders, user_cache_path("cs231n-kit", appauthor=False)]


def find(data_set: Entry, folders: list[Path]) -> Path | None:
    """The first folder that holds all files of a data set, or None."""
    for folder in folders:
        for candidate in (folder / data_set.folder, folder):
            if all((candidate / name).is_file() for name in data_set.files):
                return candidate
    return None


def is_official(content: bytes, checksum: str) -> bool:
    """Whether the content has the checksum, given as "algorithm:hex"."""
    algorithm, _, expected = checksum.partition(":")
    # MD5 only tells the official copy from others here; the readers trust neither.
    return hashlib.new(algorithm, content, usedforsecurity=False).hexdigest() == expected
