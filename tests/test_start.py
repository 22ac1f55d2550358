"""The installed package: two wheels, an environment for each, and the course that `cs231n start` lays out there.

An environment holds a wheel, installed by pip, and of the packages that are installed here exactly those which the
wheel says it needs, theirs included; their files are linked. So the tests prove that what is declared suffices, and
that no checkout is needed. They do not prove that a package index has it all.
"""

import os
import re
import shutil
import subprocess
import sys
import zipfile
from importlib import metadata
from pathlib import Path

import nbformat
import pytest
from executed_notebook import assert_ran_clean
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from test_command_line import fetch
from typer.testing import CliRunner

from cs231n_kit import starting
from cs231n_kit.command_line import build_app
from grader.demo import answers, fill_in

ROOT = Path(__file__).parents[1]
EXERCISE = "assignment1/knn.ipynb"
SOLUTION = nbformat.read(ROOT / "solutions" / EXERCISE, as_version=4)
LECTURE = "notebooks/01_introduction.ipynb"

# The head of a script, as pip writes it where the path of Python has blanks.
SCRIPT = """#!/bin/sh
'''exec' "{python}" "$0" "$@"
' '''
"""

# Put into an answer: take the functions of a solution notebook that lies anywhere on the path.
STEAL = """
import glob, json, sys
for folder in sys.path:
    for path in glob.glob(f"{folder}/**/solutions/**/knn.ipynb", recursive=True):
        for cell in json.load(open(path))["cells"]:
            if cell["cell_type"] == "code" and "".join(cell["source"]).startswith("def "):
                exec("".join(cell["source"]), globals())
"""


def build(source, target):
    """The wheel that `python -m build` makes, by way of the source distribution."""
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(target), str(source)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = target.glob("*.whl")
    return wheel


class Environment:
    """A virtual environment with a wheel of the course."""

    def __init__(self, folder, wheel, *extras):
        self.folder, self.python = folder, folder / "bin" / "python"
        run([sys.executable, "-m", "venv", "--without-pip", folder])
        run([sys.executable, "-m", "pip", "--python", self.python, "install", "--no-deps", "--no-index", wheel])
        (path,) = folder.glob("lib/python*/site-packages/cs231n_kit-*.dist-info")
        for name in needed(metadata.Distribution.at(path), extras):
            self._link(metadata.distribution(name))

    def _link(self, distribution):
        for file in distribution.files:
            source = Path(os.path.normpath(distribution.locate_file(file)))
            target = self.folder / source.relative_to(sys.prefix)
            if target.exists() or not source.is_file():
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.parent.name == "bin":
                _, _, rest = source.read_bytes().partition(b"\n")
                target.write_bytes(SCRIPT.format(python=self.python).encode() + rest)
                target.chmod(0o755)
                continue
            try:
                os.link(source, target)
            except OSError:  # on another disk
                shutil.copy2(source, target)

    def cs231n(self, *arguments, cwd, code=0, **popen):
        done = run([self.folder / "bin" / "cs231n", *arguments], code=code, cwd=cwd, **popen)
        assert "Traceback" not in done.stdout + done.stderr
        return " ".join(done.stdout.split())


def run(command, code=0, **popen):
    """Run it as somebody would who has no checkout; `code` is how it must end."""
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, env=clean(), **popen)
    assert done.returncode == code, done.stdout + done.stderr
    return done


def clean():
    variables = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "JUPYTER"))}
    return variables | {"COLUMNS": "200"}


def needed(distribution, extras):
    """Names of the installed packages which it requires, directly or not."""
    found, todo = {}, [(distribution, {"", *extras})]
    while todo:
        one, wanted = todo.pop()
        for requirement in map(Requirement, one.requires or []):
            if requirement.marker and not any(requirement.marker.evaluate({"extra": extra}) for extra in wanted):
                continue
            name, more = canonicalize_name(requirement.name), {"", *requirement.extras}
            if not more <= found.setdefault(name, set()):
                found[name] |= more
                todo.append((metadata.distribution(name), more))
    return found


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("a place with spaces")


@pytest.fixture(scope="module")
def wheel(place):
    return build(ROOT, place / "dist")


@pytest.fixture(scope="module")
def instructor(place, wheel):
    return Environment(place / "instructor", wheel, "grading")


@pytest.fixture(scope="module")
def course(place, instructor):
    """What an instructor gets."""
    told = instructor.cs231n("start", "course", "--instructor", cwd=place)
    assert "Next: cd course" in told and "cs231n release assignment1" in told
    return place / "course"


@pytest.fixture(scope="module")
def students_wheel(place, instructor, course):
    """What the instructor hands out, built from the students' copy."""
    for command in (["init", "--quiet"], ["add", "."]):
        run(["git", "-C", course, *command])
    assert "is left out" not in instructor.cs231n("bundle", "dist/students", cwd=course)
    return build(course / "dist" / "students", place / "handed out")


@pytest.fixture(scope="module")
def student(place, students_wheel):
    return Environment(place / "student", students_wheel)


@pytest.fixture(scope="module")
def mine(place, student):
    """What a student gets."""
    told = student.cs231n("start", "my course", cwd=place)
    assert 'Next: cd "my course"' in told and "cs231n lab" in told
    return place / "my course"


def contents(wheel):
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def files(folder):
    """Of a course, by place; what git and a build leave there is none of it."""
    found = (path for path in folder.rglob("*") if path.is_file() and not {".git", "dist"} & set(path.parts))
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


# --- what is in it ---


def test_solutions_are_with_the_grader_and_not_in_the_students_wheel(wheel, students_wheel):
    ours, theirs = contents(wheel), contents(students_wheel)
    solved = {name for name, content in ours.items() if name.endswith(".ipynb") and b"BEGIN SOLUTION" in content}
    assert {Path(name).relative_to("grader/course/solutions") for name in solved} == {
        path.relative_to(ROOT / "solutions") for path in (ROOT / "solutions").rglob("*.ipynb")
    }
    assert {name.partition("/")[0] for name in theirs if "dist-info" not in name} == {"cs231n_kit"}
    assert not [name for name, content in theirs.items() if name.endswith(".ipynb") and b"BEGIN SOLUTION" in content]
    assert not [name for name in theirs if "solutions/" in name]
    assert not [name for name in theirs if Path(name).name in ("instructors.md", "nbgrader_config.py")]
    assert {name for name in ours if re.match(r"cs231n_kit/.*\.(py|js|cu|json)$", name)} <= set(theirs)


def test_every_file_of_the_course_is_in_the_wheel_once(wheel):
    inside = [Path(name) for name in contents(wheel) if "/course/" in name]
    lectures = sorted(path.name for path in inside if path.parent.name == "notebooks")
    assert lectures == sorted(path.name for path in (ROOT / "notebooks").glob("*.ipynb"))
    places = [Path(*path.parts[2:]) for path in inside]
    assert len(places) == len(set(places))
    junk = {".pyc", ".db", ".zip", ".log"}
    assert all((ROOT / path).is_file() for path in places)
    assert not [path for path in places if path.suffix in junk or "_trained" in path.name]


# --- a student ---


def test_a_student_starts_with_lectures_assignments_and_a_copy_of_them(mine):
    there = files(mine)
    tops = {"notebooks", "assignments", "datasets", "docs", "README.md", "LICENSE", "constraints.txt", ".gitignore"}
    assert {place.partition("/")[0] for place in there} == tops
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        assert there[f"notebooks/{path.name}"] == path.read_bytes()
    for path in (ROOT / "assignments").glob("assignment*/*.ipynb"):
        name = f"{path.parent.name}/{path.name}"
        assert there[f"assignments/{name}"] == there[f"assignments/.released/{name}"] == path.read_bytes()
    assert "make" not in there["README.md"].decode().split() and b"cs231n lab" in there["README.md"]


def test_a_student_works_there(mine, student):
    notebook = mine / "assignments" / EXERCISE
    assert "answered in words yet: " in student.cs231n("submit", "assignment1", cwd=mine, code=1)
    answered = fill_in(nbformat.read(notebook, as_version=4), answers(SOLUTION))
    nbformat.write(answered, notebook)
    assert "5 of 5 checks passed" in student.cs231n("check", notebook, cwd=mine)
    assert "knn: 20 of 20 points" in student.cs231n("progress", notebook, "--no-run", cwd=mine)
    told = student.cs231n("submit", "assignment1", "--student", "ada", "--even-so", cwd=mine / "notebooks")
    assert "not answered yet" in told and "gone" not in told
    with zipfile.ZipFile(mine / "assignments" / "assignment1-ada.zip") as archive:
        assert nbformat.reads(archive.read("knn.ipynb").decode(), as_version=4) == answered


def test_doctor_names_mends_that_fit_a_package(mine, student):
    told = student.cs231n("doctor", cwd=mine)
    assert f"Course {mine}" in told and "The course is ready" in told
    assert "make install" not in told and "Sandbox" not in told
    assert "cs231n start mycourse" in student.cs231n("doctor", cwd=mine.parent)
    assert "cs231n start mycourse" in run([student.folder / "bin" / "cs231n", "lab"], 2, cwd=mine.parent).stderr


def test_data_sets_land_in_the_course(mine, student):
    code = "from cs231n_kit.datasets.registry import data_folders, registry; print(data_folders()[0], *registry())"
    told = run([student.python, "-c", code], cwd=mine / "assignments").stdout
    assert told.split(f"{mine / 'datasets'} ")[1].split() == ["cifar10", "fashion_mnist", "digits"]


def test_a_lecture_runs(mine, student):
    command = ["bin/jupyter", "execute", "--inplace", mine / LECTURE]
    run([student.folder / command[0], *command[1:]], cwd=mine)
    assert_ran_clean(nbformat.read(mine / LECTURE, as_version=4))


def test_lab_shows_the_front_page(mine, student):
    program = student.folder / "bin" / "cs231n"
    server = subprocess.Popen(
        [program, "lab", "--no-browser", "--port", "8975"], cwd=mine / "notebooks", env=clean(), text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    try:
        lines = []
        found = None
        for line in server.stdout:
            lines.append(line)
            if found := re.search(r"(http://127\S+?)/lab/tree/(notebooks/00_start_here.ipynb)\?token=(\w+)", line):
                break
        assert found, lines
        base, page, token = found.groups()
        for path, words in ((f"lab/tree/{page}", "JupyterLab"), (f"api/contents/{page}", "Start here")):
            assert words in fetch(f"{base}/{path}?token={token}")
    finally:
        server.terminate()
        server.wait(30)
        server.stdout.close()


# --- an instructor ---


def test_an_instructor_starts_with_the_whole_course(course):
    there = files(course)
    for folder in ("notebooks", "solutions", "assignments"):
        for path in (ROOT / folder).rglob("*.ipynb"):
            assert there[path.relative_to(ROOT).as_posix()] == path.read_bytes()
    assert {"nbgrader_config.py", "docs/instructors.md", "docs/new-exercise.md", "docs/students.md"} <= set(there)
    assert not [place for place in there if ".released" in place], "it would be stale after the next release"
    links = re.findall(r"\]\(([^)#]+)\)", there["README.md"].decode())
    assert links and set(links) <= set(there)


def test_an_instructor_grades_there_and_solutions_cannot_be_read(course, instructor):
    for path in (course / "solutions" / "assignment1").glob("*.ipynb"):
        if path.name != "knn.ipynb":
            path.unlink()
    shutil.rmtree(course / "assignments" / "assignment1")
    instructor.cs231n("release", "assignment1", cwd=course)
    released = nbformat.read(course / "assignments" / EXERCISE, as_version=4)
    right = answers(SOLUTION)
    last = [name for name, source in right.items() if source.startswith("def ")][-1]
    empty = next(c.source for c in released.cells if c.metadata.get("nbgrader", {}).get("grade_id") == last)
    for name, notebook in {
        "ada": fill_in(released, right),
        "mallory": fill_in(released, {last: f"{empty}\n\n{STEAL}"}),
    }.items():
        path = course / "submitted" / name / "assignment1" / "knn.ipynb"
        path.parent.mkdir(parents=True)
        nbformat.write(notebook, path)
    told = instructor.cs231n("autograde", "assignment1", cwd=course)
    assert "ada: 20 of" in told and "mallory: 0 of" in told
    assert "20/" in instructor.cs231n("grades", "assignment1", cwd=course)
    assert "knn.html" in instructor.cs231n("feedback", "assignment1", "--student", "mallory", cwd=course)


def test_without_solutions_there_is_no_instructors_course(student, tmp_path):
    done = run([student.folder / "bin" / "cs231n", "start", "course", "--instructor"], 2, cwd=tmp_path)
    assert "There are no solutions here" in done.stderr
    assert not list(tmp_path.iterdir())


# --- the folder ---


def start(*arguments):
    result = CliRunner().invoke(build_app(), ["start", *map(str, arguments)])
    result.words = " ".join((result.output + result.stderr).split())
    return result


@pytest.mark.parametrize(
    ("there", "words"),
    [
        ("course/thesis.txt", "is there already and is not empty; name another folder"),
        ("course", "is there already and is not empty; name another folder"),
        ("course/notebooks/00_start_here.ipynb", "is a course already. Open it with cs231n lab"),
    ],
)
def test_nothing_is_overwritten(tmp_path, there, words):
    (tmp_path / there).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / there).write_text("mine")
    result = start(tmp_path / "course")
    assert result.exit_code == 2 and words in result.words
    assert files(tmp_path) == {there: b"mine"}


def test_a_new_or_empty_folder_is_filled(tmp_path, monkeypatch):
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    for folder in (".", tmp_path / "new" / "folder"):
        assert start(folder).exit_code == 0
    assert files(tmp_path / "empty") == files(tmp_path / "new" / "folder") != {}
    assert {path.name for path in tmp_path.iterdir()} == {"empty", "new"}


def test_a_disk_that_fills_up_leaves_nothing(tmp_path, monkeypatch):
    def full(path, content):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    result = start(tmp_path / "course")
    assert result.exit_code == 2 and "cannot be written: No space left on device" in result.words
    assert not list(tmp_path.iterdir())


def test_a_student_who_starts_again_gets_notebooks_without_answers():
    kept = {"assignments/.released/a/x.ipynb": b"as released", "assignments/a/x.ipynb": b"answered", "other": b""}
    starting.keep_released(kept)
    assert kept["assignments/a/x.ipynb"] == kept["assignments/.released/a/x.ipynb"] == b"as released"
    new = {"assignments/a/y.ipynb": b"as released"}
    starting.keep_released(new)
    assert new["assignments/.released/a/y.ipynb"] == b"as released"
