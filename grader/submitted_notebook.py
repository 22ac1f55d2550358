"""A notebook as it was handed in, read with suspicion and brought into one plain shape."""

import json
import re

from nbformat import NotebookNode
from nbformat.v4 import nbformat_minor, new_code_cell, new_markdown_cell, new_notebook, new_raw_cell

from .reference import SKIP_TAG

NOTEBOOK_LIMIT = 20 * 2**20
PARTS_LIMIT = 1_000_000  # lists and objects: 20 MiB of empty ones would take ten seconds and 300 MiB
CELL_LIMIT = 2_000
SOURCE_LIMIT = 100_000  # characters of one cell
SOURCES_LIMIT = 1_000_000  # of all cells together: Python takes up to 900 bytes to parse one of them
SAVED_AGAIN = "ask for it to be opened in Jupyter, saved and submitted again"

_MAKE = {"code": new_code_cell, "markdown": new_markdown_cell, "raw": new_raw_cell}


class IntakeError(Exception):
    """Something handed in that cannot be graded. The message, one line, says which file, why, and the mend."""


def read_notebook(content: bytes, name: str) -> NotebookNode:
    """The notebook in the file called `name`: valid, of the format that nbformat writes today, and without outputs.

    Of metadata, only cells' grade ids and the tag that takes them out of grading are kept, and ids are given anew.
    Notebooks of the formats 2 and 3 are brought up to date. Raises IntakeError, and nothing else, whatever the bytes.
    """
    name = shown(name)
    if len(content) > NOTEBOOK_LIMIT:
        raise IntakeError(
            f"{name} has {mebibytes(len(content))}, and a notebook may have {mebibytes(NOTEBOOK_LIMIT)}: ask for it "
            "without its outputs"
        )
    cells = [_cell(raw, f"cell {i} of {name}") for i, raw in enumerate(_cells(_parse(content, name), name), 1)]
    if (size := sum(len(cell.source) for cell in cells)) > SOURCES_LIMIT:
        raise IntakeError(
            f"the cells of {name} hold {size:,} characters, and at most {SOURCES_LIMIT:,} are taken: ask for it "
            "without the data in them"
        )
    for number, cell in enumerate(cells):
        cell.id = f"cell-{number}"
    return new_notebook(cells=cells)


def _parse(content: bytes, name: str) -> object:
    if content[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in content[:4]:
        raise IntakeError(f"{name} is UTF-16 text, and a notebook is UTF-8: {SAVED_AGAIN}")
    if content.count(b"[") + content.count(b"{") > PARTS_LIMIT:
        raise IntakeError(f"{name} has more than {PARTS_LIMIT:,} lists in it: ask for it without its outputs")
    try:
        # NaN, which strict JSON has not, is met in outputs.
        return json.loads(content.decode("utf-8-sig"), parse_constant=lambda _: None)
    except UnicodeDecodeError as error:
        raise IntakeError(f"{name} is not UTF-8 text (byte {error.start + 1:,}): {SAVED_AGAIN}") from error
    except json.JSONDecodeError as error:
        raise IntakeError(f"{name} is not valid JSON{_why(content, error)}: {SAVED_AGAIN}") from error
    except ValueError as error:
        raise IntakeError(f"{name} holds a number of thousands of digits: {SAVED_AGAIN}") from error
    except RecursionError as error:
        raise IntakeError(f"{name} is nested too deeply: {SAVED_AGAIN}") from error


def _why(content: bytes, error: json.JSONDecodeError) -> str:
    """What a file that is not JSON is instead, in brackets; else where it stops being JSON."""
    if not content.strip():
        return " (it is empty)"
    if content.startswith(b"PK\3\4"):
        return " (it is a zip file)"
    if re.match(rb"\s*<(!doctype|html|\?xml)", content, re.IGNORECASE):
        return " (it is a web page)"
    if b"\n<<<<<<< " in content and b"\n>>>>>>> " in content:
        return " (there are marks of a merge conflict in it)"
    return f" (line {error.lineno:,}, column {error.colno:,})"


def _cells(raw: object, name: str) -> list:
    """The cells as the file has them, whatever they are."""
    if not isinstance(raw, dict) or "nbformat" not in raw:
        raise IntakeError(f"{name} is no notebook: {SAVED_AGAIN}")
    major, minor = raw["nbformat"], raw.get("nbformat_minor", 0)
    if type(major) is not int or type(minor) is not int or major < 2 or minor < 0:
        raise IntakeError(f"{name} does not say which notebook format it has: {SAVED_AGAIN}")
    if major > 4 or (major == 4 and minor > nbformat_minor):
        raise IntakeError(
            f"{name} is of the notebook format {_digits(major)}.{_digits(minor)}, and 4.{nbformat_minor} is the newest "
            "known here: update nbformat, or ask for it to be saved by an older Jupyter"
        )
    cells = raw.get("cells") if major == 4 else _former_cells(raw)
    if not isinstance(cells, list):
        raise IntakeError(f"{name} has no list of cells: {SAVED_AGAIN}")
    if len(cells) > CELL_LIMIT:
        raise IntakeError(
            f"{name} has {len(cells):,} cells, and at most {CELL_LIMIT:,} are taken: ask for it without those "
            "that were pasted in"
        )
    return cells


def _former_cells(raw: dict) -> list | None:
    """The cells of a notebook of format 2 or 3 in today's shape.

    Not by nbformat, whose conversion repeats "#" as often as a heading's level says.
    """
    sheets = raw.get("worksheets")
    if not isinstance(sheets, list):
        return None
    cells = []
    for sheet in sheets:
        listed = sheet.get("cells") if isinstance(sheet, dict) else None
        for cell in listed if isinstance(listed, list) else ():
            if isinstance(cell, dict) and cell.get("cell_type") == "code":
                cell = {**cell, "source": cell.get("input", "")}
            elif isinstance(cell, dict) and cell.get("cell_type") == "heading":
                level = cell.get("level")
                marks = "#" * (level if type(level) is int and 1 <= level <= 6 else 1)
                cell = {**cell, "cell_type": "markdown", "source": f"{marks} {_joined(cell.get('source')) or ''}"}
            elif isinstance(cell, dict) and cell.get("cell_type") == "html":
                cell = {**cell, "cell_type": "markdown"}
            cells.append(cell)
    return cells


def _cell(raw: object, where: str) -> NotebookNode:
    kind = raw.get("cell_type") if isinstance(raw, dict) else None
    if not isinstance(kind, str) or kind not in _MAKE:
        raise IntakeError(f"{where} is no cell: {SAVED_AGAIN}")
    source = _joined(raw.get("source"))
    if source is None:
        raise IntakeError(f"{where} has no text: {SAVED_AGAIN}")
    if len(source) > SOURCE_LIMIT:
        raise IntakeError(
            f"{where} has {len(source):,} characters, and at most {SOURCE_LIMIT:,} are taken: ask for it without "
            "the data in it"
        )
    cell = _MAKE[kind](_text(source), metadata=_metadata(raw.get("metadata")))
    if kind == "markdown" and (pictures := _pictures(raw.get("attachments"))):
        cell.attachments = pictures
    return cell


def _joined(source: object) -> str | None:
    if isinstance(source, list) and all(isinstance(line, str) for line in source):
        return "".join(source)
    return source if isinstance(source, str) else None


def _metadata(given: object) -> NotebookNode:
    metadata = NotebookNode()
    given = given if isinstance(given, dict) else {}
    grading, tags = given.get("nbgrader"), given.get("tags")
    if isinstance(grading, dict) and isinstance(grading.get("grade_id"), str):
        metadata.nbgrader = NotebookNode(grade_id=_text(grading["grade_id"]))
    if isinstance(tags, list) and SKIP_TAG in tags:
        metadata.tags = [SKIP_TAG]
    return metadata


def _pictures(attachments: object) -> dict:
    """The pictures pasted into a written answer."""
    return {
        _text(name): {kind: data for kind, data in bundle.items() if isinstance(data, str) and _is_picture(kind, data)}
        for name, bundle in (attachments.items() if isinstance(attachments, dict) else ())
        if isinstance(bundle, dict)
    }


def _is_picture(kind: str, data: str) -> bool:
    return kind in ("image/png", "image/jpeg", "image/gif") and re.fullmatch(r"[A-Za-z0-9+/=\s]*", data) is not None


def _text(text: str) -> str:
    """`text` with halves of characters, which cannot be written to a file, replaced."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def shown(name: object) -> str:
    """`name` as it can stand in a message of one line."""
    name = str(name)
    return name if name.isprintable() else ascii(name)


def mebibytes(size: int) -> str:
    """`size` in words."""
    return f"{size / 2**20:,.1f} MiB"


def _digits(number: int) -> str:
    return str(number) if number < 10**6 else "(a large number)"
