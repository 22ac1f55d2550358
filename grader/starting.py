"""The instructors' part of a course's files, which `cs231n start --instructor` lays out."""

from pathlib import Path

from cs231n_kit.installation import course_files

_README = Path(__file__).with_name("instructor_readme.md")


def instructors_files() -> dict[str, bytes]:
    """Solutions, configuration and instructors' pages, by their places in a course."""
    files = course_files("instructors", Path(__file__).resolve().with_name("course"))
    return {place: path.read_bytes() for place, path in files.items()} | {"README.md": _README.read_bytes()}
