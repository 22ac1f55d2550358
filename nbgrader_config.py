"""nbgrader's configuration: the course's folders, and the judge in place of nbgrader's own execution.

With this file in the course's folder, `nbgrader generate_assignment`, `autograde`, `generate_feedback`, `export` and
formgrader work as they always do.
"""

import os
import sys
from pathlib import Path

# nbgrader runs `alembic`, which lies beside it; it need not be on the path of the shell.
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])

c = get_config()  # noqa: F821

c.CourseDirectory.root = str(Path(__file__).resolve().parent)
c.CourseDirectory.course_id = "cs231n"
c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "assignments"

c.GenerateAssignment.preprocessors = [
    "grader.preprocessors.WriteAnswerKey",
    "nbgrader.preprocessors.IncludeHeaderFooter",
    "nbgrader.preprocessors.LockCells",
    "nbgrader.preprocessors.ClearSolutions",
    "nbgrader.preprocessors.ClearOutput",
    "nbgrader.preprocessors.CheckCellMetadata",
    "nbgrader.preprocessors.ComputeChecksums",
    "nbgrader.preprocessors.SaveCells",
    "nbgrader.preprocessors.CheckCellMetadata",
]

c.Autograde.sanitize_preprocessors = [
    "nbgrader.preprocessors.ClearOutput",
    "grader.preprocessors.RestoreCells",
    "nbgrader.preprocessors.OverwriteKernelspec",
    "nbgrader.preprocessors.OverwriteCells",
    "nbgrader.preprocessors.CheckCellMetadata",
]
c.Autograde.autograde_preprocessors = [
    "grader.preprocessors.Judge",
    "nbgrader.preprocessors.LimitOutput",
    "grader.preprocessors.SaveJudgedGrades",
    "nbgrader.preprocessors.AssignLatePenalties",
    "nbgrader.preprocessors.CheckCellMetadata",
]

# What handing in late costs, once an assignment has a due date (cs231n due): nothing, unless you say so here.
c.AssignLatePenalties.plugin_class = "grader.late.LatePolicy"
c.LatePolicy.grace_minutes = 0  # up to so many minutes late cost nothing
c.LatePolicy.percent_per_day = 0  # of a notebook's score, for each day begun since the due date
c.LatePolicy.max_percent = 100  # at most

c.GenerateFeedback.exporter_class = "grader.display.FeedbackExporter"

# What students write is shown in feedback pages and in formgrader: harmless HTML only, formulas without scripts.
c.HTMLExporter.sanitize_html = True
c.HTMLExporter.filters = {
    "clean_html": "grader.display.clean_html",
    "markdown2html": "grader.display.cell_markdown",
}
