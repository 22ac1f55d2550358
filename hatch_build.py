"""Puts the course's files into the wheel; pyproject.toml lists them.

What is for instructors alone, solutions above all, lies with the grader: the sandbox hides that from submissions. It is
not in a wheel that is built from the students' copy, which `cs231n bundle` makes.
"""

from pathlib import Path

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

FOLDERS = {"course": "cs231n_kit/course", "instructors": "grader/course"}


class CourseFiles(BuildHookInterface):
    """An editable installation needs none: it finds the files where they lie."""

    def initialize(self, version: str, build_data: dict) -> None:
        if version == "editable":
            return
        root = Path(self.root)
        for kind, folder in FOLDERS.items():
            for pattern in self.config.get(kind, []):
                for path in filter(Path.is_file, root.glob(pattern)):
                    build_data["force_include"][str(path)] = f"{folder}/{path.relative_to(root).as_posix()}"
