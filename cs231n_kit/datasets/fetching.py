"""Download a file so that nothing half-finished or wrong is ever taken for the real one.

The bytes go to ``<name>.part``, which a later call resumes with an HTTP Range request; only a file with the
expected SHA-256 gets its final name. pooch checks sums as well but starts again from zero after a cut line,
which hurts at 170 MB on a slow one.
"""

import errno
import hashlib
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

from cs231n_kit.datasets.dataset import DatasetError

CHUNK = 1 << 13  # bytes; a cut connection loses less than this
ATTEMPTS_WITHOUT_PROGRESS = 3
TIMEOUT = (10, 30)  # seconds to connect, seconds without a byte


def fetch(urls: Sequence[str], target: Path, size: int, sha256: str, *, pause: float = 1.0) -> None:
    """Download ``target`` (``size`` bytes) from the first of ``urls`` that serves it.

    A cut connection is resumed, waiting ``pause`` seconds first. Raises DatasetError, which names what went
    wrong at each address, when none serves the file with the expected checksum, or when the disk is full.
    """
    from filelock import FileLock

    failures = []
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        # Two notebooks may ask for the same file at once: the second waits and finds it there.
        with FileLock(target.with_name(target.name + ".lock")):
            for url in urls:
                if target.exists():
                    return _check_existing(target, sha256)
                try:
                    _fetch_from(url, target, size, sha256, pause)
                except _Failed as failure:
                    failures.append(f"  {url}: {failure}")
    except OSError as error:
        raise _disk_error(error, target, size) from error
    if not target.exists():
        raise DatasetError(f"{target.name} could not be downloaded.\n" + "\n".join(failures))


class _Failed(Exception):
    """This address does not serve the file."""


def _fetch_from(url: str, target: Path, size: int, sha256: str, pause: float) -> None:
    from tqdm.auto import tqdm

    part = target.with_name(target.name + ".part")
    _check_free_space(part, size)
    with tqdm(total=size, unit="B", unit_scale=True, unit_divisor=1000, desc=target.name) as bar:
        fruitless = 0
        while (have := _length(part)) < size:
            problem = _append(url, part, size, bar)
            fruitless = 0 if _length(part) > have else fruitless + 1
            if fruitless == ATTEMPTS_WITHOUT_PROGRESS:
                raise _Failed(problem or "the connection closes before any data comes")
            if _length(part) < size:
                time.sleep(pause)
    found = _sha256(part)
    if _length(part) != size or found != sha256:
        part.unlink()
        raise _Failed(
            f"serves another file than the expected one (SHA-256 {found[:12]}..., expected {sha256[:12]}...); "
            "it was deleted. A login page of the network or a changed archive are the usual reasons"
        )
    part.replace(target)


def _append(url: str, part: Path, size: int, bar) -> str:
    """Add what the server sends to ``part``; returns what interrupted it, or an empty string.

    Raises _Failed where trying again is pointless.
    """
    import requests

    have = _length(part)
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    try:
        with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT) as response:
            if response.status_code == 416:  # the part is no beginning of this file
                part.unlink()
                return "the server refuses to resume"
            if response.status_code == 429 or response.status_code >= 500:
                return f"the server answers {response.status_code} {response.reason}"
            if not response.ok:
                raise _Failed(f"the server answers {response.status_code} {response.reason}")
            resumes = response.status_code == 206
            if resumes and not response.headers.get("Content-Range", "").startswith(f"bytes {have}-"):
                part.unlink()
                return "the server resumes at the wrong place"
            with part.open("ab" if resumes else "wb") as file:
                bar.n = have if resumes else 0
                for chunk in response.iter_content(CHUNK):
                    file.write(chunk)
                    bar.update(len(chunk))
                    if file.tell() > size:  # an endless or larger file: the checksum will refuse it
                        break
    except requests.RequestException as error:
        return f"{_in_short(error)}"
    return ""


def _check_existing(target: Path, sha256: str) -> None:
    """Accept a file that was put there by hand if it is the right one; never delete it."""
    if _sha256(target) != sha256:
        raise DatasetError(
            f"{target} is not the official file (its SHA-256 does not begin with {sha256[:12]}). "
            "Move it away and try again."
        )


def _length(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _check_free_space(part: Path, size: int) -> None:
    if shutil.disk_usage(part.parent).free < size - _length(part):
        raise OSError(errno.ENOSPC, "No space left on device")


def _disk_error(error: OSError, target: Path, size: int) -> DatasetError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DatasetError(
            f"The disk is full: {target.name} needs {size / 1e6:,.0f} MB in {target.parent}.\n"
            "Free some space and try again (what is there already is kept and resumed), or choose a folder on "
            "another disk with the environment variable CS231N_DATA."
        )
    return DatasetError(
        f"Cannot write {target.name} to {target.parent} ({error.strerror or error}).\n"
        "Choose a folder of your own with the environment variable CS231N_DATA."
    )


def _in_short(error: Exception) -> str:
    """The innermost reason of a network error; the outer ones only name connection pools."""
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__
    return f"no connection ({error})" if str(error) else f"no connection ({type(error).__name__})"
