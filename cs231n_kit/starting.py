"""A course's folder to work in, laid out from the files that came with the kit: `cs231n start`."""

import re
import shutil
import tempfile
from importlib import metadata
from pathlib import Path

from .assignment_folder import RELEASED
from .installation import PACKAGED, course_files
from .laboratory import FRONT_PAGE

MORE_FILES = "cs231n.course_files"  # entry points: functions that return instructors' files (bytes) by their places
FOR_A_CHECKOUT = ("Makefile", "hatch_build.py", "pyproject.toml")
README = Path(__file__).with_name("student_readme.md")
INSTALLED = """## Install

It is installed already: `cs231n lab`, in this folder, opens it in JupyterLab. A new terminal may have to activate the
environment again into which you installed it.

"""


class StartError(Exception):
    """The folder cannot be laid out; the message says what to do."""


def student_files() -> dict[str, bytes]:
    """What a student starts with, by its place: lectures, released assignments, and what belongs to them."""
    files = course_files("course", PACKAGED)
    contents = {place: path.read_bytes() for place, path in files.items() if place not in FOR_A_CHECKOUT}
    readme = README.read_text(encoding="utf-8")
    contents["README.md"] = re.sub(r"(?ms)^## Install\n.*?(?=^## )", INSTALLED, readme).encode()
    keep_released(contents)
    return contents


def instructor_files() -> dict[str, bytes]:
    """What an instructor starts with: the course, with solutions and the configuration of the grader.

    Raises StartError where the installed package has no solutions.
    """
    others = [entry_point.load()() for entry_point in metadata.entry_points(group=MORE_FILES)]
    if not others:
        raise StartError(
            "There are no solutions here: this is the students' package. Next: install the instructors' one, which "
            "python -m build makes from a checkout of the course."
        )
    students = {place: content for place, content in student_files().items() if RELEASED not in Path(place).parts}
    return {place: content for files in (students, *others) for place, content in files.items()}


def keep_released(contents: dict[str, bytes]) -> None:
    """Add a copy of each released notebook, where `cs231n submit` looks; one that is there replaces the notebook."""
    kept = f"assignments/{RELEASED}/"
    for place in [place for place in contents if place.startswith("assignments/") and place.endswith(".ipynb")]:
        if not place.startswith(kept):
            contents[place] = contents.setdefault(kept + place.removeprefix("assignments/"), contents[place])


def write_folder(contents: dict[str, bytes], folder: Path) -> None:
    """Write files to a folder that is new or empty; all of them or none.

    Raises StartError where something is there already, OSError where it cannot be written.
    """
    folder = folder.resolve()
    refuse_to_overwrite(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        for place, content in contents.items():
            path = unfinished / place
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        folder.mkdir(exist_ok=True)
        for path in unfinished.iterdir():
            path.rename(folder / path.name)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def refuse_to_overwrite(folder: Path) -> None:
    """Raises StartError, with the mend, unless there is nothing at `folder`, or an empty folder."""
    if (folder / FRONT_PAGE).is_file():
        raise StartError(f"{folder} is a course already. Open it with cs231n lab there, or name another folder.")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise StartError(f"{folder} is there already and is not empty; name another folder.")
