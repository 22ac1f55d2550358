"""nbgrader's formgrader on a course of ours, opened from JupyterLab as `cs231n lab` starts it."""

import base64
import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest
from hostile_display import FIRST_NAME, LAST_NAME, PAGE, add_raw_outputs, make_hostile
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from cs231n_kit.laboratory import FRONT_PAGE
from grader.course import CONFIG, Course
from grader.demo import ASSIGNMENT, NOTEBOOK, answers, fill_in, hand_in, make_course

ROOT = Path(__file__).parents[2]
QUESTION = "duplicates_question"
DOT = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
COMMENT = "Right: $k = 1$ finds the copy. <script>pwned('comment')</script>"
WEAKNESS = """
del c.HTMLExporter.filters, c.HTMLExporter.preprocessors, c.HTMLExporter.extra_template_basedirs
c.HTMLExporter.sanitize_html = False
templates = Path(nbgrader.__file__).parent / "server_extensions" / "formgrader" / "templates"
c.HTMLExporter.extra_template_basedirs = [str(templates)]
"""


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A released assignment with two submissions: ada's, right with a pasted picture, and eve's, hostile."""
    course = make_course(Course(ROOT), tmp_path_factory.mktemp("a course"))
    released = nbformat.read(course.release(ASSIGNMENT) / f"{NOTEBOOK}.ipynb", as_version=4)
    right = answers(nbformat.read(course.path("source", ASSIGNMENT) / f"{NOTEBOOK}.ipynb", as_version=4))
    ada, eve = fill_in(released, right), fill_in(released, right)
    picture = {"dot 1.png": {"image/png": base64.b64encode(DOT).decode()}}
    ada.cells.insert(
        1, new_markdown_cell("![my dot](<attachment:dot%201.png>) and $\\sum_i a_i^2$", attachments=picture)
    )
    make_hostile(eve, QUESTION)
    hand_in(course, "ada", ada)
    hand_in(course, "eve", eve).with_name(PAGE).write_text("<script>pwned('page')</script>")
    with course.gradebook() as gradebook:
        gradebook.update_or_create_student("ada", first_name="Ada", last_name="O'Hara")
        gradebook.update_or_create_student("eve", first_name=FIRST_NAME, last_name=LAST_NAME)
    (course.root / FRONT_PAGE).parent.mkdir()
    front = new_notebook(
        cells=[new_markdown_cell("# Start"), new_code_cell()],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}},
    )
    nbformat.write(front, course.root / FRONT_PAGE)
    return course


@dataclass
class Desk:
    """A page of a browser whose address begins with `base`, what ran there, and what it asked for elsewhere."""

    page: object
    base: str
    ran: list
    elsewhere: list

    def visit(self, path):
        self.page.goto(f"{self.base}/{path}")
        self.page.wait_for_load_state("networkidle")


@contextlib.contextmanager
def desk(course, chromium, tmp_path_factory):
    """`cs231n lab` started in a folder of the course, and its first page in a browser without a network."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    places = {f"JUPYTER_{name}_DIR": str(tmp_path_factory.mktemp("jupyter")) for name in ("CONFIG", "DATA", "RUNTIME")}
    command = [Path(sys.executable).with_name("cs231n"), "lab", "--no-browser", "--port", str(port)]
    server = subprocess.Popen(
        command, cwd=course.root / "notebooks", env={**os.environ, **places}, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
    )  # fmt: skip
    try:
        printed = []
        for line in server.stdout:
            printed.append(line)
            if address := re.search(r"http://127\S+", line):
                break
        else:
            pytest.fail("no address was printed:\n" + "".join(printed))
        context = chromium.new_context(viewport={"width": 1360, "height": 1000})
        opened = Desk(context.new_page(), address[0].split("/lab/")[0], [], [])
        context.expose_function("pwned", lambda name: opened.ran.append(name))
        opened.page.set_default_timeout(20_000)

        def answer(route):
            here = route.request.url.startswith(opened.base)
            if not here:
                opened.elsewhere.append(route.request.url)
            route.continue_() if here else route.abort()

        context.route(re.compile("^https?:"), answer)
        opened.page.goto(address[0])
        opened.page.locator(".jp-NotebookPanel").wait_for()
        yield opened
        context.close()
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGTERM)
        try:
            server.wait(20)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(server.pid, signal.SIGKILL)
            server.stdout.close()


@pytest.fixture(scope="module")
def formgrader(course, chromium, tmp_path_factory):
    with desk(course, chromium, tmp_path_factory) as opened:
        yield opened


def submission_id(course, student):
    with course.gradebook() as gradebook:
        return gradebook.find_submission_notebook(NOTEBOOK, ASSIGNMENT, student).id


def done(frame):
    """Wait until formgrader says that it is done, and close what it says."""
    modal = frame.locator("#success-modal, #error-modal")
    modal.get_by_role("button", name="OK").wait_for(timeout=120_000)
    said = modal.inner_text()
    assert "Successfully" in said, said
    modal.get_by_role("button", name="OK").click()
    modal.wait_for(state="detached")
    return said


def row(frame, student):
    return frame.locator("#main-table tr", has=frame.locator(f"td.student-id[data-order={student}]"))


def test_grade_with_the_buttons(course, formgrader, pictures):
    page = formgrader.page
    page.get_by_role("menuitem", name="Nbgrader").click()
    page.get_by_role("menuitem", name="Formgrader").click()
    frame = page.frame_locator("iframe[src*=formgrader]")
    frame.get_by_role("link", name=ASSIGNMENT).wait_for()
    page.screenshot(path=pictures / "formgrader-assignments.png")
    frame.locator("td.num-submissions a").click()
    for student in ("ada", "eve"):
        row(frame, student).locator(".autograde a").click()
        assert "predict_labels: 4 of 4 points" in done(frame), "the judge has seen it"
    row(frame, "ada").get_by_text("20 / 23").wait_for()
    assert row(frame, "ada").get_by_text("needs manual grading").count() == 1

    frame.get_by_role("link", name="Manual Grading").click()
    frame.get_by_role("link", name=ASSIGNMENT).click()
    frame.get_by_role("link", name=NOTEBOOK).click()
    frame.locator(f"a.name-hidden[href*='{submission_id(course, 'ada')}']").click()
    score = frame.locator(f"#{QUESTION}.needs_manual_grade")
    score.fill("2.5")
    with page.expect_response(lambda answer: "/api/grade/" in answer.url and answer.request.method == "PUT"):
        page.keyboard.press("Tab")  # formgrader's own key, which goes to the next field
    frame.locator(f"#{QUESTION}_extra_credit:focus").wait_for()
    comment = frame.locator(f"#{QUESTION}-comment[placeholder^=Type]")
    comment.fill(COMMENT)
    with page.expect_response(lambda answer: "/api/comment/" in answer.url and answer.request.method == "PUT"):
        comment.blur()
    comment.scroll_into_view_if_needed()
    page.screenshot(path=pictures / "formgrader-by-hand.png")

    frame.get_by_role("link", name="Manual Grading").click()
    frame.get_by_role("link", name="Manage Assignments").click()
    frame.locator("td.num-submissions a").click()
    for student in ("ada", "eve"):
        row(frame, student).locator(".generate-feedback a").click()
        done(frame)
    row(frame, "ada").get_by_text("22.5 / 23").wait_for()
    page.screenshot(path=pictures / "formgrader-submissions.png")

    ada, eve = course.grades(ASSIGNMENT)
    assert (ada.student, ada.score, ada.points, ada.by_hand) == ("ada", 22.5, 23, False)
    assert (eve.student, eve.score, eve.by_hand) == ("eve", 20, True)
    assert {name: earned for name, earned, _, _ in ada.cells}[QUESTION] == 2.5
    with course.gradebook() as gradebook:
        assert gradebook.find_comment(QUESTION, NOTEBOOK, ASSIGNMENT, "ada").manual_comment == COMMENT
    assert formgrader.ran == [] and formgrader.elsewhere == []


def test_formulas_and_pasted_pictures_are_shown_without_a_network(course, formgrader):
    formgrader.visit(f"formgrader/submissions/{submission_id(course, 'ada')}/")
    page = formgrader.page
    assert page.locator("math msubsup, math munder, math msup").count() > 0
    drawn = page.evaluate("() => document.querySelector('img[alt=\"my dot\"]').naturalWidth")
    assert drawn == 1
    assert page.locator(".name-shown").first.text_content().strip() == "O'Hara, Ada"
    assert formgrader.elsewhere == []


def look_everywhere(course, desk, student="eve"):
    """Open all of formgrader's pages with a submission or a name on them, and the feedback; try every link in them."""
    for path in ("manage_students", f"manage_students/{student}", f"manage_students/{student}/{ASSIGNMENT}",
                 f"manage_submissions/{ASSIGNMENT}", f"gradebook/{ASSIGNMENT}/{NOTEBOOK}"):  # fmt: skip
        desk.visit(f"formgrader/{path}")
    shown = f"formgrader/submissions/{submission_id(course, student)}/"
    desk.visit(shown)
    desk.page.locator("span.name-hidden").click()  # show the student's name
    links = desk.page.locator("#notebook a").all_inner_texts()
    assert {"click", "see", "more", "markdown-link", "html-link", "answer-link"} <= set(links)
    addresses = desk.page.evaluate("() => [...document.querySelectorAll('#notebook a[href]')].map(link => link.href)")
    for address in {*addresses}:
        if address.startswith("javascript:"):
            desk.page.locator(f"#notebook a[href={json.dumps(address)}]").first.dispatch_event("click")
        elif address.startswith(desk.base) and "#" not in address:
            desk.page.goto(address)
            desk.visit(shown)


def test_nothing_that_a_student_wrote_runs(course, formgrader, pictures):
    add_raw_outputs(course.path("autograded", ASSIGNMENT, "eve") / f"{NOTEBOOK}.ipynb")
    look_everywhere(course, formgrader)
    formgrader.visit(f"formgrader/submissions/{submission_id(course, 'eve')}/")
    formgrader.page.screenshot(path=pictures / "formgrader-hostile.png")
    for student in ("ada", "eve"):
        formgrader.page.goto((course.path("feedback", ASSIGNMENT, student) / f"{NOTEBOOK}.html").as_uri())
        formgrader.page.wait_for_load_state("networkidle")
        assert formgrader.page.get_by_text("k-nearest neighbours").count() > 0
    assert formgrader.ran == []
    assert formgrader.elsewhere == []


def test_all_of_it_runs_where_nothing_is_cleaned(course, chromium, tmp_path_factory):
    """The same pages by the same steps, with nbgrader's own settings for what it shows: the test above would notice."""
    folder = tmp_path_factory.mktemp("weak") / "course"
    shutil.copytree(course.root, folder)
    with (folder / CONFIG).open("a") as config:
        config.write(WEAKNESS)
    graded = Course(folder).path("autograded", ASSIGNMENT, "eve") / f"{NOTEBOOK}.ipynb"
    notebook = nbformat.read(graded, as_version=4)
    # with an attached picture formgrader could not show the page at all
    notebook.cells[2].source = notebook.cells[2].source.replace("attachment:", "")
    nbformat.write(notebook, graded)
    with desk(Course(folder), chromium, tmp_path_factory) as weak:
        look_everywhere(Course(folder), weak)
    everywhere = {
        f"{place}-{kind}"
        for place in ("markdown", "html", "display-markdown", "answer")
        for kind in ("script", "img", "svg", "iframe", "link")
    }
    assert everywhere | {"javascript", "first-name", "last-name", "click", "page", "reflected"} <= set(weak.ran)
    assert any("mathjax" in address.lower() for address in weak.elsewhere)
    assert any("markdown.png" in address for address in weak.elsewhere)
