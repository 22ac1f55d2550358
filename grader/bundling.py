"""The students' copy of a course: lectures, kit and released assignments, without solutions, checks and grades."""

import os
import re
import subprocess
import tempfile
import time
import tomllib
import zipfile
from pathlib import Path

from cs231n_kit.assignment_folder import KEY, RELEASED, AssignmentError, marked_cells
from cs231n_kit.installation import course_file
from cs231n_kit.starting import FOR_A_CHECKOUT, README, StartError, keep_released, write_folder

from .course import Course, CourseError

FOLDERS = ("assignments", "cs231n_kit", "datasets", "docs", "notebooks")
FILES = (".gitignore", "LICENSE", "Makefile", "constraints.txt", "hatch_build.py", "pyproject.toml")
FOR_INSTRUCTORS = ("docs/instructors.md", "docs/jupyterhub/", "docs/new-exercise.md")
TARGETS = ("help", "install", "lab", "clean", "$(INSTALLED)")  # of the Makefile, that students have use for
NAME = "cs231n-kit"
_KIT = README.parent


def student_copy(course: Course) -> tuple[dict[str, bytes], list[str]]:
    """The files of the students' copy by their places, and those of assignments/ that git does not know.

    Only what git keeps is in it. Raises CourseError, with the mend, where the copy would be wrong or give answers away.
    """
    places = [p for p in _tracked(course.root, *FOLDERS, *FILES) if not p.startswith(f"assignments/{RELEASED}/")]
    contents = {} if (course.root / "pyproject.toml").exists() else _kit()
    missing = sorted({*FILES, "notebooks/00_start_here.ipynb"} - {*places, *contents})
    if missing:
        raise CourseError(
            f"git does not keep {', '.join(missing)}, which students need. Next: git add what is to go out."
        )
    for place in places:
        path = course.root / place
        if path.is_symlink():
            raise CourseError(f"{place} is a link; students need the file itself.")
        if path.is_file() and not place.startswith(FOR_INSTRUCTORS):
            contents[place] = path.read_bytes()
    for place, content in contents.items():
        if place.endswith(".ipynb") and b"BEGIN SOLUTION" in content:
            raise CourseError(f"{place} holds a solution. Next: cs231n release ASSIGNMENT")
    for place in [place for place in contents if place.startswith("assignments/") and place.endswith(".ipynb")]:
        _refuse_answers(course.root / place, place, assignment=place.split("/")[1])
    keep_released(contents)
    contents["pyproject.toml"] = student_project(contents["pyproject.toml"].decode()).encode()
    contents["Makefile"] = student_makefile(contents["Makefile"].decode()).encode()
    contents["README.md"] = README.read_bytes()
    return contents, _unknown(course.root, contents)


def write_copy(contents: dict[str, bytes], target: Path) -> None:
    """Write the copy to a zip file, or to a folder that is new or empty; complete or not at all."""
    try:
        if target.suffix == ".zip":
            target.parent.mkdir(parents=True, exist_ok=True)
            _write_zip(contents, target)
        else:
            write_folder(contents, target)
    except StartError as error:
        raise CourseError(str(error)) from error
    except OSError as error:
        raise CourseError(f"{target} cannot be written: {error.strerror}.") from error


def student_project(text: str) -> str:
    """pyproject.toml without the grader, and without what only instructors and the tests need."""
    sections = re.split(r"^(?=\[)", text, flags=re.MULTILINE)
    dropped = ("[project.entry-points", "[tool.ruff", "[tool.pytest")
    text = "".join(section for section in sections if not section.startswith(dropped))
    for extra in ("grading", "test", "cluster", "postgresql", "instructors"):
        text = re.sub(rf"^{extra} = \[(.*\]|(\n.*)*?\n\])\n", "", text, flags=re.MULTILINE)
    text = text.replace('["cs231n_kit", "grader"]', '["cs231n_kit"]')
    project = tomllib.loads(text)
    extras = project["project"]["optional-dependencies"]
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    foreign = {"grading", "test"} & set(extras) or "entry-points" in project["project"]
    if wheel["packages"] != ["cs231n_kit"] or "instructors" in wheel["hooks"]["custom"] or foreign:
        raise CourseError("pyproject.toml is laid out in a way that bundle does not know: see student_project.")
    return text.rstrip() + "\n"


def student_makefile(text: str) -> str:
    """The Makefile with the targets that students have use for, and without the extras that they do not have."""
    kept = []
    for paragraph in re.sub(r"^PYTEST = .*\n", "", text, flags=re.MULTILINE).split("\n\n"):
        target = re.search(r"^([^\s#:.]\S*):(?!=)", paragraph, re.MULTILINE)
        if target is None or target[1] in TARGETS:
            kept.append(paragraph)
    text = "\n\n".join(kept).replace("'.[grading,test]'", ".")
    text = re.sub(r"^# (The tests of a file|Tests train).*\n", "", text, flags=re.MULTILINE)
    text = re.sub(r"^\.PHONY: help .*$", ".PHONY: help install lab clean", text, flags=re.MULTILINE)
    if "--editable . " not in text or "pytest" in text.partition("clean:")[0]:
        raise CourseError("The Makefile is laid out in a way that bundle does not know: see student_makefile.")
    return text.rstrip() + "\n"


def _kit() -> dict[str, bytes]:
    """The kit and what installs it, for a course that `cs231n start` laid out without them."""
    files = [path for path in sorted(_KIT.rglob("*")) if path.is_file() and "__pycache__" not in path.parts]
    own = {path.relative_to(_KIT.parent).as_posix(): path for path in files if _KIT / "course" not in path.parents}
    return {place: path.read_bytes() for place, path in (own | {n: course_file(n) for n in FOR_A_CHECKOUT}).items()}


def _tracked(root: Path, *places: str) -> list[str]:
    command = ["git", "-C", str(root), "ls-files", "-z", "--", *places]
    try:
        done = subprocess.run(command, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        raise CourseError(
            f"Students get what git keeps, and {root} is not in git. Next: git init, and git add what is to go out."
        ) from None
    return [os.fsdecode(place) for place in done.stdout.split(b"\0") if place]


def _refuse_answers(notebook: Path, place: str, assignment: str) -> None:
    """Raises CourseError unless every marked cell has the text with which it was released."""
    try:
        changed = [cell.name for cell in marked_cells(notebook) if not cell.released]
    except AssignmentError as error:
        raise CourseError(str(error)) from error
    if changed:
        raise CourseError(
            f"{place} is not as it was released, in {', '.join(changed)}: are there answers in it? "
            f"Next: cs231n release {assignment}"
        )


def _unknown(root: Path, contents: dict[str, bytes]) -> list[str]:
    there = [*root.glob("assignments/*/*.ipynb"), *root.glob(f"assignments/*/*{KEY}")]
    places = sorted(path.relative_to(root).as_posix() for path in there)
    return [place for place in places if place not in contents and not place.startswith(f"assignments/{RELEASED}/")]


def _write_zip(contents: dict[str, bytes], target: Path) -> None:
    if target.exists() and not zipfile.is_zipfile(target):
        raise CourseError(f"{target} is there already and is no zip file; name another one.")
    with tempfile.TemporaryDirectory(prefix=".bundle-", dir=target.parent) as folder:
        unfinished = Path(folder) / target.name
        with zipfile.ZipFile(unfinished, "w") as archive:
            for place, content in sorted(contents.items()):
                info = zipfile.ZipInfo(f"{NAME}/{place}", time.localtime()[:6])
                info.external_attr = 0o644 << 16
                archive.writestr(info, content, zipfile.ZIP_DEFLATED)
        os.replace(unfinished, target)
