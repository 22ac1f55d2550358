"""What was handed in, read with suspicion: the files of a submission, and its notebooks."""

import os
from collections.abc import Collection, Mapping
from pathlib import Path

import nbformat
from nbformat import NotebookNode


class IntakeError(Exception):
    """Something handed in that cannot be graded. The message, one line, says why, and the mend."""


def read_submission(folder: Path) -> dict[str, bytes]:
    """The files in the folder of a submission, by their names relative to it, with "/" between folders.

    Raises IntakeError when the folder is, or holds, a symbolic link: it could lead to the solution.
    """
    for path in (folder, folder.parent, *folder.rglob("*")):
        if path.is_symlink():
            raise IntakeError(f"the submission holds a symbolic link, {path.name}: ask for the file itself")
    return {path.relative_to(folder).as_posix(): _content(path) for path in folder.rglob("*") if path.is_file()}


def _content(path: Path) -> bytes:
    with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
        return file.read()


def read_notebook(content: bytes, name: str) -> NotebookNode:
    """The notebook in `content`, of format 4.5, without outputs. Raises IntakeError, naming it, for anything else."""
    try:
        notebook = nbformat.reads(content.decode(), as_version=4)
        nbformat.validate(notebook)
        for cell in notebook.cells:
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = [], None
        return nbformat.v4.upgrade(notebook, from_minor=notebook.nbformat_minor)
    except UnicodeDecodeError:
        reason = "not UTF-8 text: ask for it to be saved in Jupyter and submitted again"
    except nbformat.reader.NotJSONError:
        reason = "not valid JSON: ask for it to be saved and submitted again"
    except Exception:
        reason = "damaged (not a valid notebook): ask for it to be submitted again"
    raise IntakeError(f"{name} is {reason}")


def find_notebooks(
    files: Mapping[str, bytes], released: Mapping[str, Collection[str]]
) -> tuple[dict[str, NotebookNode], list[str]]:
    """The notebooks of an assignment among the files of a submission, by name, and remarks on what was not taken.

    released: for each notebook's name, such as "knn", the grade ids of its cells. A notebook that is not there is
    left out and remarked on. Raises IntakeError where one cannot be read, and where there is none at all.
    """
    found = {
        name: read_notebook(files[f"{name}.ipynb"], f"{name}.ipynb") for name in released if f"{name}.ipynb" in files
    }
    if not found:
        raise IntakeError("there is no notebook of the assignment in the submission")
    return found, [f"{name}.ipynb is missing" for name in released if name not in found]
