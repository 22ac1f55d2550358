"""Make what students wrote and printed safe and readable in feedback pages and in formgrader.

Two template filters take the place of nbconvert's `clean_html` and `markdown2html`. Formulas become MathML, which
browsers draw without scripts and without a network.
"""

import copy
import re
import secrets
from collections.abc import Sequence
from html import escape
from urllib.parse import unquote
from xml.etree import ElementTree

import bleach
from bleach.css_sanitizer import CSSSanitizer
from jinja2 import pass_context
from latex2mathml.converter import convert as latex_to_mathml
from nbconvert.exporters import HTMLExporter
from nbconvert.filters import strip_ansi
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbconvert.preprocessors import Preprocessor
from nbformat import NotebookNode

from .reference import SKIP_TAG

TAGS = {
    *bleach.ALLOWED_TAGS,
    *("p", "br", "hr", "div", "span", "pre", "small", "sub", "sup", "del", "h1", "h2", "h3", "h4", "h5", "h6"),
    *("table", "thead", "tbody", "tfoot", "tr", "th", "td", "caption", "details", "summary", "img", "figure"),
}
ATTRIBUTES = {
    **bleach.ALLOWED_ATTRIBUTES,
    "*": ["class", "id", "style", "title"],
    "a": lambda tag, name, value: name == "title" or (name == "href" and is_link(value)),
    "img": lambda tag, name, value: name in ("alt", "width", "height") or (name == "src" and is_picture(value)),
    "td": ["colspan", "rowspan"],
    "th": ["colspan", "rowspan", "scope"],
}
STYLES = CSSSanitizer(
    allowed_css_properties=[
        *("color", "background-color", "border", "border-left", "border-collapse", "font-weight", "font-style"),
        *("text-align", "vertical-align", "margin", "margin-top", "padding", "width", "max-width", "opacity"),
    ]
)
MATHML = "{http://www.w3.org/1998/Math/MathML}"
MATH_TAGS = {
    *(
        "math",
        "mrow",
        "mi",
        "mo",
        "mn",
        "mtext",
        "ms",
        "mspace",
        "mstyle",
        "mpadded",
        "mphantom",
        "menclose",
        "mfenced",
    ),
    *("msup", "msub", "msubsup", "munder", "mover", "munderover", "mfrac", "msqrt", "mroot", "mtable", "mtr", "mtd"),
}
MATH_ATTRIBUTES = {
    *("display", "displaystyle", "scriptlevel", "stretchy", "form", "fence", "separator", "mathvariant", "accent"),
    *("lspace", "rspace", "minsize", "maxsize", "width", "height", "depth", "linethickness", "columnalign"),
    *("rowspacing", "columnspacing", "columnlines", "rowlines", "notation", "movablelimits", "largeop", "symmetric"),
}
MOST_MARKUP = 6_000
"""Tags, attributes and words in one text. The time to clean it can grow with the square of their number."""
COLOUR_WORK = 10**9
"""Colour changes in one text times its characters: the time to show them grows with that."""
PICTURES = ("image/png", "image/jpeg", "image/gif")
OUTPUT_TYPES = ("text/plain", "text/html", "text/markdown", "text/latex", "image/png", "image/jpeg")

_PICTURE = re.compile(r'src="data:image/(png|jpeg|gif);base64,[\w+/=]*"', re.ASCII)
_CONTROL = re.compile(r"\x1b(?!\[[\d;]*m)|[\x00-\x08\x0b-\x1a\x1c-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_PART = re.compile(r"<|[\s/\"']+")
_MATH = re.compile(r"(?P<code>```.*?```|`[^`\n]*`)|\$\$(?P<block>.+?)\$\$|\$(?P<inline>[^$\n]+?)\$", re.DOTALL)


def is_picture(source: str) -> bool:
    """Only pictures that are in the page itself: nothing is fetched when a page is read."""
    return re.match(r"data:image/(png|jpeg|gif);base64,", source) is not None


def is_link(address: str) -> bool:
    """Only to elsewhere: not to files that were handed in, nor with a script in it for a page of formgrader's."""
    known = re.match(r"(https?://|mailto:|#)", address, re.IGNORECASE) is not None
    return known and not re.search(r"[\"'<>\\]", unquote(address))


def clean_html(text) -> str:
    """`text` with only harmless tags, attributes and styles left; anything else is shown as text.

    All of a text with more than MOST_MARKUP parts is.
    """
    text = text.decode(errors="replace") if isinstance(text, bytes) else str(text)
    if "<" in text and len(_PART.findall(_PICTURE.sub("", text))) > MOST_MARKUP:
        return f"<pre>{escape(text)}</pre>"
    return bleach.clean(
        text, tags=TAGS, attributes=ATTRIBUTES, css_sanitizer=STYLES, protocols={*bleach.ALLOWED_PROTOCOLS, "data"}
    )


class _Renderer(IPythonRenderer):
    """Shows pictures that were pasted into a cell, and goes on where one is missing."""

    def _embed_image_or_attachment(self, src: str) -> str:
        if not src.startswith("attachment:"):
            return src
        kinds = self.attachments.get(unquote(src.removeprefix("attachment:")), {})
        if not isinstance(kinds, dict):
            return ""
        return next((f"data:{kind};base64,{data}" for kind, data in kinds.items() if kind in PICTURES), "")


@pass_context
def markdown_cell(context, source: str) -> str:
    """The template filter `markdown2html`: `safe_markdown` with the pictures that the cell brings along."""
    return safe_markdown(source, context.get("cell", {}).get("attachments"))


def safe_markdown(source: str, attachments: dict[str, dict[str, str]] | None = None) -> str:
    """Markdown to harmless HTML, with formulas as MathML.

    attachments: a cell's pictures, {name: {MIME type: base64}}.
    """
    formulas: list[str] = []
    mark = secrets.token_hex(8)  # so that no text can stand where a formula will

    def set_aside(match: re.Match) -> str:
        if match["code"]:
            return match[0]
        formulas.append(_mathml(match["block"] or match["inline"], block=match["block"] is not None))
        return f"{mark}x{len(formulas) - 1}x"

    renderer = _Renderer(escape=False, attachments=attachments)
    html = clean_html(MarkdownWithMath(renderer=renderer).render(_MATH.sub(set_aside, source)))
    return re.sub(rf"{mark}x(\d+)x", lambda m: formulas[int(m[1])], html)


def _mathml(latex: str, block: bool) -> str:
    """MathML for a formula; the formula's text where it cannot be converted or holds anything else than a formula."""
    try:
        mathml = latex_to_mathml(latex, display="block" if block else "inline")
        for element in ElementTree.fromstring(mathml).iter():
            if element.tag.removeprefix(MATHML) not in MATH_TAGS or not MATH_ATTRIBUTES.issuperset(element.attrib):
                raise ValueError(f"{element.tag} in a formula")
        return mathml
    except Exception:
        return f"<code>{bleach.clean(latex, tags=set())}</code>"


def recorded(outputs: Sequence[NotebookNode]) -> list[NotebookNode]:
    """What is kept of a cell's outputs: clean copies, and what went to the same stream as one."""
    kept: list[NotebookNode] = []
    streams: dict[str, list[str]] = {}
    for output in outputs:
        if output.output_type != "stream":
            kept.append(clean(output))
        elif output.name in streams:
            streams[output.name].append(output.text)
        else:
            streams[output.name] = [output.text]
            kept.append(NotebookNode(output))
    for output in kept:
        if output.output_type == "stream":
            output.text = _tame(_overwritten("".join(streams[output.name])))
    return kept


def _overwritten(text: str) -> str:
    """Of every line what is left on a terminal in the end: progress bars go back to its beginning and start anew."""
    return "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n"))


def clean(output: NotebookNode) -> NotebookNode:
    """A copy of a recorded output without anything that could run or fetch when it is shown."""
    output = copy.deepcopy(output)
    if "traceback" in output:
        output.ename, output.evalue = _tame(output.ename), _tame(output.evalue)
        output.traceback = _tame("\n".join(output.traceback)).split("\n")
    if "data" in output:
        output.data = NotebookNode({k: _tame(v) for k, v in output.data.items() if _is_shown(k, v)})
        output.metadata = NotebookNode()
        if "text/html" in output.data:
            output.data["text/html"] = clean_html(output.data["text/html"])
    return output


def _is_shown(kind: str, content) -> bool:
    if kind.startswith("image/"):
        content = "".join(content.split()) if isinstance(content, str) else ""
        return kind in OUTPUT_TYPES and re.fullmatch(r"[\w+/]*=*", content, re.ASCII) is not None
    return kind in OUTPUT_TYPES and isinstance(content, str)


def _tame(text: str) -> str:
    """Without control characters but those of a few colours."""
    text = _CONTROL.sub("", text)
    return strip_ansi(text) if text.count("\x1b") * len(text) > COLOUR_WORK else text


class Disarm(Preprocessor):
    """Before a submission is shown: what students may have chosen as their names becomes plain text, and of what
    their notebook says about itself (its language, widgets, tags) only nbgrader's own marks are left. Outputs were
    cleaned when they were recorded; it is done again, because what they say of themselves reaches the page too."""

    def preprocess(self, nb: NotebookNode, resources: dict) -> tuple[NotebookNode, dict]:
        for name in ("first_name", "last_name", "student"):
            if resources.get(name):
                resources[name] = escape(str(resources[name]))
        nb.metadata = NotebookNode()
        for cell in nb.cells:
            cell.metadata = NotebookNode({k: v for k, v in cell.metadata.items() if k == "nbgrader"})
            if cell.cell_type == "code":
                cell.outputs = [clean(output) for output in cell.outputs]
        return nb, resources


class FeedbackExporter(HTMLExporter):
    """Feedback pages that run no script and fetch nothing, whatever a student's notebook holds.

    Cells that are not run when grading are left out: there is nothing to say about them.
    """

    policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"

    def from_notebook_node(self, nb: NotebookNode, resources=None, **kwargs):
        graded = NotebookNode(nb | {"cells": [c for c in nb.cells if SKIP_TAG not in c.metadata.get("tags", [])]})
        html, resources = super().from_notebook_node(graded, resources, **kwargs)
        head, mark, body = html.partition("</head>")
        head = re.sub(r"<script.*?</script>", "", head, flags=re.DOTALL)  # MathJax: formulas are MathML already
        head = re.sub(r"@font-face\s*{[^}]*}", "", head)
        meta = f'<meta http-equiv="Content-Security-Policy" content="{self.policy}">'
        body = re.sub(r'<a href="#(\w+)">Test cell</a>', r'<a href="#\1"><code>\1</code></a>', body)
        return head.replace("<head>", f"<head>\n{meta}", 1) + mark + body, resources
