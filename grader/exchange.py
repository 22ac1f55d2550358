"""nbgrader's exchange, without its trust in what students leave there."""

import os
import pwd
import re
import shutil
import stat
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from nbgrader.exchange.default import ExchangeCollect
from nbgrader.utils import parse_utc

COPYING = 300  # seconds that handing in may take


class NotCollected(Exception):
    """A submission that is left where it is; the message says why."""


class Collect(ExchangeCollect):
    """`nbgrader collect` without surprises.

    nbgrader itself follows the links in a submission with the instructor's rights, to the solutions for instance,
    takes what one student hands in under another's name, and stops at the first folder that it cannot read. Here only
    regular files that belong to the student are collected, and what is wrong with one submission stops no other.
    """

    def start(self) -> None:
        """Put copies of the good submissions aside, and let nbgrader collect from there."""
        inbound = Path(self.root) / self.coursedir.course_id / "inbound"
        if not inbound.is_dir():
            self.fail(f"Nothing was released through the exchange yet: there is no {inbound}")
        with tempfile.TemporaryDirectory(prefix="cs231n-collect-") as aside:
            good = Path(aside) / self.coursedir.course_id / "inbound"
            good.mkdir(parents=True)
            for path in sorted(inbound.iterdir()):
                try:
                    self._put_aside(path, good / path.name)
                except (NotCollected, OSError) as error:
                    shutil.rmtree(good / path.name, ignore_errors=True)
                    self.log.error("Not collected: %r: %s", path.name, error)
            self.root = aside
            self.check_owner = False  # was done
            super().start()

    def _put_aside(self, source: Path, target: Path) -> None:
        student, assignment, timestamp = _parse(source.name)
        if assignment != self.coursedir.assignment_id:
            return
        owner = source.lstat().st_uid
        try:
            its_own = pwd.getpwnam(student).pw_uid == owner
        except KeyError:
            raise NotCollected(f"there is no account {student!r} on this machine") from None
        if not its_own:
            raise NotCollected(f"somebody else handed it in under the name of {student}")
        left_out, changed = copy_files_of(owner, source, target, 1000 * self.coursedir.max_dir_size)
        if left_out:
            self.log.warning("%r: left out what is not a file of %s: %s", source.name, student, ", ".join(left_out))
        if changed > parse_utc(timestamp).replace(tzinfo=UTC).timestamp() + COPYING:
            then = datetime.fromtimestamp(changed, UTC).strftime("%Y-%m-%d %H:%M")
            self.log.warning("%r: was changed after the time in its name, at %s UTC", source.name, then)
        (target / "timestamp.txt").write_text(timestamp)


def _parse(name: str) -> tuple[str, str, str]:
    """Student, assignment and time of a submission's folder."""
    match = re.fullmatch(r"(?P<student>[^+]+)\+(?P<assignment>[^+]+)\+(?P<time>[^+]+)(\+[^+]*)?", name)
    try:
        parse_utc(match["time"])
        return match["student"], match["assignment"], match["time"]
    except Exception:
        raise NotCollected("its name is not one that nbgrader gives") from None


def copy_files_of(owner: int, source: Path, target: Path, most_bytes: int) -> tuple[list[str], float]:
    """Copy the regular files that belong to the user id `owner`.

    No link is followed, even where a file is replaced by one meanwhile. Returns the names of whatever else is there,
    and when something of it was last changed (seconds since the epoch), which unlike other times nobody can set.

    Raises:
        NotCollected: it is more than `most_bytes`.
    """
    left_out, left, changed = [], most_bytes, 0.0
    for folder, folders, names, handle in os.fwalk(source, follow_symlinks=False):
        place = target / os.path.relpath(folder, source)
        place.mkdir(parents=True, exist_ok=True)
        changed = max(changed, os.fstat(handle).st_ctime)
        left_out += [name for name in folders if (Path(folder) / name).is_symlink()]
        for name in names:
            try:
                opened = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=handle)
            except OSError:
                left_out.append(name)
                continue
            with open(opened, "rb") as file:
                found = os.fstat(opened)
                if not stat.S_ISREG(found.st_mode) or found.st_uid != owner:
                    left_out.append(name)
                    continue
                data = file.read(left + 1)
            left -= len(data)
            if left < 0:
                raise NotCollected(f"it is larger than {most_bytes / 1e6:.0f} MB")
            changed = max(changed, found.st_ctime)
            (place / name).write_bytes(data)
    return [ascii(name) for name in left_out], changed
