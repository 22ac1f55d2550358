"""`cs231n bundle`: what students get, what they do not get, and that it works."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import nbformat
import pytest
from typer.testing import CliRunner

from cs231n_kit.command_line import build_app
from grader import bundling
from grader.course import Course, CourseError

ROOT = Path(__file__).parents[1]
SECRETS = (
    *("solutions/assignment1/knn.ipynb", "grader/checks/knn.py", "tests/test_knn.py", "nbgrader_config.py"),
    *("gradebook.db", "gradebook.db.2026-01-01.backup", ".course-secret", "submitted/ada/assignment1/knn.ipynb"),
    *("backups/gradebook-2026-01-01.db", ".grading.json"),
    *("notebooks/trained.npz", "notebooks/my plans.txt", "assignments/assignment1/softmax_trained.npz"),
    *("submitted_earlier/ada/1/knn.ipynb", "assignments/assignment1-ada.zip", "docs/instructors.md"),
)


def git(course, *arguments):
    subprocess.run(["git", "-C", str(course), *arguments], check=True, capture_output=True)


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """A course in git: what students need from this one, and files with secrets in them; some of these are ignored."""
    root = tmp_path_factory.mktemp("template") / "my course"
    junk = shutil.ignore_patterns("__pycache__", "*_trained.npz", ".ipynb_checkpoints", "*.zip")
    for name in set(bundling.FOLDERS) - {"datasets"}:
        shutil.copytree(ROOT / name, root / name, ignore=junk)
    (root / "datasets").mkdir()
    for name in (*bundling.FILES, "datasets/registry.json", "datasets/README.md"):
        shutil.copy(ROOT / name, root / name)
    for name in SECRETS:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("secret")
    shutil.copy(ROOT / "nbgrader_config.py", root)
    git(root, "init")
    git(root, "add", "--", ".", ":!notebooks/my plans.txt")
    (root / "assignments" / "assignment9").mkdir()
    (root / "assignments" / "assignment9" / "new.ipynb").write_text("{}")
    return root


@pytest.fixture
def course(template, tmp_path):
    return shutil.copytree(template, tmp_path / "my course", symlinks=True)


@pytest.fixture(scope="module")
def copy(template, tmp_path_factory):
    """The unpacked students' copy."""
    target = tmp_path_factory.mktemp("hand out") / "week 1.zip"
    result = run("bundle", target, "--course", template)
    assert result.exit_code == 0, result.output
    assert "assignments/assignment9/new.ipynb is left out: git does not keep it" in result.output
    assert result.output.count("!") == 1
    with zipfile.ZipFile(target) as archive:
        archive.extractall(target.parent)
        assert {info.external_attr >> 16 for info in archive.infolist()} == {0o644}
    return target.parent / "cs231n-kit"


def run(*arguments):
    result = CliRunner().invoke(build_app(), [str(argument) for argument in arguments])
    result.words = " ".join(result.output.split())
    return result


def test_students_get_the_course_and_no_secret(template, copy):
    there = {path.relative_to(copy).as_posix(): path.read_bytes() for path in copy.rglob("*") if path.is_file()}
    assert not set(SECRETS) & set(there)
    assert not [place for place, content in there.items() if content == b"secret"]
    assert {place.partition("/")[0] for place in there} == {*bundling.FOLDERS, *bundling.FILES, "README.md"}
    for place in ("notebooks/00_start_here.ipynb", "assignments/assignment2/dropout_key.npz", "cs231n_kit/__init__.py"):
        assert there[place] == (template / place).read_bytes()
    released = {place: content for place, content in there.items() if re.match(r"assignments/assignment.*ipynb", place)}
    assert len(released) >= 10
    for place, content in released.items():
        assert there[place.replace("assignments/", "assignments/.released/")] == content


def test_it_installs_without_the_grader(copy):
    text = (copy / "pyproject.toml").read_text()
    project = tomllib.loads(text)
    assert "grader" not in text
    assert project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"] == ["cs231n_kit"]
    own = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["project"]["dependencies"] == own["dependencies"] and project["project"]["scripts"] == own["scripts"]
    assert set(own["optional-dependencies"]) - set(project["project"]["optional-dependencies"]) == {
        *("grading", "test", "cluster", "postgresql")
    }
    for name in (project["project"]["readme"], *project["project"]["license-files"]):
        assert (copy / name).is_file()
    listed = subprocess.run(["make", "help"], cwd=copy, capture_output=True, text=True, check=True).stdout
    assert re.findall(r"^  make (\S+)", listed, re.M) == ["help", "install", "lab", "clean"]
    steps = subprocess.run(["make", "-n", "lab"], cwd=copy, capture_output=True, text=True, check=True).stdout
    assert "--editable ." in steps and "[grading" not in steps
    readme = (copy / "README.md").read_text()
    shown = {*re.findall(r"\bmake ([a-z-]+)", readme), *re.findall(r"\bcs231n ([a-z]+)", readme)}
    assert shown == {"lab", "check", "progress", "submit", "data", "doctor"}
    assert not [link for link in re.findall(r"\]\(([^)#]+)\)", readme) if not (copy / link).exists()]


def test_its_commands_work_without_the_grader(copy):
    script = """
import sys
sys.modules["grader"] = sys.modules["nbgrader"] = None
import cs231n_kit.command_line, cs231n_kit.laboratory
print(cs231n_kit.laboratory.course_folder())
cs231n_kit.command_line.main()
"""
    environment = {**os.environ, "PYTHONPATH": str(copy)}

    def cs231n(*arguments):
        command = [sys.executable, "-c", script, *arguments]
        done = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True)
        assert "Traceback" not in done.stderr, done.stderr
        assert done.stdout.splitlines()[0] == str(copy)
        return done

    checked = cs231n("check", "assignments/assignment1/knn.ipynb")
    assert checked.returncode == 1 and "0 of 5 checks passed" in checked.stdout
    submitted = cs231n("submit", "assignment2")
    assert submitted.returncode == 1 and "not answered yet" in submitted.stdout and "gone" not in submitted.stdout


def damage(course, change):
    path = course / "assignments" / "assignment1" / "knn.ipynb"
    notebook = nbformat.read(path, as_version=4)
    change(next(c for c in notebook.cells if c.metadata.get("nbgrader", {}).get("grade_id") == "predict_labels_answer"))
    nbformat.write(notebook, path)


def solve(cell):
    cell.source = cell.source.replace("raise NotImplementedError()", "return y_train[0]")


def unmark(cell):
    del cell.metadata["nbgrader"]
    cell.source = "### BEGIN SOLUTION\nanswer = 1\n### END SOLUTION"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            lambda c: damage(c, solve),
            "assignments/assignment1/knn.ipynb is not as it was released, in predict_labels_answer",
        ),
        (lambda c: damage(c, unmark), "assignments/assignment1/knn.ipynb holds a solution"),
        (lambda c: (c / "assignments/assignment1/knn.ipynb").write_text("{"), "knn.ipynb cannot be read as a notebook"),
        (lambda c: shutil.rmtree(c / ".git"), "is not in git. Next: git init"),
        (lambda c: git(c, "rm", "--cached", "Makefile"), "git does not keep Makefile"),
        (lambda c: (c / "LICENSE").unlink() or (c / "LICENSE").symlink_to("/etc/passwd"), "LICENSE is a link"),
        (lambda c: (c / "Makefile").write_text("all:\n"), "The Makefile is laid out in a way"),
    ],
)
def test_it_refuses_to_give_away_answers_or_a_copy_that_does_not_work(course, tmp_path, change, words):
    change(course)
    result = run("bundle", tmp_path / "out.zip", "--course", course)
    assert result.exit_code == 2 and words in result.words
    assert not (tmp_path / "out.zip").exists()


def test_what_is_there_already_is_not_overwritten(course, tmp_path):
    contents, _ = bundling.student_copy(Course(course))
    for name in ("new.zip.part", "new.part/thesis.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("mine")
        bundling.write_copy(contents, tmp_path / name.partition(".part")[0])
        assert (tmp_path / name).read_text() == "mine"
    shutil.rmtree(tmp_path / "new")
    for name in ("thesis.zip", "folder/thesis.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("mine")
        with pytest.raises(CourseError, match="is there already"):
            bundling.write_copy(contents, (tmp_path / name) if name.endswith("zip") else tmp_path / "folder")
        assert (tmp_path / name).read_text() == "mine"
    bundling.write_copy(contents, tmp_path / "new")
    assert {
        path.relative_to(tmp_path / "new").as_posix() for path in (tmp_path / "new").rglob("*") if path.is_file()
    } == {*contents}
    assert run("bundle", "--course", course).exit_code == 0
    assert run("bundle", "--course", course).exit_code == 0, "an older bundle is replaced"
    assert (course / "dist" / "cs231n-kit-students.zip").is_file()
    mine = {"thesis.zip", "folder", "new.zip.part", "new.part"}
    assert {path.name for path in tmp_path.iterdir()} == {course.name, "new", "new.zip", *mine}
    assert [path.name for path in (course / "dist").iterdir()] == ["cs231n-kit-students.zip"]
