"""The pages for students, instructors and newcomers: every command in them is really there."""

import re
import shlex
import tomllib
from pathlib import Path

import pytest
import typer

from cs231n_kit.command_line import build_app

ROOT = Path(__file__).parents[1]
PAGES = ("README.md", "cs231n_kit/student_readme.md", "grader/instructor_readme.md")
PAGES += tuple(f"docs/{name}.md" for name in ("students", "instructors", "new-exercise"))
BLOCK = re.compile(r"^```\w*\n([\s\S]*?)^```$|^((?: {4}.*\n|\n(?= {4}))+)", re.MULTILINE)


def read(page):
    return (ROOT / page).read_text(encoding="utf-8")


def commands(text):
    """All that a page tells its reader to type after `cs231n`: (words, whether they are a line of their own)."""
    blocks = BLOCK.findall(text)
    lines = [line for block in blocks for line in "".join(block).splitlines()]
    for line in lines:
        if match := re.search(r"(?:^|[ /\\]|&& )cs231n(?= |$)([^#&]*)", line):
            yield match[1].split("  ")[0].strip(), True
    for code in re.findall(r"(?<!`)`([^`]+)`(?!`)", BLOCK.sub("", text)):
        if match := re.match(r"(?:\S*[/\\])?cs231n (.+)", code, re.DOTALL):
            yield " ".join(match[1].split()), False


FOUND = sorted({(page, *found) for page in PAGES for found in commands(read(page))})


def test_the_pages_are_full_of_commands():
    shown = {page: {words.partition(" ")[0] for where, words, _ in FOUND if where == page} for page in PAGES}
    assert {"start", "lab", "check", "progress", "submit", "data", "doctor"} <= shown["docs/students.md"]
    term = "start roster release bundle due collect autograde feedback grades statistics similar doctor"
    assert set(term.split()) <= shown["docs/instructors.md"]
    assert {"release", "check", "autograde", "grades", "feedback"} <= shown["docs/new-exercise.md"]


@pytest.mark.parametrize(("page", "words", "is_line"), FOUND)
def test_a_command_and_its_options_are_there(page, words, is_line):
    name, *arguments = shlex.split(words)
    command = typer.main.get_command(build_app()).commands.get(name)
    assert command is not None, f"{page}: there is no command cs231n {name}"
    if (is_line or arguments) and "--help" not in arguments:
        command.make_context(name, arguments)  # raises what a reader would be told


@pytest.mark.parametrize("page", PAGES)
def test_what_a_page_names_exists(page):
    text = read(page)
    # The two readmes are laid out in the course's folder, where the repository has its own.
    folder = ROOT if page.endswith("readme.md") else (ROOT / page).parent
    for link in re.findall(r"\]\(([^)#]+)\)", text):
        assert "://" in link or (folder / link).exists(), link
    project = tomllib.loads(read("pyproject.toml"))["project"]
    extras = set(re.findall(r"extra `(\w+)`", text))
    for several in re.findall(r"(?:\.|\.whl|cs231n-kit)\[([\w,-]+)\]", text):
        extras |= set(several.split(","))
    assert extras <= set(project["optional-dependencies"])
    for folder in re.findall(r"`((?:solutions|assignments|docs|notebooks)/assignment[123]/)`", text):
        assert (ROOT / folder).is_dir()
