"""Grades an assignment as `cs231n autograde` does and prints a JSON object a submission: ``autograde.py FOLDER NAME``.

Its "seconds" are those of each phase, its "problem" is empty where all went well.
"""

import json
import sys
import time
from pathlib import Path


def main(folder: str, assignment: str) -> None:
    # Imported here, because worker processes import this file and need none of it.
    from grader.autograding import autograde
    from grader.course import Course
    from grader.recording import Recorder
    from grader.workers import LocalWorkers

    recording = [timed(Recorder, method) for method in ("record", "grade")]
    course = Course(Path(folder))
    for graded in autograde(course, assignment, course.students(assignment), examiners=LocalWorkers()):
        recorded = sum(sum(seconds) for seconds in recording)
        for seconds in recording:
            seconds.clear()
        seconds = {**graded.seconds, "recording": recorded}
        print(json.dumps({"problem": graded.problem, "seconds": seconds}), flush=True)


def timed(owner: type, method: str) -> list[float]:
    """The seconds of every call of a method from now on."""
    original, seconds = getattr(owner, method), []

    def call(*arguments):
        started = time.perf_counter()
        try:
            return original(*arguments)
        finally:
            seconds.append(time.perf_counter() - started)

    setattr(owner, method, call)
    return seconds


if __name__ == "__main__":
    main(*sys.argv[1:])
