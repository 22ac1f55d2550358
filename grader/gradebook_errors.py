"""What the gradebook's database, its disk and its server complain about, and how to mend it."""

import errno
import shlex
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Timer

from nbgrader.api import InvalidEntry
from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, OperationalError

from .errors import CourseError

BACKUPS = "backups"
PATIENCE = 30  # seconds to wait for somebody else who writes to the gradebook
SLOW = 5  # seconds after which it is said that it waits
STORED = "Nothing that was stored is lost; the same command goes on from there."
INSTALL = 'pip install -c constraints.txt -e ".[postgresql]"'
UNREACHABLE = "Does the server run, can it be reached from here, are user, password and database in the URL right?"
OTHER_SCHEMA = "It was made by another nbgrader. Next, after a backup: nbgrader db upgrade"
OWNER = "Its user must be allowed to create and change tables there: make it the database's owner."

# What PostgreSQL's errors begin with ("PostgreSQL Error Codes" in its manual), and what to do about them.
MENDS = {
    "08": UNREACHABLE,
    "28": "Is the user right, and the password, in the URL or in ~/.pgpass?",
    "3D": "Next: createdb, with the name of that database.",
    "3F": OWNER,
    "25006": "It can only be read: give the URL of the server that takes changes.",
    "40P01": "Another program changes the same grades.",
    "42501": OWNER,
    "42P01": OTHER_SCHEMA,
    "42703": OTHER_SCHEMA,
    "53100": "The server's disk is full: free some space there.",
    "53300": "The server has no connection left: close some.",
    "55P03": f"Another program has kept it locked for {PATIENCE} seconds: close formgrader and other commands.",
    "57P": UNREACHABLE,
}


def shown(db_url: str | URL) -> str:
    """The gradebook's file, or its URL without password and options, to be named in messages."""
    url = parsed(db_url)
    return url.database or "sqlite://" if is_sqlite(url) else url.set(query={}).render_as_string()


@contextmanager
def explained(db_url: str, tell: Callable[[str], None] | None = None) -> Iterator[None]:
    """Turns what the database, the disk or the server says inside into a CourseError with the mend.

    tell: is given a line to show, in another thread, when what is inside takes long.
    """
    waiting = f"Waiting for {shown(db_url)}, which another program may be writing to (at most {PATIENCE} seconds) ..."
    timer = Timer(SLOW, tell or str, (waiting,))
    timer.daemon = True
    if tell:
        timer.start()
    try:
        yield
    except Exception as error:
        if message := _explanation(error, db_url):
            raise CourseError(message) from error
        raise
    finally:
        timer.cancel()


def _explanation(error: BaseException, db_url: str) -> str:
    """What to tell the instructor; "" for what is no matter of the gradebook."""
    if isinstance(error, InvalidEntry) and error.__context__:  # nbgrader's own word for any error of a database
        error = error.__context__
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"The disk of {error.filename or shown(db_url)} is full. Free some space. {STORED}"
    reason = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(reason, sqlite3.Error):
        return _of_sqlite(reason, shown(db_url))
    if isinstance(error, DBAPIError):
        return _of_server(error, db_url)
    if isinstance(error, NoSuchModuleError) or (isinstance(error, ImportError) and _is_driver(error.name, db_url)):
        return f"The driver for {shown(db_url)} is not installed. For postgresql+psycopg:// it is: {INSTALL}"
    return ""


def _of_sqlite(error: sqlite3.Error, file: str) -> str:
    name = getattr(error, "sqlite_errorname", "")
    folder = Path(file).parent
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return (
            f"The gradebook {file} is locked: another program has been writing to it for {PATIENCE} seconds. Close "
            f"what has it open (formgrader, another command, a database browser). {STORED}"
        )
    if name.startswith("SQLITE_FULL"):
        return f"The disk of the gradebook {file} is full. Free some space. {STORED}"
    if name.startswith("SQLITE_IOERR"):
        return f"The gradebook {file} fails: {error}. Is its disk full, damaged or gone? {STORED}"
    if name.startswith(("SQLITE_CANTOPEN", "SQLITE_READONLY_DIRECTORY")):
        return f"The gradebook {file} cannot be opened: you must be able to write to it and to {folder}. {STORED}"
    if name.startswith("SQLITE_READONLY"):
        return f"The gradebook {file} is read-only for you. Next: chmod u+w {shlex.quote(file)}. {STORED}"
    if name.startswith(("SQLITE_NOTADB", "SQLITE_CORRUPT")):
        return damaged(file, str(error))
    if "no such table" in str(error) or "no such column" in str(error):
        return f"The gradebook {file} cannot be used: {error}. {OTHER_SCHEMA}"
    return ""


def damaged(file: str, words: str) -> str:
    """What to tell of a damaged file."""
    folder = Path(file).parent / BACKUPS
    newest = max(folder.glob("gradebook-*.db"), default=folder / "gradebook-TIME.db")
    mend = f"cp {shlex.quote(str(newest))} {shlex.quote(file)}"
    return f"The gradebook {file} is damaged: {words}. Next, to go back to the newest backup: {mend}"


def _of_server(error: DBAPIError, db_url: str) -> str:
    words = " ".join(str(error.orig).split())
    if password := parsed(db_url).password:
        words = words.replace(password, "***")
    words += "" if words.endswith(("?", ".")) else "."
    state = getattr(error.orig, "sqlstate", None)
    mends = [mend for start, mend in MENDS.items() if state and state.startswith(start)]
    if not mends and isinstance(error, OperationalError):
        mends = [UNREACHABLE]
    return f"The gradebook {shown(db_url)} cannot be used: {words} {mends[0]} {STORED}" if mends else ""


def _is_driver(module: str | None, db_url: str) -> bool:
    return (module or "").lower() == parsed(db_url).get_driver_name()


def parsed(db_url: str | URL) -> URL:
    """The parts of the URL; raises CourseError where it is none."""
    try:
        return make_url(db_url)
    except (ArgumentError, ValueError):  # the URL itself may hold a password
        raise CourseError(
            "The URL of the gradebook is none: write it like postgresql+psycopg://USER@HOST/DATABASE, as "
            "CourseDirectory.db_url in nbgrader_config.py or in $CS231N_GRADEBOOK."
        ) from None


def is_sqlite(url: URL) -> bool:
    """Whether it is a file, and no server."""
    return url.get_backend_name() == "sqlite"
