"""Unpack zip files that students made: plain files only, inside their folder, and never more than was agreed."""

import io
import os
import re
import stat
import time
import unicodedata
import zipfile
import zlib
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from cs231n_kit.assignment_folder import KEY
from cs231n_kit.handing_in import COUNT_LIMIT, FILE_LIMIT, TOTAL_LIMIT

JUNK = {"__MACOSX", "__pycache__", "Thumbs.db", "desktop.ini"}
_CHUNK = 2**16
_LONGEST = 200  # bytes of a name
_DEEPEST = 20


class Refused(Exception):
    """A file or an upload that is not taken; the message says why and what to ask for."""


@dataclass(frozen=True)
class Limits:
    """What is unpacked at most: files, bytes of one and of all together, and bytes of the list of contents."""

    count: int = COUNT_LIMIT
    file: int = FILE_LIMIT
    total: int = TOTAL_LIMIT
    listing: int = 2**20

    def less(self, count: int, size: int) -> "Limits":
        """What may still come after so many files and bytes; raises Refused when that was too much already."""
        if count > self.count:
            raise Refused(f"it holds too many files, by {count - self.count:,}: ask for what is graded alone")
        if size > self.total:
            raise Refused(f"it is too large, by {(size - self.total) / 2**20:,.1f} MiB: ask for what is graded alone")
        return replace(self, count=self.count - count, total=self.total - size)


SUBMISSION = Limits()
DOWNLOAD = Limits(count=50_000, file=TOTAL_LIMIT, total=64 * 2**30, listing=2**25)


class _Bounded(io.FileIO):
    """A file that gives away no more than `most` bytes at once: zipfile reads the list of contents in one piece."""

    def __init__(self, path: Path, most: int):
        super().__init__(path)
        self._most = most

    def read(self, size: int = -1) -> bytes:
        if size < 0:
            size = os.fstat(self.fileno()).st_size - self.tell()
        if size > self._most:
            raise Refused("its list of contents is too long: ask for a zip file of the notebooks alone")
        return super().read(size)


def unpack(path: Path, folder: Path, limits: Limits, flatten: bool = True) -> Limits:
    """Unpack the zip file at `path` into `folder`; returns what is left of `limits`.

    Raises Refused, and then what is in `folder` does not count. Files keep their dates. Hidden files, answer keys and
    what systems leave in zip files are passed over. flatten: a single folder around everything is left out.
    """
    refuse_special(path)
    limits.less(0, path.stat().st_size)
    try:
        with _Bounded(path, max(limits.listing, 2**17)) as file, zipfile.ZipFile(file) as archive:
            members = _members(archive, limits, flatten)
            for place, info in members.items():
                size = _write(archive, info, folder / place, min(limits.file, limits.total), info.filename)
                limits = limits.less(1, size)
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, RuntimeError, OverflowError) as error:
        raise Refused(f"it is no zip file, or a damaged one ({error}): ask for it to be zipped again") from error
    except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
        raise Refused("it holds a file and a folder of the same name: ask for it to be zipped again") from error
    except OSError as error:
        raise Refused(f"it cannot be unpacked here: {error.strerror}") from error
    return limits


def refuse_special(path: Path) -> None:
    """Raises Refused unless `path` is a file: no link, no device."""
    if not stat.S_ISREG(path.lstat().st_mode):
        raise Refused(f"{path.name} is a link or a device, no file")


def safe_place(name: str) -> PurePosixPath:
    """Where a file of that name goes, below its folder; raises Refused for names that lead elsewhere."""
    plain = unicodedata.normalize("NFC", name.replace("\\", "/"))
    parts = [part for part in plain.split("/") if part not in ("", ".")]
    if plain.startswith("/") or ".." in parts or re.match(r"[A-Za-z]:", plain):
        raise Refused(f"it holds a file that leads out of its folder, {name!r}")
    if not parts or len(parts) > _DEEPEST or any(len(part.encode("utf-8", "replace")) > _LONGEST for part in parts):
        raise Refused("it holds a file whose name is too long or empty")
    if not all(map(is_plain, parts)):
        raise Refused(f"it holds a file whose name has unprintable characters, {name!a}: ask for another name")
    return PurePosixPath(*parts)


def is_plain(name: str) -> bool:
    """Whether a file may be called so: no control characters, and nothing that is no character."""
    return not any(unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp") for letter in name)


def is_junk(place: PurePosixPath) -> bool:
    return place.name.endswith(KEY) or any(part.startswith(".") or part in JUNK for part in place.parts)


def _members(archive: zipfile.ZipFile, limits: Limits, flatten: bool) -> dict[PurePosixPath, zipfile.ZipInfo]:
    """The files to unpack, by their places. Nothing of them has been read yet."""
    limits.less(len(archive.infolist()), 0)
    members: dict[PurePosixPath, zipfile.ZipInfo] = {}
    seen = set()
    for info in archive.infolist():
        place = safe_place(info.filename)
        if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise Refused(f"it holds a link, {info.filename!r}: ask for the file itself")
        if info.is_dir() or info.filename.endswith("\\") or is_junk(place):
            continue
        if info.flag_bits & 1:
            raise Refused("it is locked with a password: ask for it without one")
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise Refused("it is packed in an unusual way: ask for an ordinary zip file")
        if str(place).casefold() in seen:
            raise Refused(f"it holds two files called {info.filename!r}: ask for it to be zipped again")
        seen.add(str(place).casefold())
        members[place] = info
    limits.less(len(members), sum(info.file_size for info in members.values()))
    while flatten and members and len({place.parts[0] for place in members}) == 1 and min(map(_depth, members)) > 1:
        members = {PurePosixPath(*place.parts[1:]): info for place, info in members.items()}
    return members


def _depth(place: PurePosixPath) -> int:
    return len(place.parts)


def _write(archive: zipfile.ZipFile, info: zipfile.ZipInfo, target: Path, most: int, name: str) -> int:
    """Unpack one file of at most `most` bytes, whatever its header promises; returns its size."""
    target.parent.mkdir(parents=True, exist_ok=True)
    size = 0
    with archive.open(info) as source, open(target, "xb") as file:
        while chunk := source.read(_CHUNK):
            size += len(chunk)
            if size > most:
                raise Refused(f"{name!r} in it is too large: ask for it without its outputs, or for less")
            file.write(chunk)
    try:
        date = time.mktime((*info.date_time, 0, 0, -1))
        os.utime(target, (date, date))
    except (ValueError, OverflowError):
        pass  # a date that there never was: that of unpacking will do
    return size
