"""How this kit is installed: from a checkout of the course, or as a package that carries the course's files."""

import sys
import tomllib
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
PACKAGED = Path(__file__).resolve().with_name("course")  # in a package only: see pyproject.toml


def is_package() -> bool:
    """Whether the kit is an installed package, with no checkout of the course around it."""
    return PACKAGED.is_dir()


def course_file(place: str) -> Path:
    """The path of one of the course's files as it came with the kit, for instance "datasets/registry.json"."""
    return (PACKAGED if is_package() else CHECKOUT) / place


def course_files(kind: str, packaged: Path) -> dict[str, Path]:
    """Those of the course's files that pyproject.toml lists as `kind`, by their places.

    packaged: the folder that has them in a package.
    """
    if is_package():
        found = (path for path in sorted(packaged.rglob("*")) if path.is_file() and path.suffix != ".pyc")
        return {path.relative_to(packaged).as_posix(): path for path in found}
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))
    patterns = project["tool"]["hatch"]["build"]["targets"]["wheel"]["hooks"]["custom"].get(kind, [])
    found = (path for pattern in patterns for path in sorted(CHECKOUT.glob(pattern)) if path.is_file())
    return {path.relative_to(CHECKOUT).as_posix(): path for path in found}


def install_command(*extras: str) -> str:
    """The command that installs what the course needs, and these extras; to be run in the course's folder."""
    wanted = f"[{','.join(extras)}]" if extras else ""
    what = f'"cs231n-kit{wanted}"' if is_package() else f'-e ".{wanted}"'
    return f'"{sys.executable}" -m pip install -c constraints.txt {what}'
