"""The gradebook of a course kept safe: backups, one run at a time, and what to do when it cannot be written.

It is an SQLite file, or lives in PostgreSQL where `CourseDirectory.db_url` in nbgrader_config.py is such a URL.
A backup is put back, while nothing runs, with

    cp backups/gradebook-TIME.db gradebook.db
    pg_restore --clean --if-exists --no-owner --dbname=postgresql://USER@HOST/DATABASE backups/gradebook-TIME.dump
"""

import filecmp
import json
import os
import shutil
import socket
import sqlite3
import subprocess
import tempfile
from contextlib import AbstractContextManager, closing, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

import psutil
from filelock import FileLock, Timeout
from nbgrader.api import Base, Student, new_uuid
from sqlalchemy import URL, Engine, create_engine, inspect

from .errors import CourseError
from .gradebook_errors import BACKUPS, PATIENCE, damaged, explained, is_sqlite, parsed, shown

LOCK, NOTE = ".grading.lock", ".grading.json"
CONNECTING = 10  # seconds to wait for a server


def with_timeouts(db_url: str) -> str:
    """The URL with a time to wait for those who write to the gradebook, and for its server, unless it names its own."""
    url = parsed(db_url)
    timeouts = {}
    if is_sqlite(url) and url.database:
        timeouts = {"timeout": str(PATIENCE)}
    elif url.get_backend_name() == "postgresql":
        timeouts = {"connect_timeout": str(CONNECTING), "options": f"-c lock_timeout={PATIENCE}s"}
    return url.update_query_dict({**timeouts, **url.query}).render_as_string(hide_password=False)


def back_up(db_url: str, root: Path, keep: int = 10) -> Path | None:
    """Write a backup to `root`/backups, complete or not at all, and remove the oldest beyond `keep`; returns its path.

    Consistent even while something writes. Where the newest backup equals the gradebook, that one is returned.
    None when there is nothing to back up yet, or no pg_dump to do it with. Raises CourseError.
    """
    url = parsed(db_url)
    if is_sqlite(url):
        if not (url.database and Path(url.database).is_file()):
            return None
        suffix, write = ".db", _copy_sqlite
    elif shutil.which("pg_dump"):
        suffix, write = ".dump", _dump_postgresql
    else:
        return None
    folder = root / BACKUPS
    unfinished = None
    try:
        with explained(db_url):
            folder.mkdir(mode=0o700, exist_ok=True)
            descriptor, name = tempfile.mkstemp(dir=folder, prefix=".gradebook-", suffix=suffix)  # 0600
            os.close(descriptor)
            unfinished = Path(name)
            write(url, unfinished)
            made = sorted(folder.glob(f"gradebook-*{suffix}"))
            if made and filecmp.cmp(made[-1], unfinished, shallow=False):
                return made[-1]
            path = folder / f"gradebook-{datetime.now(UTC):%Y-%m-%dT%H-%M-%S.%fZ}{suffix}"
            os.replace(unfinished, path)
            for old in [*made, path][:-keep]:
                old.unlink(missing_ok=True)
            return path
    except (OSError, sqlite3.Error) as error:
        raise CourseError(
            f"No backup of the gradebook can be written to {folder}: {error}. Nothing was done."
        ) from error
    finally:
        if unfinished:
            unfinished.unlink(missing_ok=True)


def _copy_sqlite(url: URL, target: Path) -> None:
    source = f"{Path(url.database).resolve().as_uri()}?mode=ro"
    with (
        closing(sqlite3.connect(source, uri=True, timeout=PATIENCE, isolation_level=None)) as gradebook,
        closing(sqlite3.connect(target)) as copy,
    ):
        # Its own `backup` would wait for ever for somebody who writes; a reader waits for PATIENCE and then has a
        # state that nobody changes.
        gradebook.execute("BEGIN")
        gradebook.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        gradebook.backup(copy)
        if copy.execute("PRAGMA quick_check").fetchone() != ("ok",):  # not in the place of a backup that is whole
            raise CourseError(damaged(url.database, "its pages do not fit together"))
    with target.open("rb") as file:
        os.fsync(file.fileno())


def _dump_postgresql(url: URL, target: Path) -> None:
    options = url.get_dialect()().create_connect_args(url)[1]
    password = options.pop("password", None)  # others could read it in the list of processes
    quoted = {name: str(value).replace("\\", "\\\\").replace("'", "\\'") for name, value in options.items()}
    connection = " ".join(f"{name}='{value}'" for name, value in quoted.items())
    environment = os.environ | ({"PGPASSWORD": password} if password else {})
    with target.open("wb") as file:
        command = ["pg_dump", "--format=custom", "--no-password", f"--dbname={connection}"]
        done = subprocess.run(command, stdout=file, stderr=subprocess.PIPE, env=environment, check=False)
        os.fsync(file.fileno())
    if done.returncode:
        words = done.stderr.decode(errors="replace").strip()
        raise CourseError(
            f"pg_dump cannot back up {shown(url)}: {words}. It must be as new as the server: install the "
            "postgresql-client of the server's version."
        )


@dataclass(frozen=True)
class Run:
    """Who uses a course; since: UTC."""

    who: str
    process: int
    host: str
    since: str
    what: str

    def __str__(self) -> str:
        return f"{self.what}, started by {self.who} on {self.since} UTC (process {self.process} on {self.host})"


class RunLock(AbstractContextManager):
    """While it is entered, no other run can enter one on the same course: it raises CourseError and names this one.

    What a killed run has left is no obstacle. words: what the run does, as "autograde assignment1".
    """

    def __init__(self, root: Path, words: str):
        self._note = root / NOTE
        self._lock = FileLock(root / LOCK, timeout=0, mode=0o666, thread_local=False)  # other users lock it, too
        now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")
        self._run = Run(psutil.Process().username(), os.getpid(), socket.gethostname(), now, words)

    def __enter__(self) -> "RunLock":
        try:
            self._lock.acquire()
        except Timeout:
            raise CourseError(
                f"Another run uses this course: {self._other()}. Wait until it is done, or end it; then give the same "
                "command again."
            ) from None
        except OSError as error:
            raise CourseError(f"{self._lock.lock_file} cannot be locked: {error.strerror}.") from error
        try:
            self._note.unlink(missing_ok=True)  # it may be another user's
            self._note.write_text(json.dumps(asdict(self._run)), encoding="utf-8")
        except OSError as error:
            self._lock.release()
            raise CourseError(f"{self._note} cannot be written: {error.strerror}. Nothing was done.") from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with suppress(OSError):
            self._note.unlink()
        self._lock.release()

    def _other(self) -> str:
        try:
            return str(Run(**json.loads(self._note.read_text(encoding="utf-8"))))
        except (OSError, ValueError, TypeError):
            return "one that has only just begun"


def require_writable(db_url: str) -> None:
    """Raises CourseError, with the mend, unless the gradebook can be reached and written, or made where there is none.

    What it writes to find out, it takes back.
    """
    url = parsed(db_url)
    with explained(db_url):
        engine = create_engine(with_timeouts(db_url))
        try:
            _require_schema(engine, db_url)
            with engine.connect() as connection:
                if is_sqlite(url):  # which would otherwise create tables outside of the transaction
                    connection.exec_driver_sql("BEGIN IMMEDIATE")
                Base.metadata.create_all(connection)
                connection.execute(Student.__table__.insert().values(id=new_uuid()))
                connection.rollback()
        finally:
            engine.dispose()


def _require_schema(engine: Engine, db_url: str) -> None:
    """Raises CourseError where there are other tables than this nbgrader's."""
    there = inspect(engine)
    names = set(there.get_table_names())
    if names and not names & set(Base.metadata.tables):
        raise CourseError(
            f"{shown(db_url)} holds no gradebook but the tables {', '.join(sorted(names))}. Name another database in "
            "CourseDirectory.db_url."
        )
    for name, table in Base.metadata.tables.items():
        if name in names and {c.name for c in table.columns} - {c["name"] for c in there.get_columns(name)}:
            raise CourseError(
                f"{shown(db_url)} was made by an older nbgrader: its table {name} lacks columns. Next, after a copy "
                "of it: nbgrader db upgrade"
            )
