"""What handing in late costs: through nbgrader's preprocessor, with this course's configuration."""

from datetime import UTC, datetime, timedelta

import pytest
from graded_class import ASSIGNMENT, grade, make_class
from nbformat.v4 import new_notebook
from nbgrader.preprocessors import AssignLatePenalties
from typer.testing import CliRunner

from cs231n_kit.command_line import build_app
from grader.course import CONFIG, Course, CourseError
from grader.late import LatePolicy, assess, due_date, parse_due, penalties, policy, set_due_date

POLICY = """
c.LatePolicy.grace_minutes = 15
c.LatePolicy.percent_per_day = 20
c.LatePolicy.max_percent = 50
"""
FULL = {"predict_labels": 4, "cross_validate": 2, "gap_question": 0, "softmax_loss": 5}
DUE = datetime(2026, 12, 1, 22, 59, tzinfo=UTC)


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    course = make_class(tmp_path_factory.mktemp("course"), config=POLICY)
    grade(course, "ada", FULL)
    return course


def hand_in(course, seconds_late, zone="+00:00", due="2026-12-01T23:59+01:00"):
    """ada hands in `seconds_late` after DUE; returns what nbgrader's preprocessor takes off each notebook."""
    set_due_date(course, ASSIGNMENT, parse_due(due))
    hours, minutes = int(zone[:3]), int(zone[0] + zone[4:])
    local = DUE + timedelta(seconds=seconds_late, hours=hours, minutes=minutes)
    grade(course, "ada", FULL, local.replace(tzinfo=None).isoformat() + zone)
    taken = {}
    for notebook in ("knn", "softmax"):
        resources = {"notebook": notebook, "assignment": ASSIGNMENT, "student": "ada"}
        resources["db_url"] = f"sqlite:///{course.root / 'gradebook.db'}"
        AssignLatePenalties(config=course.config).preprocess(new_notebook(), {"nbgrader": resources})
        with course.gradebook() as gradebook:
            taken[notebook] = gradebook.find_submission_notebook(notebook, ASSIGNMENT, "ada").late_submission_penalty
    return taken["knn"], taken["softmax"]


DAY = 86400


@pytest.mark.parametrize(
    "seconds, percent",
    [
        (-DAY, None),
        (-1, None),
        (0, None),
        (900, None),
        (901, 20),
        (DAY, 20),
        (DAY + 1, 40),
        (2 * DAY, 40),
        (2 * DAY + 1, 50),
        (400 * DAY, 50),
    ],
)
def test_the_edges_of_grace_days_and_cap(course, seconds, percent):
    expected = (None, None) if percent is None else (6 * percent / 100, 5 * percent / 100)
    assert hand_in(course, seconds) == pytest.approx(expected)
    assert penalties(course, ASSIGNMENT)["ada"] == pytest.approx([sum(x or 0 for x in expected)] * 2)


@pytest.mark.parametrize("zone", ["+00:00", "+05:45", "-08:00", "+14:00", "-03:30"])
@pytest.mark.parametrize("due", ["2026-12-01T23:59+01:00", "2026-12-01 14:59 America/Los_Angeles"])
def test_a_moment_is_the_same_in_every_time_zone(course, zone, due):
    assert hand_in(course, 900, zone, due) == (None, None)
    assert hand_in(course, 901, zone, due) == pytest.approx((1.2, 1.0))


@pytest.mark.parametrize(
    "text, utc",
    [
        ("2026-12-01T23:59+01:00", "2026-12-01T22:59"),
        ("2026-12-01 23:59:59 +01:00", "2026-12-01T22:59:59"),
        ("2026-12-01T22:59Z", "2026-12-01T22:59"),
        ("2026-12-01 23:59 Europe/Berlin", "2026-12-01T22:59"),
        ("2026-07-01 23:59 Europe/Berlin", "2026-07-01T21:59"),
        ("2026-07-01 23:59 UTC", "2026-07-01T23:59"),
        ("2026-10-25T00:30-07:00", "2026-10-25T07:30"),
    ],
)
def test_due_dates_are_kept_in_utc(course, text, utc):
    set_due_date(course, ASSIGNMENT, parse_due(text))
    assert due_date(course, ASSIGNMENT) == datetime.fromisoformat(utc).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "text, words",
    [
        ("2026-12-01T23:59", r"no time zone.*2026-12-01T23:59[+-]\d\d:\d\d"),
        ("2026-12-01", "no time of day.*2026-12-01T23:59"),
        ("tomorrow", "no date and time.*2026-12-01T23:59"),
        ("2026-13-01T23:59Z", "month must be"),
        ("2026-12-01 23:59 Europe/Atlantis", "no date and time.*Atlantis"),
        ("2026-12-01 23:59 ../../etc/passwd", "no date and time"),
        ("0001-01-01T00:00+14:00", "the year 1"),
        ("", "no date and time"),
    ],
)
def test_times_that_mean_nothing_certain_are_refused(text, words):
    with pytest.raises(CourseError, match=words):
        parse_due(text)


def test_by_default_lateness_costs_nothing_and_nbgraders_own_plugin_can_take_its_place(tmp_path):
    plain = make_class(tmp_path)
    rule = policy(plain)
    assert isinstance(rule, LatePolicy) and rule.late_submission_penalty("ada", 10, 10 * DAY) is None
    assert "lose nothing" in str(rule) and due_date(plain, ASSIGNMENT) is None
    with (plain.root / CONFIG).open("a") as file:
        file.write('c.AssignLatePenalties.plugin_class = "nbgrader.plugins.LateSubmissionPlugin"\n')
        file.write('c.LateSubmissionPlugin.penalty_method = "zero"\n')
    zero = Course(plain.root)
    assert hand_in(zero, 1) == (6, 5)
    grade(zero, "ben", FULL, "2026-12-01T22:59Z")
    assess(zero, ASSIGNMENT)
    assert penalties(zero, ASSIGNMENT) == {"ada": (11, 11), "ben": (0, 0)}


def run(command, course, *options):
    return CliRunner().invoke(build_app(), [command, ASSIGNMENT, *options, "--course", str(course.root)])


def test_the_commands_set_dates_and_keep_penalties_up_to_date(course):
    hand_in(course, 901)
    grade(course, "ben", FULL)
    result = run("due", course, "2026-12-01T12:00+01:00")
    told = " ".join(result.output.split())
    assert result.exit_code == 0 and "due 2026-12-01 11:00 UTC" in told
    assert "lose 20 % for each day begun after 15 minutes of grace, at most 50 %" in told
    assert "1 late, 2.2 points off" in told and "(no timestamp.txt), so taken to be in time: ben" in told
    shown = run("grades", course)
    assert "8.8/14" in shown.stdout and "12 h 14 min late, 2.2 off" in shown.stdout and "Due 2026-12-01" in shown.stdout
    with course.gradebook() as gradebook:  # the written answer is read, and gets its 3 points
        gradebook.find_grade("gap_question", "knn", ASSIGNMENT, "ada").manual_score = 3
        gradebook.db.commit()
    assert penalties(course, ASSIGNMENT)["ada"] == pytest.approx((2.2, 2.8))
    assert "Next: cs231n due assignment1" in " ".join(run("grades", course).stderr.split())
    run("due", course)
    again = run("grades", course)
    assert "11.2/14" in again.stdout and "late policy" not in again.stderr
    removed = run("due", course, "--remove")
    assert "has no due date" in removed.output and penalties(course, ASSIGNMENT)["ada"] == (0, 0)
    assert run("due", course, "2026-12-01T12:00Z", "--remove").exit_code == 2
    wrong = run("due", course, "2026-12-01T12:00")
    assert wrong.exit_code == 2 and "no time zone" in wrong.output
