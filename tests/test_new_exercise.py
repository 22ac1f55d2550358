"""docs/new-exercise.md, followed step by step: what stands there is what is run here."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from typer.testing import CliRunner

from cs231n_kit.command_line import build_app
from cs231n_kit.starting import write_folder
from grader.check import load_checks
from grader.course import Course
from grader.starting import instructors_files

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "new-exercise.md").read_text(encoding="utf-8")
CELL = re.compile(
    r"^Cell \d, (?P<kind>Markdown|code), "
    r"(?:no type|\*(?P<type>[\w ]+)\*, ID `(?P<id>\w+)`(?:, (?P<points>\d+) points)?)"
    r"[.:][^`]*?\n```\w+\n(?P<source>.*?)\n```$",
    re.MULTILINE | re.DOTALL,
)
TYPES = {  # as nbgrader's panel "Create assignment" marks cells
    "Autograded answer": {"grade": False, "solution": True, "locked": False, "task": False},
    "Autograded tests": {"grade": True, "solution": False, "locked": True, "task": False},
}


def blocks(language):
    """The code blocks in this language, by the headings over them."""
    parts = re.split(r"^## (.*)$", PAGE, flags=re.MULTILINE)[1:]
    found = zip(parts[::2], parts[1::2], strict=True)
    return {title: re.findall(rf"^```{language}\n(.*?)^```$", text, re.M | re.S) for title, text in found}


def notebook():
    """The notebook as the page says it."""
    cells = []
    for match in CELL.finditer(PAGE):
        new = nbformat.v4.new_markdown_cell if match["kind"] == "Markdown" else nbformat.v4.new_code_cell
        cell = new(match["source"])
        if match["type"]:
            points = {"points": int(match["points"])} if match["points"] else {}
            cell.metadata.nbgrader = {"schema_version": 3, "grade_id": match["id"], **TYPES[match["type"]], **points}
        cells.append(cell)
    kernel = {"name": "python3", "display_name": "Python 3"}
    return nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})


def shell(text, cwd):
    """Run lines of the page in a shell that knows `cs231n`; returns what they print."""
    python = f'"{sys.executable}"'
    head = f'cs231n() {{ {python} -m cs231n_kit.command_line "$@"; }}\npython() {{ {python} "$@"; }}\nset -e\n'
    done = subprocess.run(["bash", "-c", head + text], cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return " ".join(done.stdout.split())


@pytest.fixture(scope="module")
def followed(tmp_path_factory):
    """A course after all steps of the page, and what each of them printed."""
    root = tmp_path_factory.mktemp("course") / "mycourse"
    write_folder(instructors_files(), root)
    steps, told = blocks("bash"), {}
    (prepare,) = next(lines for title, lines in steps.items() if title.startswith("1."))
    assert prepare.endswith("\ncs231n lab\n")
    shell(prepare.removesuffix("cs231n lab\n"), root)
    (place,) = set(re.findall(r"`(solutions/\S+\.ipynb)`", PAGE))
    nbformat.write(notebook(), root / place)
    (checks,) = (text for text in blocks("python")["2. The checks"])
    (root / re.search(r"Write `(\S+)`", PAGE)[1]).write_text(checks, encoding="utf-8")
    for title, lines in steps.items():
        if title[:2] in ("3.", "4."):
            told[title[:1]] = shell("".join(lines), root)
    return Course(root), told


def test_the_page_has_a_notebook_of_four_cells():
    assert [cell.cell_type for cell in notebook().cells] == ["markdown", "code", "code", "code"]
    assert len(re.findall(r"^Cell \d", PAGE, re.M)) == 4
    nbformat.validate(notebook())


def test_the_answer_passes_and_is_cut_out_for_students(followed):
    course, told = followed
    assert "1 of 1 checks passed" in told["3"]
    released = course.path("release", "assignment4")
    assert {path.name for path in released.iterdir()} == {"mirror.ipynb", "mirror_key.npz"}
    text = (released / "mirror.ipynb").read_text()
    assert "raise NotImplementedError()" in text and "::-1" not in text


def test_three_students_get_what_the_page_says(followed):
    course, _ = followed
    scores = {grade.student: (grade.score, grade.points) for grade in course.grades("assignment4")}
    assert scores == {"ada": (4, 4), "ben": (0, 4), "cleo": (0, 4)}
    assert re.search(r"Ada has 4 points, Ben and Cleo have none", PAGE)
    page = course.root / re.search(r"`(feedback/ben/\S+)`", PAGE)[1]
    assert "Your images stand on their heads" in page.read_text()
    assert "Your images stand" not in Path(str(page).replace("ben", "cleo")).read_text()


def test_the_second_mistake_is_told_from_the_first(followed):
    course, _ = followed
    (check,) = load_checks("mirror", course.root).checks
    colours = check.mistakes[1]
    (folder,) = [course.path("submitted", "assignment4", "dan")]
    folder.mkdir(parents=True)
    solution = (course.root / "solutions" / "assignment4" / "mirror.ipynb").read_text()
    ((old, new),) = colours.replace
    (folder / "mirror.ipynb").write_text(solution.replace(old, new))
    assert [graded.problem for graded in course.autograde("assignment4", ["dan"])] == [""]
    (page,) = course.feedback("assignment4", "dan")
    assert colours.hint in page.read_text()
    assert next(grade.score for grade in course.grades("assignment4") if grade.student == "dan") == 0


def test_cleaning_up_leaves_nobody(followed):
    course, _ = followed
    command = re.search(r"`(nbgrader db student remove) ada( --force)`", " ".join(PAGE.split()))
    nbgrader = [str(Path(sys.executable).with_name("nbgrader")), *command[1].split()[1:]]
    for student in ("ada", "ben", "cleo"):
        for step in ("submitted", "autograded", "feedback"):
            shutil.rmtree(course.root / step / student)
        subprocess.run([*nbgrader, student, *command[2].split()], cwd=course.root, check=True, capture_output=True)
    assert not {grade.student for grade in course.grades("assignment4")} & {"ada", "ben", "cleo"}


@pytest.mark.parametrize("name", re.findall(r"`python -m pydoc (\S+)`", PAGE))
def test_where_the_page_sends_its_reader_there_is_something_to_read(name):
    done = subprocess.run([sys.executable, "-m", "pydoc", name], capture_output=True, text=True, check=True)
    assert "No Python documentation found" not in done.stdout
    assert len(done.stdout) > 500


# --- checks of a course's own ---


def make(folder, text, name="knn"):
    (folder / "checks").mkdir(exist_ok=True)
    (folder / "checks" / f"{name}.py").write_text(text)


def test_a_courses_own_checks_come_first_and_are_read_again_when_they_change(tmp_path):
    assert load_checks("knn", tmp_path) is load_checks("knn")
    text = "from grader.check import NotebookChecks\nCHECKS = NotebookChecks((), masked=('{}',))"
    for masked in ("one", "two"):
        make(tmp_path, text.format(masked))
        assert load_checks("knn", tmp_path).masked == (masked,)
    assert load_checks("svm", tmp_path) is load_checks("svm")
    make(tmp_path, text.format("three"), name="week 1-a")
    assert load_checks("week 1-a", tmp_path).masked == ("three",)
    assert load_checks("week 1-a") is None


@pytest.mark.parametrize(
    ("checks", "words"),
    [
        ("CHECK = 1", "checks/mirror.py defines no CHECKS = NotebookChecks(...)"),
        ("CHECKS = ", "checks/mirror.py cannot be used: SyntaxError: invalid syntax (mirror.py, line 1)"),
        ("CHECKS = Check()", "checks/mirror.py cannot be used: NameError: name 'Check' is not defined"),
        ("from grader.check import NotebookChecks\nCHECKS = NotebookChecks(())", "none of the checks of mirror is for"),
        (None, "mirror.ipynb calls checks (mirror), and there are none: write checks/mirror.py"),
    ],
)
def test_release_says_what_is_wrong_with_the_checks(tmp_path, checks, words):
    write_folder(instructors_files(), tmp_path / "course")
    (tmp_path / "course" / "solutions" / "assignment4").mkdir()
    nbformat.write(notebook(), tmp_path / "course" / "solutions" / "assignment4" / "mirror.ipynb")
    if checks is not None:
        make(tmp_path / "course", checks, "mirror")
    result = CliRunner().invoke(build_app(), ["release", "assignment4", "--course", str(tmp_path / "course")])
    assert result.exit_code == 2
    assert words in " ".join((result.output + result.stderr).split())
