"""What holds for the repository as a whole: pins, files as they are stored, who may import whom."""

import ast
import os
import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import nbformat
import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
NOTEBOOKS = sorted(
    path for folder in ("notebooks", "solutions", "assignments") for path in (ROOT / folder).rglob("*.ipynb")
)
SOURCE = ("cs231n_kit", "grader", "notebooks", "solutions", "assignments", "tests", "benchmarks", "docs", ".ci")
TEXT = {".py", ".md", ".ipynb", ".toml", ".txt", ".js", ".json", ".yaml", ".cu", ""}


def pins() -> dict[str, str]:
    return dict(line.split("==") for line in (ROOT / "constraints.txt").read_text().splitlines())


# --- pins ---


def test_constraints_hold_names_and_versions_and_nothing_else():
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    assert not [line for line in lines if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*==[0-9][0-9a-z.]*", line)]
    assert len(pins()) == len(lines), "a package is pinned once"


def test_every_direct_dependency_is_pinned():
    project = PROJECT["project"]
    extras = [line for extra in project["optional-dependencies"].values() for line in extra]
    direct = [*project["dependencies"], *extras, *PROJECT["build-system"]["requires"]]
    assert {canonicalize_name(Requirement(line).name) for line in direct} <= set(pins())


def test_the_pins_are_complete_and_fit_together():
    """Follows the requirements of what `make install` asks for, as they are installed here, to the end."""
    pinned = pins()
    optional = PROJECT["project"]["optional-dependencies"]
    todo = [Requirement(line) for line in PROJECT["project"]["dependencies"] + optional["grading"] + optional["test"]]
    seen = set()
    while todo:
        requirement = todo.pop()
        name = canonicalize_name(requirement.name)
        assert name in pinned, f"{name} is not pinned: run make pins"
        assert requirement.specifier.contains(pinned[name]), f"{requirement} contradicts constraints.txt: run make pins"
        if (name, *requirement.extras) in seen:
            continue
        seen.add((name, *requirement.extras))
        for needed in map(Requirement, metadata.requires(name) or []):
            extras = requirement.extras or {""}
            if needed.marker is None or any(needed.marker.evaluate({"extra": extra}) for extra in extras):
                todo.append(needed)
    assert len(seen) > 50


@pytest.mark.parametrize(
    ("folder", "extras"),
    [
        ("cs231n_kit", ["test"]),
        ("grader", ["grading", "cluster"]),
        ("tests", ["grading", "test", "torch"]),
        ("benchmarks", ["grading", "torch"]),
    ],
)
def test_what_is_imported_is_a_declared_dependency(folder, extras):
    """A package that is here only because another one needs it may be gone tomorrow."""
    project = PROJECT["project"]
    lines = project["dependencies"] + [line for extra in extras for line in project["optional-dependencies"][extra]]
    declared = {canonicalize_name(Requirement(line).name) for line in lines}
    distributions = metadata.packages_distributions()
    for path in (ROOT / folder).rglob("*.py"):
        for name in imported(ast.parse(path.read_text(encoding="utf-8"))) & distributions.keys():
            owners = {canonicalize_name(owner) for owner in distributions[name]}
            assert owners & (declared | {"cs231n-kit"}), f"{path} imports {name}: add it to pyproject.toml"


# --- files as they are stored ---


def test_there_are_notebooks_to_look_at():
    assert len(NOTEBOOKS) >= 3


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: str(path.relative_to(ROOT)))
def test_notebooks_are_stored_clean(path):
    notebook = nbformat.read(path, as_version=nbformat.NO_CONVERT)
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    assert "widgets" not in notebook.metadata
    assert notebook.metadata.kernelspec.name == "python3"
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert cell.outputs == [], f"cell {cell.id} is stored with outputs: run pre-commit run --all-files"
            assert cell.execution_count is None


def test_no_file_names_the_machine_it_was_written_on():
    here = [place for place in (str(ROOT), sys.prefix) if len(place) > 5]
    paths = [*ROOT.iterdir(), *(path for folder in SOURCE for path in (ROOT / folder).rglob("*"))]
    for path in paths:
        if path.is_file() and path.suffix in TEXT and path.parent.name != "__pycache__":
            text = path.read_text(encoding="utf-8", errors="replace")
            assert not [place for place in here if place in text], f"{path} names a folder of this machine"


@pytest.mark.parametrize(
    "command", [["check", "--output-format=concise"], ["format", "--diff"]], ids=["lint", "format"]
)
def test_code_and_notebooks_follow_the_style(command):
    done = subprocess.run([sys.executable, "-m", "ruff", *command, "."], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_commit_hooks_take_nothing_from_the_network():
    configuration = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    assert [repository["repo"] for repository in configuration["repos"]] == ["local"]
    hooks = configuration["repos"][0]["hooks"]
    assert {hook["language"] for hook in hooks} == {"system"}
    assert {hook["entry"].split()[0] for hook in hooks} == {".venv/bin/ruff", ".venv/bin/nbstripout"}


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md"])
def test_what_a_page_links_to_exists(page):
    links = re.findall(r"\]\(([^)#]+)\)", (ROOT / page).read_text(encoding="utf-8"))
    assert links
    assert not [link for link in links if "://" not in link and not (ROOT / link).exists()]


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md"])
def test_what_a_page_tells_make_to_do_exists(page):
    listed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    targets = set(re.findall(r"^  make ([a-z-]+)", listed, re.M))
    assert {"lab", "test", "test-long", "demo", "bench", "clean"} <= targets
    shown = set(re.findall(r"(?:`|^)make ([a-z-]+)", (ROOT / page).read_text(encoding="utf-8"), re.M))
    assert shown
    assert shown <= targets


# --- who imports whom ---


def imported(tree: ast.AST) -> set[str]:
    """Top-level names of all absolute imports in a syntax tree."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names.add(node.module.partition(".")[0])
    return names


def test_the_kit_never_imports_the_grader():
    importers = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "cs231n_kit").rglob("*.py")
        if "grader" in imported(ast.parse(path.read_text(encoding="utf-8")))
    }
    assert not importers


def test_notebooks_never_import_the_grader():
    for path in NOTEBOOKS:
        for cell in nbformat.read(path, as_version=4).cells:
            if cell.cell_type == "code":
                assert not re.search(r"^\s*(import|from) grader\b", cell.source, re.M), path


ABSENT = """
import sys

class Others:
    def __init__(self, finder):
        self.finder = finder

    def __getattr__(self, name):
        return getattr(self.finder, name)

    def find_spec(self, name, *more):
        return None if name.partition(".")[0] in {blocked} else self.finder.find_spec(name, *more)

sys.meta_path[:] = map(Others, sys.meta_path)
"""


def loaded_by(module: str, blocked: set[str] = frozenset()) -> set[str]:
    """Top-level names of what `import module` loads in a fresh Python in which the blocked packages are absent."""
    script = f"""{ABSENT.format(blocked=set(blocked) or "()")}
import importlib

before = set(sys.modules)
importlib.import_module("{module}")
print(*(name.partition(".")[0] for name in set(sys.modules) - before))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def test_importing_the_package_loads_at_most_numpy():
    assert loaded_by("cs231n_kit") <= {"cs231n_kit", "numpy"}


@pytest.mark.parametrize(
    "module",
    ["arrays", "checking", "cross_validation", "datasets", "kernels.distance", "neighbors", "networks", "training"],
)
def test_the_core_imports_with_numpy_alone(module):
    own = {"numpy", "cs231n_kit", "grader"}
    others = {name for name in metadata.packages_distributions() if name.isidentifier() and name not in own}
    assert {"numba", "sklearn", "requests"} <= others
    assert "cs231n_kit" in loaded_by(f"cs231n_kit.{module}", blocked=others)


def needed_by(*packages: str) -> set[str]:
    """The distributions that have to be installed for these to work, and they themselves."""
    found, todo = set(), list(packages)
    while todo:
        name = canonicalize_name(todo.pop())
        if name not in found:
            found.add(name)
            needed = map(Requirement, metadata.requires(name) or [])
            todo += [one.name for one in needed if one.marker is None or one.marker.evaluate({"extra": ""})]
    return found


def test_the_tests_of_kernels_run_on_a_bare_gpu_server(tmp_path):
    """They need NumPy, pytest and hypothesis; CuPy is there as well, and nothing else is."""
    there = needed_by("numpy", "pytest", "hypothesis")
    distributions = metadata.packages_distributions()
    blocked = {
        name
        for name, owners in distributions.items()
        if name.isidentifier() and name != "cs231n_kit" and not there & {canonicalize_name(one) for one in owners}
    }
    assert {"scipy", "IPython", "platformdirs", "matplotlib", "numba"} <= blocked
    (tmp_path / "absent.py").write_text(ABSENT.format(blocked=blocked))
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}
    environment.pop("CS231N_DATA", None)
    command = [sys.executable, "-m", "pytest", "-p", "absent", "-q", "-p", "no:cacheprovider", "tests/cuda"]
    for choice in (["--collect-only"], ["-k", "test_dropout or test_small_results or test_twins"]):
        done = subprocess.run([*command, *choice], cwd=ROOT, capture_output=True, text=True, env=environment)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]


@pytest.mark.parametrize("module", ["arrays", "checking", "datasets", "neighbors"])
def test_slow_packages_wait_until_they_are_used(module):
    slow = {"numba", "cupy", "sklearn", "skimage", "scipy", "matplotlib", "requests", "IPython", "anywidget"}
    assert not slow & loaded_by(f"cs231n_kit.{module}")
