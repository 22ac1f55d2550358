"""What students wrote is shown, and cannot act."""

import json
from html import escape

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from grader.display import MOST_MARKUP, Disarm, clean, clean_html, is_link, recorded, safe_markdown


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        '<a href="javascript:alert(1)">here</a>',
        "<iframe src='//example.org'></iframe>",
        "<svg onload=alert(1)>",
        '<div style="background:url(javascript:alert(1))">x</div>',
        '<meta http-equiv="refresh" content="0;url=//example.org">',
        "<form action=//example.org><input name=a>",
        "<style>@import '//example.org'</style>",
        "<math><mtext><script>alert(1)</script></mtext></math>",
    ],
)
@pytest.mark.parametrize("show", [clean_html, safe_markdown])
def test_nothing_active_is_left(show, hostile):
    shown = show(hostile)
    for tag in ("<script", "<iframe", "<svg", "<meta", "<form", "<style", "<input"):
        assert tag not in shown
    assert "javascript:" not in shown.replace("&lt;", "<") or "href" not in shown
    assert not any(f" {name}=" in piece for piece in shown.split("<")[1:] for name in ("onerror", "onload"))


def test_formulas_become_mathml_and_code_is_left_alone():
    html = safe_markdown(
        "A *norm* $\\lVert a \\rVert_2$ and\n\n$$ \\sum_i a_i^2 $$\n\nbut `cost = $5` and\n\n```\n$x$\n```\n"
    )
    assert html.count("<math") == 2 and 'display="block"' in html
    assert "<em>norm</em>" in html
    assert "cost = $5" in html and "$x$" in html


def test_markup_inside_a_formula_is_text():
    html = safe_markdown("$\\text{<script>alert(1)</script>} <img src=x onerror=alert(1)>$")
    assert "<script" not in html and "<img" not in html


def test_a_formula_that_cannot_be_read_is_shown_as_it_was_written():
    assert "frac" in safe_markdown("$\\frac{1}{$ and $\\left( x$")


def test_verdict_tables_keep_their_look():
    table = '<table style="width: 100%;"><tbody><tr><td style="color: red;" colspan="2">x</td></tr></tbody></table>'
    assert clean_html(table) == table


@pytest.mark.parametrize("hostile", ["<div>" * 300_000, f"<p {'a b=1 ' * 100_000}>", "<b a='>'" + "/c" * 300_000])
def test_markup_that_would_take_hours_to_clean_is_shown_as_text(hostile):
    assert clean_html(hostile) == f"<pre>{escape(hostile)}</pre>"
    assert MOST_MARKUP > 5_000  # what is shown as it is: a large table


def test_pictures_in_a_text_are_not_counted():
    picture = f'<img src="data:image/png;base64,{"ab/+" * 100_000}">'
    assert clean_html(picture) == picture


def test_thousands_of_colours_are_dropped():
    flood = "\x1b[31mx" * 100_000
    for output in (new_output("error", ename="E", evalue="e", traceback=[flood]),
                   new_output("display_data", {"text/plain": flood})):  # fmt: skip
        assert "\x1b" not in json.dumps(clean(output), ensure_ascii=False)
    assert recorded([new_output("stream", text=flood)])[0].text == "x" * 100_000
    few = new_output("stream", text="\x1b[31mred")
    assert recorded([few]) == [few]


def test_attached_pictures_are_shown_and_nothing_else_that_is_attached():
    source = "![x](attachment:a.png) ![y](attachment:b.svg) and *text*"
    attached = {"a.png": {"image/png": "AAAA"}, "b.svg": {"image/svg+xml": "PHN2Zz4="}}
    html = safe_markdown(source, attached)
    assert 'src="data:image/png;base64,AAAA"' in html and "svg" not in html
    missing = safe_markdown(source, {"a.png": {"image/png": "AAAA"}})
    assert "<em>text</em>" in missing and missing.count("src=") == 1
    assert "<em>text</em>" in safe_markdown(source, {"a.png": {}, "b.svg": 5})


def test_control_characters_other_than_colours_are_dropped():
    evil = "\x1b]0;owned\x07\x1b[2J\x1b[31mred\x9b\u202e\x08\ttab\n"
    tame = "]0;owned[2J\x1b[31mred\ttab\n"
    assert recorded([new_output("stream", text=evil)])[0].text == tame
    error = clean(new_output("error", ename=evil, evalue=evil, traceback=[evil, evil]))
    assert (error.ename, error.evalue, error.traceback) == (tame, tame, f"{tame}\n{tame}".split("\n"))
    assert clean(new_output("display_data", {"text/plain": evil, "text/latex": evil})).data["text/latex"] == tame


def test_streams_are_joined_and_overwritten_lines_are_left_out_in_no_time():
    long = "x" * 5_000_000
    parts = ["1%\r50%\r", "100%\nnext\r\n", long]
    outputs = [new_output("stream", text=text) for text in parts]
    outputs.insert(1, new_output("stream", name="stderr", text="told"))
    outputs.insert(2, new_output("display_data", {"text/plain": "1"}))
    kept = recorded(outputs)
    assert [output.get("text") for output in kept] == [f"100%\nnext\n{long}", "told", None]


def test_outputs_are_copied_so_that_what_comes_later_does_not_change_them():
    output = new_output("display_data", {"text/plain": "1"})
    kept = clean(output)
    output.data["application/javascript"] = "alert(1)"
    output["data"] = {"text/html": "<script>"}
    assert kept.data == {"text/plain": "1"}


def test_pictures_that_are_no_pictures_are_dropped():
    data = {"image/png": 'iVBOR"><script>alert(1)</script>', "image/jpeg": "AAA=\n", "text/plain": "x"}
    assert set(clean(new_output("display_data", data)).data) == {"image/jpeg", "text/plain"}


def test_only_harmless_outputs_are_kept():
    output = new_output(
        "display_data",
        {"text/html": "<b>1</b><script>2</script>", "application/javascript": "alert(1)", "image/svg+xml": "<svg/>"},
        metadata={"text/html": {"isolated": True}},
    )
    kept = clean(output)
    assert set(kept.data) == {"text/html"} and "<script" not in kept.data["text/html"]
    assert kept.metadata == {}


@pytest.mark.parametrize(
    "address, allowed",
    [
        ("https://arxiv.org/abs/1512.03385", True),
        ("mailto:staff@example.org", True),
        ("#conclusion", True),
        ("plots.html", False),  # what was handed in, from formgrader's own address
        ("/formgrader/manage_students", False),
        ("//example.org", False),
        ("javascript:alert(1)", False),
        ("data:text/html,<script>alert(1)</script>", False),
        ("http://localhost:8888/formgrader/manage_submissions/%22;alert(1)//", False),
        ("http://localhost:8888/formgrader/manage_submissions/%3C/script%3E", False),
    ],
)
def test_links_lead_elsewhere_or_to_the_same_page(address, allowed):
    assert is_link(address) is allowed
    assert ("href" in clean_html(f'<a href="{address}">here</a>')) is allowed


def test_pasted_pictures_are_shown_and_a_missing_one_is_no_error():
    dot = {"image/png": "iVBORw0KGgo="}
    assert 'src="data:image/png;base64,iVBORw0KGgo="' in safe_markdown(
        "![a](attachment:my%20dot.png)", {"my dot.png": dot}
    )
    for attachments in (None, {}, {"a.svg": {"image/svg+xml": "PHN2Zy8+"}}):
        shown = safe_markdown("before ![a](attachment:a.svg) after", attachments)
        assert "before" in shown and "after" in shown and "src" not in shown


def test_names_and_what_a_notebook_says_of_itself_are_disarmed():
    mark, hostile = {"grade_id": "predict", "points": 3}, "<img src=x onerror=alert(1)>"
    picture = new_output("display_data", {"image/png": "x"}, metadata={"image/png": {"width": "1 onerror=alert(1)"}})
    cells = [
        new_code_cell(
            "1", metadata={"nbgrader": mark, "magics_language": hostile, "tags": [hostile]}, outputs=[picture]
        ),
        new_markdown_cell("text", metadata={"kind": hostile}),
    ]
    notebook = new_notebook(cells=cells, metadata={"widgets": {"application/vnd.jupyter.widget-state+json": {}}})
    names = {"first_name": hostile, "last_name": None, "student": "o'hara", "index": 3}
    shown, resources = Disarm().preprocess(notebook, names)
    assert resources == {"first_name": "&lt;img src=x onerror=alert(1)&gt;", "last_name": None,
                         "student": "o&#x27;hara", "index": 3}  # fmt: skip
    assert [dict(cell.metadata) for cell in shown.cells] == [{"nbgrader": mark}, {}]
    assert shown.metadata == {} and shown.cells[0].outputs[0].metadata == {}
