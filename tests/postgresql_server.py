"""A PostgreSQL server of the tests' own, which no network reaches."""

import os
import pwd
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL

from cs231n_kit import doctor

USER, PASSWORD = "instructor", "pass word's: 50%"


class Server:
    """Its data and its socket are in `folder`."""

    def __init__(self, folder: Path, programs: Path, owner: dict):
        self._folder, self._programs, self._owner = folder, programs, owner
        word = folder / "password"
        word.write_text(PASSWORD)
        word.chmod(0o644)
        self.run("initdb", f"--pgdata={folder}/data", f"--username={USER}", f"--pwfile={word}", "--auth=scram-sha-256",
                 "--encoding=UTF8", "--no-locale", "--no-sync")  # fmt: skip
        self.start()

    def start(self):
        options = f"-c listen_addresses= -c unix_socket_directories={self._folder} -c fsync=off"
        self.control("start", "--wait", "--options", options, "--log", f"{self._folder}/log")

    def stop(self):
        """As if its machine failed."""
        self.control("stop", "--wait", "--mode=immediate")

    def control(self, *arguments):
        self.run("pg_ctl", f"--pgdata={self._folder}/data", *arguments)

    def run(self, program, *arguments, **options):
        command = [self._programs / program, *arguments]
        options = {"check": True, "stdout": subprocess.DEVNULL, **self._owner, **options}
        return subprocess.run(command, cwd=self._folder, **options)

    def url(self, database="postgres", user=USER, password=PASSWORD, folder=None):
        address = {"host": str(folder or self._folder)}
        parts = URL.create("postgresql+psycopg", user, password, database=database, query=address)
        return parts.render_as_string(hide_password=False)

    def sql(self, words, database="postgres"):
        """Run one statement; returns the rows that it gives."""
        import psycopg

        with psycopg.connect(
            host=str(self._folder), user=USER, password=PASSWORD, dbname=database, autocommit=True
        ) as connection:
            done = connection.execute(words)
            return done.fetchall() if done.description else []

    def database(self, name):
        """The URL of a new empty database."""
        self.sql(f"CREATE DATABASE {name}")
        return self.url(name)


@contextmanager
def running():
    """A server that is there while the context is; root hands it to another user, as which it must run."""
    programs = doctor.find_postgresql()
    assert programs, "PostgreSQL is not installed: cs231n doctor --tests names the mend"
    folder = Path(tempfile.mkdtemp(prefix="cs231n-"))  # near the root: the name of a socket must be short
    owner = {}
    if os.geteuid() == 0:
        who = pwd.getpwnam("nobody")
        owner = {"user": who.pw_uid, "group": who.pw_gid, "extra_groups": []}
        os.chown(folder, who.pw_uid, who.pw_gid)
    try:
        server = Server(folder, programs, owner)
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder)
