"""A submission that tries to run scripts where it is looked at: each that runs calls ``pwned`` with its name."""

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output, new_raw_cell

PAGE = "plots.html"
FIRST_NAME, LAST_NAME = "<img src=x onerror=pwned('first-name')>", "<script>pwned('last-name')</script>"
# For a template that puts the last part of its own address between quotation marks into a script.
REFLECTED = "/formgrader/manage_submissions/%22%3Bpwned('reflected')%2F%2F"


def tags(place: str) -> str:
    return f"""<script>pwned("{place}-script")</script> <img src="x" onerror="pwned('{place}-img')">
<svg onload="pwned('{place}-svg')"></svg> <iframe srcdoc="<script>parent.pwned('{place}-iframe')</script>"></iframe>
<a href="javascript:pwned('{place}-link')">{place}-link</a> <img src="http://127.0.0.1:9/{place}.png">"""


MARKDOWN = f"""{tags("markdown")}

[click](javascript:pwned('click')) [see]({PAGE}) [more]({REFLECTED})
![none](attachment:none.png) ![svg](attachment:a.svg)

$\\text{{<img src=x onerror=pwned('formula')>}}$
"""
OUTPUTS = [
    ({"text/html": tags("html")}, {}),
    ({"text/html": tags("isolated")}, {"text/html": {"isolated": True}}),
    ({"text/markdown": tags("display-markdown")}, {}),
    ({"text/latex": tags("latex")}, {}),
    ({"application/javascript": "pwned('javascript')"}, {}),
    ({"image/svg+xml": "<svg xmlns='http://www.w3.org/2000/svg' onload=\"pwned('svg')\"></svg>"}, {}),
    ({"image/png": "\" onerror=\"pwned('png')"}, {"image/png": {"width": "1 onerror=pwned('width')"}}),
    ({"text/plain": tags("plain")}, {}),
]
CODE = f"""
print({tags("stdout")!r})
for data, metadata in {OUTPUTS!r}:
    display(data, metadata=metadata, raw=True)
raise type({tags("ename")!r}, (Exception,), {{}})({tags("evalue")!r})
"""
ATTRIBUTE = "\"><img src=x onerror=pwned('{}')>"
WIDGETS = {"application/vnd.jupyter.widget-state+json": {"x": "</script><script>pwned('widgets')</script>"}}


def make_hostile(notebook: nbformat.NotebookNode, question: str) -> None:
    """Put all of it into a submission whose written answer is in the cell `question`."""
    pasted = new_markdown_cell(MARKDOWN, attachments={"a.svg": {"image/svg+xml": "\" onerror=\"pwned('attachment')"}})
    marked = {"tags": [ATTRIBUTE.format("tag")], "magics_language": ATTRIBUTE.format("magic")}
    raw = new_raw_cell(tags("raw"), metadata={"raw_mimetype": "text/html"})
    notebook.cells[1:1] = [pasted, new_code_cell(CODE, metadata=marked), raw]
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("grade_id") == question:
            cell.source = tags("answer")
    notebook.metadata["language_info"] = {"name": ATTRIBUTE.format("language")}
    notebook.metadata["widgets"] = WIDGETS
    notebook.metadata["title"] = "</title><script>pwned('title')</script>"


def add_raw_outputs(path) -> None:
    """Add a cell with the outputs as they are to a graded notebook: a judge's cleaning is not all that protects."""
    path.chmod(0o644)
    notebook = nbformat.read(path, as_version=4)
    shown = [new_output("display_data", data, metadata=metadata) for data, metadata in OUTPUTS]
    shown.append(new_output("error", ename=tags("ename"), evalue=tags("evalue"), traceback=[tags("traceback")]))
    notebook.cells.insert(1, new_code_cell("pass", outputs=shown))
    nbformat.write(notebook, path)
