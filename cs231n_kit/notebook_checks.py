"""Run the checks of an assignment's notebook from the terminal, in a kernel of their own."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

SKIPPED = "skip-grading"
REPORT = "application/vnd.cs231n.report+json"

# Runs before the notebook's first cell: every check also displays its report in a form that we can read back.
REPORTING = f"""
def _report_to_terminal():
    import functools
    import cs231n_kit.checking as checking
    from cs231n_kit.checking.verdicts import NOT_IMPLEMENTED
    from IPython.display import display

    check = checking.check

    @functools.wraps(check)
    def reporting(*args, **kwargs):
        report = check(*args, **kwargs)
        content = {{
            "function": report.function,
            "passed": bool(report.passed),
            "tried": any(verdict.status != NOT_IMPLEMENTED for verdict in report.verdicts),
            "earned": float(report.earned),
            "points": float(report.points),
            "text": repr(report),
        }}
        display({{"{REPORT}": content}}, raw=True)
        return report

    checking.check = reporting

_report_to_terminal()
del _report_to_terminal
"""


class CannotCheck(Exception):
    """The notebook cannot be run or holds no check; the message says what to do."""


@dataclass(frozen=True)
class CheckReport:
    """What one `check(...)` call found. tried: False where nothing is written yet. text: the verdict table."""

    function: str
    passed: bool
    tried: bool
    earned: float
    points: float
    text: str


@dataclass(frozen=True)
class CellResult:
    """One code cell that ran. error: what it ended with, None if it ran through."""

    reports: tuple[CheckReport, ...]
    error: str | None


def run_checks(
    notebook: Path, timeout: float = 300, on_start: Callable[[str], None] = lambda words: None
) -> Iterator[CellResult]:
    """Run `notebook` from the top in its own folder and yield what each code cell gave, as it comes.

    Cells tagged skip-grading are left out; a cell that ends in an error does not keep later ones from running.
    timeout: seconds a cell may take before it is interrupted. on_start is told, in words, which cell starts.
    Raises CannotCheck when there is nothing to run or the kernel dies.
    """
    from jupyter_client.kernelspec import NoSuchKernel
    from nbclient import NotebookClient
    from nbclient.exceptions import DeadKernelError
    from nbformat.v4 import new_code_cell

    content = read_notebook(notebook)
    cells = [cell for cell in content.cells if cell.cell_type == "code" and cell.source.strip()]
    if not any(re.search(r"\bcheck\(", cell.source) for cell in cells):
        raise CannotCheck(f"{notebook} has no check(...) to run. Assignments have them: try one in assignments/.")
    client = NotebookClient(
        content,
        kernel_name="python3",
        extra_arguments=["--IPKernelApp.log_level=ERROR"],
        timeout=timeout,
        interrupt_on_timeout=True,
        allow_errors=True,
        resources={"metadata": {"path": str(notebook.resolve().parent)}},
    )
    label = "the kernel"
    try:
        with client.setup_kernel():
            client.execute_cell(new_code_cell(REPORTING), -1)
            for number, cell in enumerate(cells, start=1):
                if SKIPPED in cell.metadata.get("tags", []):
                    continue
                label = f"code cell {number} ({cell.source.strip().splitlines()[0][:60]})"
                on_start(f"Code cell {number} of {len(cells)} ...")
                client.execute_cell(cell, number)
                yield _result(cell.outputs, label, timeout)
    except NoSuchKernel as error:
        raise CannotCheck("No Python kernel is installed here. cs231n doctor names the mend.") from error
    except DeadKernelError as error:
        raise CannotCheck(
            f"Python itself died in {label}: out of memory, or a crash in compiled code. "
            "Try that cell in JupyterLab on smaller arrays."
        ) from error


def read_notebook(notebook: Path):
    """The notebook in the format 4; raises CannotCheck, with the mend, where it cannot be read."""
    import nbformat

    try:
        return nbformat.read(notebook, as_version=4)
    except FileNotFoundError as error:
        raise CannotCheck(f"There is no file {notebook}. Name an assignment's notebook.") from error
    except (OSError, ValueError, AttributeError, nbformat.ValidationError) as error:
        raise CannotCheck(
            f"{notebook} cannot be read as a notebook ({type(error).__name__}). "
            "Open it in JupyterLab and save it again, or start from a fresh copy of the assignment."
        ) from error


def _result(outputs: list, label: str, timeout: float) -> CellResult:
    reports = tuple(CheckReport(**output.data[REPORT]) for output in outputs if REPORT in output.get("data", {}))
    error = next((output for output in outputs if output.output_type == "error"), None)
    if error is None:
        return CellResult(reports, None)
    if error.ename == "KeyboardInterrupt":
        return CellResult(reports, f"{label} took longer than {timeout:g} s and was interrupted.")
    words = f"{label} ended in {error.ename}: {error.evalue}".rstrip(": ")
    return CellResult(reports, words + "".join(f"\n    {line}" for line in _lines_reached(error.traceback)))


def _lines_reached(traceback: list[str]) -> list[str]:
    """The lines that IPython's traceback marks with an arrow, outermost first (at most three)."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(traceback))
    return [f"line {number}: {code.strip()}" for number, code in re.findall(r"^-+> (\d+) (.*)$", plain, re.M)][:3]
