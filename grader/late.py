"""Due dates, and what handing in late costs."""

import math
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from nbgrader.plugins import LateSubmissionPlugin
from nbgrader.preprocessors import AssignLatePenalties
from traitlets import Float

from .course import Course, CourseError, submissions


class LatePolicy(LateSubmissionPlugin):
    """A share of the score for each day that has begun since the due date; named in `nbgrader_config.py`.

    With nothing configured, nobody loses anything.
    """

    grace_minutes = Float(0, min=0, help="Up to so many minutes late cost nothing.").tag(config=True)
    percent_per_day = Float(
        0, min=0, max=100, help="Percent of a notebook's score lost for each day begun since the due date."
    ).tag(config=True)
    max_percent = Float(100, min=0, max=100, help="Percent of a notebook's score lost at most.").tag(config=True)

    def late_submission_penalty(self, student_id: str, score: float, total_seconds_late: float) -> float | None:
        """Points off a notebook's `score`; None where nothing is lost."""
        if total_seconds_late <= 60 * self.grace_minutes:
            return None
        days = math.ceil(total_seconds_late / 86400)
        return score * min(self.percent_per_day * days, self.max_percent) / 100 or None

    def __str__(self) -> str:
        if not self.percent_per_day:
            return "Late submissions lose nothing: LatePolicy.percent_per_day in nbgrader_config.py is 0."
        grace = f" after {self.grace_minutes:g} minutes of grace" if self.grace_minutes else ""
        most = f", at most {self.max_percent:g} %" if self.max_percent < 100 else ""
        return f"Late submissions lose {self.percent_per_day:g} % for each day begun{grace}{most}."


def parse_due(text: str) -> datetime:
    """A moment with its time zone: "2026-12-01T23:59+01:00", "2026-12-01 23:59 Europe/Berlin" or with Z for UTC.

    Raises CourseError; without a time zone the message says what the moment would be in this machine's.
    """
    words = text.strip()
    zone = None
    try:
        *moment, last = words.split(" ")
        if moment and (last.isalpha() or "/" in last):
            words, zone = " ".join(moment), ZoneInfo(last)
        due = datetime.fromisoformat(re.sub(r"\s+(?=[+-]\d\d)", "", words))
        if not 1990 <= due.year <= 2999:
            raise ValueError(f"the year {due.year}")
    except (ValueError, OSError, LookupError) as error:
        raise CourseError(
            f"{text!r} is no date and time: {error}. Write it like 2026-12-01T23:59+01:00, or like "
            '"2026-12-01 23:59 Europe/Berlin".'
        ) from None
    if "T" not in words.upper() and ":" not in words:
        raise CourseError(f"{text!r} has no time of day. A day's last minute is {words}T23:59, plus the time zone.")
    if due.tzinfo is None and zone is None:
        here = due.astimezone().isoformat(timespec="minutes")
        raise CourseError(f"{text!r} has no time zone. If this machine's is meant: {here}")
    return due if zone is None else due.replace(tzinfo=zone)


def due_date(course: Course, assignment: str) -> datetime | None:
    """When the assignment is due, in UTC, None for never."""
    course.require_release(assignment)
    with course.gradebook() as gradebook:
        due = gradebook.find_assignment(assignment).duedate
        return due and due.replace(tzinfo=UTC)


def set_due_date(course: Course, assignment: str, due: datetime | None) -> None:
    """Set the due date (with its time zone), or remove it with None. The gradebook keeps it in UTC."""
    course.require_release(assignment)
    with course.gradebook() as gradebook:
        gradebook.update_or_create_assignment(assignment, duedate=due)


def policy(course: Course) -> LateSubmissionPlugin:
    """The plugin that `nbgrader_config.py` names, configured as it says there."""
    return AssignLatePenalties(config=course.config).plugin_class(config=course.config)


def penalties(course: Course, assignment: str) -> dict[str, tuple[float, float]]:
    """{student: (penalty as recorded, penalty by the policy of today)} for everybody who handed in."""
    with course.gradebook() as gradebook:
        found: dict[str, tuple[float, float]] = {}
        for notebook, due in _assessed(course, submissions(gradebook, assignment)):
            recorded, by_policy = found.get(notebook.assignment.student.id, (0.0, 0.0))
            found[notebook.assignment.student.id] = (
                recorded + (notebook.late_submission_penalty or 0.0),
                by_policy + (due or 0.0),
            )
        return found


def assess(course: Course, assignment: str) -> None:
    """Record every penalty anew, as grading does, without grading anything again."""
    with course.gradebook() as gradebook:
        for notebook, due in list(_assessed(course, submissions(gradebook, assignment))):
            notebook.late_submission_penalty = due
        gradebook.db.commit()


def without_time(course: Course, assignment: str) -> list[str]:
    """Students whose submission has no timestamp.txt: nobody knows whether it is late."""
    with course.gradebook() as gradebook:
        return sorted(s.student.id for s in submissions(gradebook, assignment) if s.timestamp is None)


def _assessed(course: Course, handed_in: list) -> Iterator[tuple[Any, float | None]]:
    """The notebooks of submissions, each with the penalty that nbgrader would record for it now."""
    plugin = policy(course)
    for submission in handed_in:
        late = submission.total_seconds_late
        for notebook in submission.notebooks:
            score = math.fsum(grade.score for grade in notebook.grades)
            due = plugin.late_submission_penalty(submission.student.id, score, late) if late > 0 else None
            yield notebook, None if due is None else min(max(due, 0.0), score)
