"""The `cs231n` command as its users meet it."""

import json
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from importlib import metadata, util

import nbformat
import numpy as np
import platformdirs
import pytest
import typer
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from typer.testing import CliRunner

from cs231n_kit import __version__, command_line, datasets, doctor, laboratory
from cs231n_kit.checking.answer_key import Case, CheckKey, PropertyKey, save_key

COMMAND = [sys.executable, "-m", "cs231n_kit.command_line"]


def run(*arguments):
    """The command in this process, with instructor commands left to their own tests."""
    return CliRunner().invoke(command_line.build_app(), [str(argument) for argument in arguments])


@pytest.fixture(autouse=True)
def offer(monkeypatch):
    """Replaces what other packages add to the command by what the given function loads; to begin with, by nothing."""
    real = metadata.entry_points

    def replace(*loads):
        added = [FakeEntryPoint(load) for load in loads]
        monkeypatch.setattr(
            metadata, "entry_points", lambda **of: added if of == {"group": command_line.COMMANDS} else real(**of)
        )

    replace()
    return replace


# --- help and version ---


def test_version_is_the_packages_version():
    assert run("--version").output.strip() == f"cs231n-kit {__version__}"


def test_help_names_every_command_and_each_explains_itself_with_an_example():
    listing = run("--help")
    assert listing.exit_code == 0
    for command in ("lab", "check", "data", "doctor"):
        assert re.search(rf"\b{command}\b", listing.output)
        explanation = run(command, "--help")
        assert explanation.exit_code == 0
        assert f"cs231n {command}" in explanation.output or "Exit codes" in explanation.output


def test_unknown_command_is_a_usage_error():
    assert run("lba").exit_code == 2


def test_help_loads_nothing_heavy():
    script = (
        "import sys; from cs231n_kit.command_line import build_app; build_app(); "
        "print(*{name.partition('.')[0] for name in sys.modules})"
    )
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert "typer" in loaded
    assert not {"numpy", "matplotlib", "jupyterlab", "IPython", "nbclient", "nbformat", "nbgrader"} & set(loaded)


# --- commands that other packages add ---


class FakeEntryPoint:
    def __init__(self, load):
        self.load = load


def test_a_package_can_add_commands(offer):
    def register(app: typer.Typer) -> None:
        @app.command()
        def release() -> None:
            """Release an assignment."""
            print("released")

    offer(lambda: register)
    assert run("release").output == "released\n"
    assert "make install" not in run("--help").output


@pytest.mark.parametrize("absent", ["grader", "nbgrader"])
def test_without_grading_packages_student_commands_work_and_help_says_how_to_get_the_rest(offer, absent):
    def load():
        raise ModuleNotFoundError(f"No module named '{absent}.api'", name=f"{absent}.api")

    offer(load)
    text = " ".join(run("--help").output.split())
    assert f"need the package {absent}:" in text
    assert "make install" in text
    assert '".[grading]"' in text
    assert run("--version").exit_code == 0


def test_nbgrader_is_looked_for_before_its_commands_are_offered(monkeypatch, offer):
    monkeypatch.setattr(util, "find_spec", lambda name: None)
    offer(lambda: pytest.fail("was loaded"))
    assert "need the package nbgrader" in " ".join(run("--help").output.split())


def test_a_bug_in_an_added_command_is_not_hidden(offer):
    def load():
        raise ModuleNotFoundError("No module named 'nump'", name="nump")

    offer(load)
    with pytest.raises(ModuleNotFoundError, match="nump"):
        command_line.build_app()


# --- check ---


@pytest.fixture
def assignment(tmp_path, monkeypatch):
    """Writes a notebook with the given code cells, beside an answer key for `double(x)`."""
    monkeypatch.setattr(platformdirs, "user_cache_path", lambda *names, **more: tmp_path / "cache")
    x = np.arange(4.0)
    twice = PropertyKey("doubles its input", 2, "values", 1e-7, 1e-9, (Case((x,), (2 * x,)),))
    (tmp_path / "knn_key.npz").write_bytes(save_key([CheckKey("double", ("x",), (twice,))]))

    def write(*sources, tags=()):
        cells = [new_code_cell("from cs231n_kit.checking import check"), *map(new_code_cell, sources)]
        cells[-1].metadata["tags"] = list(tags)
        path = tmp_path / "exercise one.ipynb"
        nbformat.write(new_notebook(cells=[new_markdown_cell("# Exercise"), *cells]), path)
        return path

    return write


RIGHT = "def double(x):\n    return 2 * x"
CHECK = "check('double', double)"


def test_check_passes_and_leaves_the_notebook_alone(assignment, capfd):
    notebook = assignment(RIGHT, CHECK)
    before = notebook.read_bytes()
    result = run("check", notebook)
    assert result.exit_code == 0, result.output
    assert "✓ doubles its input" in result.output
    assert "1 of 1 checks passed." in result.output
    assert capfd.readouterr().err == "", "the kernel's own warnings are not for students"
    assert notebook.read_bytes() == before


def test_check_shows_what_is_wrong_and_exits_with_1(assignment):
    result = run("check", assignment("def double(x):\n    return 3 * x", f"report = {CHECK}"))
    assert result.exit_code == 1
    assert "✗ doubles its input" in result.output, "a report counts even where the cell does not display it"
    assert "0 of 1 checks passed" in result.output
    assert "check again" in result.output


def test_check_shows_each_report_once(assignment):
    result = run("check", assignment(RIGHT, f"{CHECK}\n{CHECK}"))
    assert result.output.count("doubles its input") == 2
    assert "2 of 2 checks passed." in result.output


def test_check_goes_on_after_an_error_and_names_the_line(assignment):
    result = run("check", assignment("first = 1\nfirst + missing", RIGHT, CHECK))
    assert result.exit_code == 1
    assert "code cell 2 (first = 1) ended in NameError: name 'missing' is not defined" in result.output
    assert "line 2: first + missing" in result.output
    assert "✓ doubles its input" in result.output
    assert "1 cells ended in an error" in result.output


def test_check_leaves_out_cells_that_only_train(assignment):
    result = run("check", assignment(RIGHT, CHECK, "open('trained.txt', 'w')", tags=["skip-grading"]))
    assert result.exit_code == 0
    assert not list(assignment().parent.glob("trained.txt"))


def test_check_interrupts_a_cell_that_does_not_end(assignment):
    result = run("check", assignment("while True: pass", RIGHT, CHECK), "--timeout", 1)
    assert result.exit_code == 1
    assert "code cell 2 (while True: pass) took longer than 1 s" in result.output
    assert "✓ doubles its input" in result.output


def test_check_says_when_python_died(assignment):
    result = run("check", assignment("import os; os._exit(1)", RIGHT, CHECK))
    assert result.exit_code == 2
    assert "Python itself died in code cell 2" in result.stderr


def test_check_needs_an_existing_notebook_with_checks(tmp_path, assignment):
    missing = run("check", tmp_path / "no.ipynb")
    (tmp_path / "torn.ipynb").write_text('{"cells": [')
    (tmp_path / "other.ipynb").write_text('{"some": "json"}')
    cases = {
        "There is no file": missing,
        "cannot be read as a notebook": run("check", tmp_path / "torn.ipynb"),
        "no check(...) to run": run("check", assignment(RIGHT)),
    }
    for message, result in cases.items():
        assert result.exit_code == 2, message
        assert message in result.stderr
    assert run("check", tmp_path / "other.ipynb").exit_code == 2


# --- lab ---


@pytest.fixture
def course(tmp_path):
    """A course in a folder whose name has a space and an umlaut."""
    folder = tmp_path / "my cöurse"
    (folder / "notebooks").mkdir(parents=True)
    nbformat.write(new_notebook(cells=[new_markdown_cell("# Start here")]), folder / laboratory.FRONT_PAGE)
    return folder


@pytest.fixture
def screen(monkeypatch):
    for name in ("CI", "SSH_CONNECTION", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    return monkeypatch


def command(course, browser=None):
    return laboratory.lab_command(course, course / laboratory.FRONT_PAGE, browser=browser, port=8888)


def test_lab_opens_a_browser_only_where_there_is_a_screen(course, screen):
    assert "--no-browser" in command(course)
    screen.setenv("WAYLAND_DISPLAY", "wayland-0")
    assert "--no-browser" not in command(course)
    assert "--no-browser" in command(course, browser=False)
    screen.setenv("SSH_CONNECTION", "somewhere")
    assert "--no-browser" in command(course)
    assert "--no-browser" not in command(course, browser=True)
    screen.delenv("SSH_CONNECTION")
    screen.setenv("CI", "true")
    assert "--no-browser" in command(course)
    screen.delenv("CI")
    screen.delenv("WAYLAND_DISPLAY")
    screen.setattr(sys, "platform", "darwin")
    assert "--no-browser" not in command(course)


def test_lab_allows_root_only_to_root(course, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0, raising=False)
    assert "--allow-root" in command(course)
    monkeypatch.setattr(os, "geteuid", lambda: 1000, raising=False)
    assert "--allow-root" not in command(course)


def test_nbgraders_menus_are_for_those_who_grade(course):
    """Formgrader itself is opened in tests/browser/test_formgrader.py."""
    assert laboratory.FOR_STUDENTS in laboratory.settings(course)
    (course / laboratory.GRADING).touch()
    assert laboratory.FOR_STUDENTS not in laboratory.settings(course)


def test_course_is_found_from_any_folder_inside_it(course, tmp_path):
    assert laboratory.course_folder(course / "notebooks") == course
    assert laboratory.course_folder(tmp_path) != course


def test_lab_names_a_missing_notebook(course, monkeypatch):
    monkeypatch.chdir(course)
    result = run("lab", "no.ipynb")
    assert result.exit_code == 2
    assert "no notebook no.ipynb" in result.stderr


def fetch(address):
    """The text at an address; the server prints its address a moment before it listens."""
    for _ in range(100):
        try:
            with urllib.request.urlopen(address, timeout=30) as answer:
                return answer.read().decode()
        except urllib.error.URLError as error:
            if not isinstance(error.reason, ConnectionRefusedError):
                raise
            time.sleep(0.1)
    pytest.fail(f"nothing listens at {address}")


def test_lab_serves_the_front_page_at_the_address_it_prints(course):
    server = subprocess.Popen(
        [*COMMAND, "lab", "--no-browser", "--port", "8950"], cwd=course, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        lines = []
        for line in server.stdout:
            lines.append(line)
            if address := re.search(r"http://127\S+", line):
                break
        else:
            pytest.fail("no address was printed:\n" + "".join(lines))
        assert "/lab/tree/notebooks/00_start_here.ipynb?token=" in address[0]
        assert "JupyterLab" in fetch(address[0])
        base, token = re.match(r"(http://[^/]+)/.*token=(\w+)", address[0]).groups()
        listing = json.loads(fetch(f"{base}/api/contents/notebooks?token={token}"))
        assert [entry["name"] for entry in listing["content"]] == ["00_start_here.ipynb"]
        settings = f"{base}/lab/api/settings/@jupyterlab/apputils-extension:notification?token={token}"
        properties = json.loads(fetch(settings))["schema"]["properties"]
        assert properties["fetchNews"]["default"] == "false", "Lab asks students nothing on its first start"
        assert '"@jupyter/nbgrader"' in fetch(address[0]).split('"disabledExtensions"')[1].split("]")[0]
        with pytest.raises(urllib.error.HTTPError, match="404"):
            fetch(f"{base}/formgrader/api/assignments?token={token}")
    finally:
        server.terminate()
        server.wait(30)
        server.stdout.close()


# --- data ---


def test_data_lists_every_set_with_its_licence():
    result = run("data")
    assert result.exit_code == 0
    for row in datasets.status():
        assert row.name in result.output
        assert row.licence in result.output


def test_data_says_what_there_is_when_a_name_is_wrong():
    result = run("data", "cifar11")
    assert result.exit_code == 2
    assert "no data set 'cifar11'" in result.stderr
    assert "cifar10" in result.stderr


def test_data_fetches_what_is_asked_for(monkeypatch, tmp_path):
    asked = []
    monkeypatch.setattr(datasets, "download", lambda name, folder: asked.append((name, folder)) or tmp_path)
    result = run("data", "cifar10", "fashion_mnist", "--folder", tmp_path)
    assert result.exit_code == 0
    assert asked == [("cifar10", tmp_path), ("fashion_mnist", tmp_path)]
    assert str(tmp_path) in result.output


def test_data_reports_a_failed_download_with_its_remedy(monkeypatch):
    def fail(name, folder):
        raise datasets.DatasetError("The server answered 404. Get [it] by hand.")

    monkeypatch.setattr(datasets, "download", fail)
    result = run("data", "cifar10")
    assert result.exit_code == 1
    assert "404. Get [it] by hand." in result.stderr


# --- doctor ---


def healthy(monkeypatch):
    """Make every part of the examination cheap and fine."""
    for part in ("_python", "_packages", "_kernel", "_course", "_device", "_data"):
        monkeypatch.setattr(doctor, part, lambda: iter(()))
    monkeypatch.setattr(doctor, "_others", lambda required: iter(()))
    monkeypatch.setattr(doctor, "find_browser", lambda: "/usr/bin/chromium")
    monkeypatch.setattr(doctor, "find_postgresql", lambda: "/usr/lib/postgresql/15/bin")


def test_doctor_finds_this_installation_fit_for_the_tests():
    result = run("doctor", "--tests")
    assert result.exit_code == 0, result.output + result.stderr
    assert sys.version.split()[0] in result.output
    assert f"numpy {np.__version__}" in result.output


def test_doctor_names_a_missing_package_and_the_mend(monkeypatch):
    healthy(monkeypatch)
    monkeypatch.undo()
    monkeypatch.setattr(metadata, "requires", lambda name: ["numpy", "not-a-package", "nbgrader; extra == 'grading'"])
    findings = list(doctor._packages())
    assert [(f.status, f.found) for f in findings] == [(doctor.BROKEN, "missing: not-a-package")]
    assert "make install" in findings[0].mend


def test_doctor_mentions_versions_that_were_not_tested(monkeypatch):
    monkeypatch.setattr(doctor, "_pins", lambda: {"numpy": "1.0"})
    (finding,) = doctor._packages()
    assert finding.status == doctor.NOTE
    assert f"numpy {np.__version__} (tested: 1.0)" in finding.found


def test_doctor_requires_chromium_only_for_the_tests(monkeypatch):
    healthy(monkeypatch)
    monkeypatch.setattr(doctor, "find_browser", lambda: None)
    assert run("doctor").exit_code == 0
    result = run("doctor", "--tests")
    assert result.exit_code == 1
    assert re.search(r"→ .*(apt-get install chromium|playwright install)", result.output)
    assert "1 of these must be mended" in result.stderr


def test_doctor_requires_postgresql_only_for_the_tests(monkeypatch):
    healthy(monkeypatch)
    monkeypatch.setattr(doctor, "find_postgresql", lambda: None)
    assert "PostgreSQL" not in run("doctor").output
    result = run("doctor", "--tests")
    assert result.exit_code == 1 and "PostgreSQL" in result.output
    assert re.search(r"→ .*install postgresql", result.output)


def test_doctor_requires_the_sandbox_only_for_the_tests(monkeypatch):
    healthy(monkeypatch)
    monkeypatch.undo()
    monkeypatch.setattr("grader.sandbox.probe", lambda: "user namespaces are off.")
    assert [f.status for f in doctor.examine(for_tests=False) if f.subject == "Sandbox"] == [doctor.NOTE]
    (finding,) = (f for f in doctor.examine(for_tests=True) if f.subject == "Sandbox")
    assert finding.status == doctor.BROKEN
    assert "user namespaces are off." in finding.found


def test_doctor_survives_a_part_that_crashes(monkeypatch):
    healthy(monkeypatch)

    def crash():
        raise OSError("libfoo.so is [missing]")

    monkeypatch.setattr(doctor, "_device", crash)
    result = run("doctor")
    assert result.exit_code == 1
    assert "OSError: libfoo.so is [missing]" in result.output
    assert "/usr/bin/chromium" in result.output, "the parts after it are still looked at"


def test_doctor_notices_notebooks_that_run_elsewhere(monkeypatch, tmp_path):
    specification = tmp_path / "kernels" / "python3" / "kernel.json"
    specification.parent.mkdir(parents=True)
    specification.write_text(json.dumps({"argv": ["/opt/old/bin/python"], "display_name": "Old", "language": "python"}))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    (finding,) = doctor._kernel()
    assert finding.status == doctor.NOTE
    assert "/opt/old/bin/python" in finding.found
