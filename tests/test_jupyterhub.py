"""A term's round in JupyterHub: nbgrader's exchange between an instructor and students, each with rights of his own.

As root on Linux they are users of their own. Elsewhere one user plays them all: who may read what is not tested then.
"""

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

import nbformat
import psutil
import pytest
from class_hub import EXAMPLE, Hub, install_proxy
from private_machine import UNSHARE
from traitlets.config import PyFileConfigLoader

from grader.course import Course
from grader.demo import ASSIGNMENT, NOTEBOOK, answers, fill_in, make_course

ROOT = Path(__file__).parents[1]
COURSE_ID = "cs231n"


def can_separate() -> bool:
    """Whether this process can run others as other users, in namespaces of their own."""
    return os.geteuid() == 0 and subprocess.run([*UNSHARE, "true"], capture_output=True).returncode == 0


@pytest.fixture(scope="module")
def accounts() -> dict[str, int]:
    if not can_separate():
        return dict.fromkeys(("teacher", "ada", "eve"), os.getuid())
    taken = {process.uids().real for process in psutil.process_iter()}
    return dict(zip(("teacher", "ada", "eve"), (uid for uid in range(61000, 61100) if uid not in taken), strict=False))


@pytest.fixture(scope="module")
def place(accounts):
    """A folder that all of them can reach, with their homes in it, and the course in the teacher's."""
    folder = Path(tempfile.mkdtemp(prefix="cs231n-hub-"))
    try:
        folder.chmod(0o755)
        for name in accounts:
            (folder / "homes" / name).mkdir(parents=True)
        course = folder / "homes" / "teacher" / "course"
        course.mkdir()
        make_course(Course(ROOT), course).release(ASSIGNMENT)
        course.chmod(0o700)
        for name, uid in accounts.items():
            home = folder / "homes" / name
            for path in (home, *home.rglob("*")):
                os.chown(path, uid, uid if uid != os.getuid() else -1)
            home.chmod(0o755)
        yield folder
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="module")
def hub(place, accounts, request):
    proxy = install_proxy(request.config.cache.mkdir("configurable-http-proxy"))
    environment = {
        "CLASS_COURSE": str(place / "homes" / "teacher" / "course"),
        "CLASS_EXCHANGE": str(place / "exchange"),
        "CLASS_INSTRUCTORS": "teacher",
        "CLASS_STUDENTS": "ada eve",
    }
    hub = Hub(place, accounts, proxy, environment)
    try:
        hub.wait()
        yield hub
    finally:
        family, stubborn = hub.close()
    assert len(family) >= 3, "the proxy and two servers"
    assert stubborn == []


def test_a_terms_round(hub, place):
    """Release, fetch, submit, collect, autograde and feedback, all by the requests that JupyterLab's buttons make."""
    course = Course(place / "homes" / "teacher" / "course")
    teacher, ada = hub.log_in("teacher"), hub.log_in("ada")

    def press(what, student="", path="assignment"):
        address = "/".join(filter(None, ["formgrader/api", path, ASSIGNMENT, student, what]))
        answer = teacher.send("POST", address)
        assert answer.ok and answer.json()["success"], answer.text
        return answer.json()["log"]

    def ask(what):
        answer = ada.send("POST", f"assignments/{what}", json={"course_id": COURSE_ID, "assignment_id": ASSIGNMENT})
        assert answer.ok and answer.json()["success"], answer.text
        return [entry for entry in answer.json()["value"] if entry["assignment_id"] == ASSIGNMENT]

    press("release")
    assert ask("fetch")[0]["status"] == "fetched"
    address = f"api/contents/{ASSIGNMENT}/{NOTEBOOK}.ipynb"
    fetched = nbformat.from_dict(ada.get(address).json()["content"])
    right = answers(nbformat.read(course.path("source", ASSIGNMENT) / f"{NOTEBOOK}.ipynb", as_version=4))
    written = fill_in(fetched, right)
    assert ada.send("PUT", address, json={"type": "notebook", "content": written}).ok
    ask("submit")

    inbound = place / "exchange" / COURSE_ID / "inbound"
    submission = next(inbound.iterdir())
    student = pwd.getpwuid(os.getuid()).pw_name if not hub.separate else "ada"
    assert submission.name.startswith(f"{student}+{ASSIGNMENT}+")
    if hub.separate:
        others_cannot_look(hub, course, submission)
        leave_traps(hub, course, inbound)
    log = press("collect")
    if hub.separate:
        assert "somebody else handed it in under the name of ada" in log, log
        assert not (course.path("submitted", ASSIGNMENT, "eve") / "solution.ipynb").exists()
        assert set(course.students(ASSIGNMENT)) == {"ada", "eve"}
    assert "predict_labels: 4 of 4 points" in press("autograde", student, path="submission")
    press("generate_feedback", student)
    press("release_feedback", student)
    shown = ask("fetch_feedback")
    pages = [page for entry in shown for sent in entry.get("submissions", []) for page in sent["notebooks"]]
    page = ada.get(f"files/{pages[0]['local_feedback_path']}")
    assert page.ok and "predict_labels" in page.text and "4 of 4 points" in page.text

    grade = next(grade for grade in course.grades(ASSIGNMENT) if grade.student == student)
    assert (grade.score, grade.points, grade.by_hand) == (20, 23, True)


def others_cannot_look(hub, course, submission):
    """What eve can read: neither what ada handed in, wherever it lies, nor the course; not even what is in there."""
    eve = hub.as_user("eve")
    home = hub.folder / "homes" / "ada"
    for path in (course.root, course.root / "gradebook.db", submission.parent, home / ASSIGNMENT):
        assert "Permission denied" in eve("ls", path).stderr
    for path in (course.path("source", ASSIGNMENT) / f"{NOTEBOOK}.ipynb", home / ASSIGNMENT / f"{NOTEBOOK}.ipynb"):
        assert "Permission denied" in eve("cat", path).stderr
    taken = submission.parents[1]
    assert "Permission denied" in eve("touch", taken / "outbound" / "new").stderr
    assert eve("mv", taken, taken.with_name("mine")).returncode != 0
    assert eve("cat", taken / "outbound" / ASSIGNMENT / f"{NOTEBOOK}.ipynb").returncode == 0


def leave_traps(hub, course, inbound):
    """eve hands in a link to the solution, and a later submission in ada's name."""
    eve = hub.as_user("eve")
    own = inbound / f"eve+{ASSIGNMENT}+2026-11-23 20:00:00.000000 UTC+x"
    forged = inbound / f"ada+{ASSIGNMENT}+2036-11-23 20:00:00.000000 UTC+x"
    for folder in (own, forged):
        assert eve("mkdir", "-m", "777", folder).returncode == 0
        assert eve("cp", inbound.parent / "outbound" / ASSIGNMENT / f"{NOTEBOOK}.ipynb", folder).returncode == 0
    solution = course.path("source", ASSIGNMENT) / f"{NOTEBOOK}.ipynb"
    assert eve("ln", "-s", solution, own / "solution.ipynb").returncode == 0


def test_students_have_no_formgrader(hub):
    teacher, ada = hub.log_in("teacher"), hub.log_in("ada")
    assert teacher.get("formgrader/").ok and ada.get("formgrader/").status_code == 404
    assert "@jupyter/nbgrader:formgrader" in ada.get("lab").text.split("disabledExtensions")[1].split("]")[0]
    arrived = teacher.get("")
    assert arrived.url.endswith("/formgrader/manage_assignments") and "Manage Assignments" in arrived.text
    assert "frame-ancestors 'none'" in arrived.headers["Content-Security-Policy"], "no page of a student's may frame it"
    for user, other in ((ada, teacher), (teacher, ada)):
        assert user.session.get(f"{other.base}/api/contents/", timeout=60).status_code in (403, 404)


def test_formgrader_is_in_jupyterlab_where_users_have_domains_of_their_own(tmp_path, monkeypatch):
    (tmp_path / "course").mkdir(mode=0o700)
    settings = {"COURSE": tmp_path / "course", "EXCHANGE": tmp_path / "exchange", "HOST": "https://hub.example.edu",
                "INSTRUCTORS": pwd.getpwuid(os.getuid()).pw_name}  # fmt: skip
    for name, value in settings.items():
        monkeypatch.setenv(f"CLASS_{name}", str(value))
    config = PyFileConfigLoader(str(EXAMPLE)).load_config()
    assert config.JupyterHub.subdomain_host == settings["HOST"]
    monkeypatch.setattr(os, "geteuid", lambda: 1000)  # nobody's home is touched
    started = {}
    for user in (settings["INSTRUCTORS"], "a-student"):
        started[user] = SimpleNamespace(user=SimpleNamespace(name=user), args=config.Spawner.args, notebook_dir="")
        config.Spawner.pre_spawn_hook(started[user])
    teacher, student = started.values()
    assert any("frame-ancestors 'self'" in argument for argument in teacher.args)
    assert teacher.notebook_dir == str(settings["COURSE"]) and not hasattr(teacher, "default_url")
    assert not any("frame" in argument for argument in student.args) and student.notebook_dir == ""


def test_nobody_else_may_log_in(hub):
    with pytest.raises(AssertionError, match="could not log in"):
        hub.log_in("mallory")


def test_a_course_that_others_can_look_into_is_refused(tmp_path):
    (tmp_path / "course").mkdir(mode=0o755)
    environment = {"CLASS_COURSE": str(tmp_path / "course"), "CLASS_EXCHANGE": str(tmp_path / "exchange")}
    load = f"from traitlets.config import PyFileConfigLoader as L; L({str(EXAMPLE)!r}).load_config()"
    done = subprocess.run(
        [sys.executable, "-c", load], env={**os.environ, **environment}, capture_output=True, text=True
    )
    assert done.returncode != 0 and f"chmod o-rwx {tmp_path / 'course'}" in done.stderr
    assert not (tmp_path / "exchange").exists()
