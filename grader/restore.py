"""Put a submitted notebook's graded cells back into the shape in which they were released.

Students delete, duplicate, move and damage cells. What they wrote in answer cells is kept; everything else about
graded cells comes from the released notebook, so that grading never stumbles over it.
"""

import ast
from collections.abc import Sequence
from uuid import uuid4

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell

from .reference import SKIP_TAG


def restore(cells: Sequence[NotebookNode], released: Sequence[NotebookNode]) -> tuple[list[NotebookNode], list[str]]:
    """The cells to grade, and a remark on everything that had to be mended.

    cells: of the submission. released: the cells with nbgrader metadata of the released notebook, in order.
    """
    remarks: list[str] = []
    template = {cell.metadata.nbgrader.grade_id: cell for cell in released}
    kept: list[tuple[str | None, NotebookNode]] = []
    for cell in cells:
        grade_id = _grade_id(cell)
        cell.metadata.pop("nbgrader", None)
        kept.append((grade_id if grade_id in template else None, cell))
    owners = {}
    for grade_id in template:
        if (position := _choose(grade_id, kept, template[grade_id], remarks)) is not None:
            owners[position] = grade_id
    merged = _find_unmarked(kept, owners, template, remarks)
    result = []
    for position, (grade_id, cell) in enumerate(kept):
        if position in owners:
            result.append(_mend(cell, template[owners[position]], remarks))
        elif grade_id is None or not template[grade_id].metadata.nbgrader.locked:
            result.append(cell)
    for grade_id in template:
        if grade_id not in owners.values():
            _insert(result, template[grade_id], list(template), empty=grade_id in merged)
    _renew_ids(result)
    return result, remarks


def _grade_id(cell: NotebookNode) -> str | None:
    metadata = cell.metadata.get("nbgrader")
    grade_id = metadata.get("grade_id") if isinstance(metadata, dict) else None
    return grade_id if isinstance(grade_id, str) else None


def _choose(grade_id: str, kept: list, released: NotebookNode, remarks: list[str]) -> int | None:
    """The position of the cell that counts as `grade_id`; None when there is none."""
    same = [i for i, (name, _) in enumerate(kept) if name == grade_id]
    if len(same) > 1:
        answered = [i for i in same if kept[i][1].source.strip() != released.source.strip()]
        remarks.append(f"The cell {grade_id} was there {len(same)} times; the last one with an answer counts.")
        return (answered or same)[-1]
    return same[0] if same else None


def _find_unmarked(kept: list, owners: dict[int, str], template: dict, remarks: list[str]) -> set[str]:
    """Find answers by the functions they define, and enter them into `owners`, {position: grade_id}.

    Returns the answers that stand together with another one in its cell.
    """
    missing = [grade_id for grade_id in template if grade_id not in owners.values()]
    defined = [_defined(cell) for _, cell in kept] if missing else []
    merged = set()
    for grade_id in missing:
        names = set() if template[grade_id].metadata.nbgrader.locked else _defined(template[grade_id])
        places = [i for i in reversed(range(len(kept))) if names and names <= defined[i]]
        free = [i for i in places if kept[i][0] is None and i not in owners]
        if free:
            owners[free[0]] = grade_id
            remarks.append(f"The cell {grade_id} had lost its mark; found again by what it defines.")
        elif any(_is_code_answer(template[owners[i]]) for i in places if i in owners):
            merged.add(grade_id)
            remarks.append(f"The answer of the cell {grade_id} stands in another cell; its own was put back empty.")
        else:
            remarks.append(f"The cell {grade_id} was missing; it was put back as released.")
    return merged


def _is_code_answer(released: NotebookNode) -> bool:
    return released.cell_type == "code" and not released.metadata.nbgrader.locked


def _mend(cell: NotebookNode, released: NotebookNode, remarks: list[str]) -> NotebookNode:
    """`cell` with the released cell's type, metadata and, where it is locked, text."""
    grade_id = released.metadata.nbgrader.grade_id
    source = released.source if released.metadata.nbgrader.locked else cell.source
    if source != cell.source:
        remarks.append(f"The cell {grade_id} is not to be edited; its text was put back as released.")
    if cell.cell_type != released.cell_type:
        remarks.append(f"The cell {grade_id} was a {cell.cell_type} cell; it is a {released.cell_type} cell again.")
    make = new_code_cell if released.cell_type == "code" else new_markdown_cell
    tags = [tag for tag in cell.metadata.get("tags", []) if tag != SKIP_TAG]
    return make(source, id=cell.get("id") or uuid4().hex[:8], metadata={**released.metadata, "tags": tags})


def _insert(cells: list[NotebookNode], released: NotebookNode, order: list[str], empty: bool) -> None:
    """Put `released` behind the nearest graded cell that comes before it in the released notebook."""
    before = set(order[: order.index(released.metadata.nbgrader.grade_id)])
    places = [i for i, cell in enumerate(cells) if _grade_id(cell) in before]
    cell = _mend(released, released, [])
    if empty:
        cell.source = ""
    cells.insert(places[-1] + 1 if places else 0, cell)


def _renew_ids(cells: list[NotebookNode]) -> None:
    """Copied cells share an id, which the notebook format does not allow."""
    seen = set()
    for cell in cells:
        if cell.get("id") in seen:
            cell.id = uuid4().hex[:8]
        seen.add(cell.get("id"))


def _defined(cell: NotebookNode) -> set[str]:
    """The functions and classes that a code cell defines."""
    try:
        body = ast.parse(cell.source).body if cell.cell_type == "code" else ()
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set()
    return {node.name for node in body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
