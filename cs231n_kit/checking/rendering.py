"""The verdict table as HTML (notebook, feedback page) and as plain text (terminal)."""

from dataclasses import dataclass
from html import escape
from math import isnan

from .verdicts import NOT_IMPLEMENTED, PASSED, Report, Verdict

# Colours that read on white and on dark: text keeps the theme's own colour.
_MARK = {PASSED: ("✓", "#2e9e5b"), NOT_IMPLEMENTED: ("○", "#8a8a8a")}
_FAILED = ("✗", "#d64545")
_PRINTED_LINES = 20


@dataclass(frozen=True)
class _Row:
    """What a row says about its verdict: in a word, where and when, and why."""

    verdict: Verdict
    finding: str
    explanation: tuple[str, ...] = ()
    hint: str = ""


def text(report: Report, details: bool = True) -> str:
    """Plain-text table; `details=False` leaves out what would reveal the cases."""
    width = max((len(v.title) for v in report.verdicts), default=0)
    lines = [f"{report.function}: {_summary(report)}"]
    for row in _rows(report, details):
        v = row.verdict
        points = f"{v.earned:g}/{v.points:g}"
        lines.append(f"  {_mark(v)[0]} {v.title:<{width}}  {points:<7}  {row.finding}".rstrip())
        lines += [f"      {line}" for line in row.explanation]
        if row.hint:
            lines.append(f"      hint: {row.hint}")
    lines += [f"  note: {note}" for note in _notes(report)]
    if details and report.printed:
        lines += ["  your function printed:", *(f"    {line}" for line in _printed(report))]
    return "\n".join(lines)


def html(report: Report, details: bool = True) -> str:
    """HTML table with inline styles only, so that it survives sanitising and needs no network."""
    notes = "".join(f'<p style="margin:.3em 0"><b>Note.</b> {escape(note)}</p>' for note in _notes(report))
    printed = ""
    if details and report.printed:
        shown = escape("\n".join(_printed(report)))
        printed = f'<details><summary>Your function printed</summary><pre style="margin:0">{shown}</pre></details>'
    # JupyterLab lays tables out by the widths of their first row.
    columns = {"": "4%", "Property": "33%", "Points": "10%", "What was found": "53%"}
    return (
        '<div style="max-width:62em">'
        f'<p style="margin:.4em 0"><code>{escape(report.function)}</code>: <b>{escape(_summary(report))}</b></p>'
        '<table style="border-collapse:collapse;width:100%;margin:0">'
        "<thead><tr>"
        + "".join(_cell("th", name, f"width:{width}") for name, width in columns.items())
        + "</tr></thead><tbody>"
        + "".join(_html_row(row) for row in _rows(report, details))
        + f"</tbody></table>{notes}{printed}</div>"
    )


def _html_row(row: _Row) -> str:
    v = row.verdict
    mark, colour = _mark(v)
    found = escape(row.finding)
    found += "".join(f'<div style="opacity:.8"><small>{escape(line)}</small></div>' for line in row.explanation)
    if row.hint:
        found += (
            '<div style="border-left:3px solid #d99a1c;padding:.1em .6em;margin-top:.3em">'
            f"<b>Hint.</b> {escape(row.hint)}</div>"
        )
    return (
        "<tr>"
        + _cell("td", f'<b style="color:{colour}" title="{v.status}">{mark}</b>')
        + _cell("td", escape(v.title))
        + _cell("td", f"{v.earned:g}&nbsp;/&nbsp;{v.points:g}")
        + _cell("td", found)
        + "</tr>"
    )


def _rows(report: Report, details: bool) -> list[_Row]:
    """The rows; an exception or a hint that an earlier row has is not repeated in full."""
    rows: list[_Row] = []
    for v in report.verdicts:
        hinted = v.hint and any(row.verdict.hint == v.hint for row in rows)
        raised = any(row.verdict.message == v.message and row.verdict.hint == v.hint for row in rows)
        if raised and v.message.startswith("raises"):
            rows.append(_Row(v, f"{v.message.partition(' in line')[0]}, as above"))
            continue
        explanation = (v.details, v.call and f"in {v.call}") if details else ()
        hint = "the same as above." if hinted else v.hint
        rows.append(_Row(v, _finding(v, details), tuple(filter(None, explanation)), hint))
    return rows


def _cell(tag: str, content: str, style: str = "") -> str:
    return f'<{tag} style="text-align:left;vertical-align:top;padding:.3em .9em .3em 0;{style}">{content}</{tag}>'


def _mark(v: Verdict) -> tuple[str, str]:
    return _MARK.get(v.status, _FAILED)


def _summary(report: Report) -> str:
    if all(v.status == NOT_IMPLEMENTED for v in report.verdicts):
        return "not implemented yet"
    points = f"{report.earned:g} of {report.points:g} points"
    if report.passed:
        return f"all {len(report.verdicts)} properties hold, {points}"
    return f"{sum(v.status == PASSED for v in report.verdicts)} of {len(report.verdicts)} properties hold, {points}"


def _finding(v: Verdict, details: bool) -> str:
    if v.status == NOT_IMPLEMENTED:
        return "not implemented yet"
    if v.status == PASSED and v.message:
        return v.message
    if v.status == PASSED:
        return f"largest error {v.error:.1e}" if v.error and details else ""
    if not v.error or isnan(v.error):
        return v.message
    return v.message + (f"; largest error {v.error:.1e}" if details else f"; largest error about {v.error:.0e}")


def _printed(report: Report) -> list[str]:
    return report.printed.splitlines()[:_PRINTED_LINES]


def _notes(report: Report) -> list[str]:
    return list(dict.fromkeys(note for v in report.verdicts for note in v.notes))
