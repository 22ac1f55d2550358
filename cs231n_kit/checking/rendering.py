"""The verdict table as HTML (notebook, feedback page) and as plain text (terminal)."""

from html import escape
from math import isnan

from .verdicts import NOT_IMPLEMENTED, PASSED, Report, Verdict

# Colours that read on white and on dark: text keeps the theme's own colour.
_MARK = {PASSED: ("✓", "#2e9e5b"), NOT_IMPLEMENTED: ("○", "#8a8a8a")}
_FAILED = ("✗", "#d64545")
_PRINTED_LINES = 20


def text(report: Report, details: bool = True) -> str:
    """Plain-text table; `details=False` leaves out what would reveal the cases."""
    width = max((len(v.title) for v in report.verdicts), default=0)
    lines = [f"{report.function}: {_summary(report)}"]
    for v, hint in zip(report.verdicts, _hints(report), strict=True):
        points = f"{v.earned:g}/{v.points:g}"
        lines.append(f"  {_mark(v)[0]} {v.title:<{width}}  {points:<7}  {_finding(v, details)}".rstrip())
        lines += [f"      {line}" for line in _explanation(v, details)]
        if hint:
            lines.append(f"      hint: {hint}")
    lines += [f"  note: {note}" for note in _notes(report)]
    if report.printed and details:
        lines += ["  your function printed:", *(f"    {line}" for line in report.printed.splitlines()[:_PRINTED_LINES])]
    return "\n".join(lines)


def html(report: Report, details: bool = True) -> str:
    """HTML table with inline styles only, so that it survives sanitising and needs no network."""
    rows = "".join(_row(v, hint, details) for v, hint in zip(report.verdicts, _hints(report), strict=True))
    notes = "".join(f"<li>{escape(note)}</li>" for note in _notes(report))
    printed = ""
    if report.printed and details:
        shown = "\n".join(report.printed.splitlines()[:_PRINTED_LINES])
        printed = (
            f'<details><summary>Your function printed</summary><pre style="margin:0">{escape(shown)}</pre></details>'
        )
    return (
        '<div style="max-width:62em">'
        f'<p style="margin:.4em 0"><code>{escape(report.function)}</code>: <b>{escape(_summary(report))}</b></p>'
        '<table style="border-collapse:collapse;width:100%;margin:0">'
        "<thead><tr>"
        + "".join(_cell("th", name) for name in ("", "Property", "Points", "What was found"))
        + "</tr></thead>"
        f"<tbody>{rows}</tbody></table>"
        + (f'<ul style="margin:.4em 0">{notes}</ul>' if notes else "")
        + printed
        + "</div>"
    )


def _row(v: Verdict, hint: str, details: bool) -> str:
    mark, colour = _mark(v)
    found = escape(_finding(v, details))
    found += "".join(
        f'<div style="opacity:.8"><small>{escape(line)}</small></div>' for line in _explanation(v, details)
    )
    if hint:
        found += (
            '<div style="border-left:3px solid #d99a1c;padding:.1em .6em;margin-top:.3em">'
            f"<b>Hint.</b> {escape(hint)}</div>"
        )
    return (
        "<tr>"
        + _cell("td", f'<b style="color:{colour}" title="{v.status}">{mark}</b>')
        + _cell("td", escape(v.title), "width:34%")
        + _cell("td", f"{v.earned:g}&nbsp;/&nbsp;{v.points:g}")
        + _cell("td", found, "width:56%")
        + "</tr>"
    )


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
    if v.status == PASSED:
        return f"largest error {v.error:.1e}" if v.error and details else ""
    if not v.error or isnan(v.error):
        return v.message
    return v.message + (f"; largest error {v.error:.1e}" if details else f"; largest error about {v.error:.0e}")


def _explanation(v: Verdict, details: bool) -> list[str]:
    """Where and when it happened: only for cases that may be seen."""
    return [line for line in (v.details, v.call and f"in {v.call}") if line] if details else []


def _hints(report: Report) -> list[str]:
    """The hint of each row; where it was given before, only that."""
    given: set[str] = set()
    hints = []
    for v in report.verdicts:
        hints.append("the same as above." if v.hint in given else v.hint)
        given |= {v.hint} - {""}
    return hints


def _notes(report: Report) -> list[str]:
    return list(dict.fromkeys(note for v in report.verdicts for note in v.notes))
