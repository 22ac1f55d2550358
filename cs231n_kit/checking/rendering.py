"""The verdict table as HTML (notebook, feedback page) and as plain text (terminal)."""

from html import escape
from math import isnan

from .verdicts import NOT_IMPLEMENTED, PASSED, Report, Verdict

# Colours that read on white and on dark: text keeps the theme's own colour.
_MARK = {PASSED: ("✓", "#2e9e5b"), NOT_IMPLEMENTED: ("○", "#8a8a8a")}
_FAILED = ("✗", "#d64545")


def text(report: Report, details: bool = True) -> str:
    """Plain-text table; `details=False` leaves out what would reveal the cases."""
    width = max((len(v.title) for v in report.verdicts), default=0)
    lines = [f"{report.function}: {_summary(report)}"]
    for v in report.verdicts:
        mark = _MARK.get(v.status, _FAILED)[0]
        lines.append(f"  {mark} {v.title:<{width}}  {v.earned:g}/{v.points:g}  {_words(v, details)}".rstrip())
        if v.hint:
            lines.append(f"      hint: {v.hint}")
    lines += [f"  note: {note}" for note in _notes(report)]
    if report.printed and details:
        lines += ["  your function printed:", *(f"    {line}" for line in report.printed.splitlines()[:20])]
    return "\n".join(lines)


def html(report: Report, details: bool = True) -> str:
    """HTML table with inline styles only, so that it survives sanitising and needs no network."""
    rows = "".join(_row(v, details) for v in report.verdicts)
    notes = "".join(f'<li style="opacity:.8">{escape(note)}</li>' for note in _notes(report))
    printed = ""
    if report.printed and details:
        printed = (
            "<details><summary>Your function printed</summary>"
            f'<pre style="margin:0 0 0 1em">{escape(report.printed)}</pre></details>'
        )
    return (
        '<div style="max-width:60em">'
        f'<p style="margin:.4em 0"><code>{escape(report.function)}</code>: <b>{escape(_summary(report))}</b></p>'
        '<table style="border-collapse:collapse;width:100%;text-align:left">'
        "<thead><tr>"
        + "".join(_cell("th", name) for name in ("", "Property", "Points", "What was found"))
        + "</tr></thead>"
        f"<tbody>{rows}</tbody></table>"
        + (f'<ul style="margin:.4em 0">{notes}</ul>' if notes else "")
        + printed
        + "</div>"
    )


def _row(v: Verdict, details: bool) -> str:
    mark, colour = _MARK.get(v.status, _FAILED)
    found = escape(_words(v, details))
    if v.hint:
        found += (
            '<div style="border-left:3px solid #d99a1c;padding:.1em .6em;margin-top:.3em">'
            f"<b>Hint.</b> {escape(v.hint)}</div>"
        )
    return (
        "<tr>"
        + _cell("td", f'<b style="color:{colour}" title="{v.status}">{mark}</b>')
        + _cell("td", escape(v.title))
        + _cell("td", f"{v.earned:g} / {v.points:g}")
        + _cell("td", found)
        + "</tr>"
    )


def _cell(tag: str, content: str) -> str:
    return f'<{tag} style="text-align:left;vertical-align:top;padding:.25em .8em .25em 0">{content}</{tag}>'


def _summary(report: Report) -> str:
    if all(v.status == NOT_IMPLEMENTED for v in report.verdicts):
        return "not implemented yet"
    if report.passed:
        return f"all {len(report.verdicts)} properties hold"
    return f"{sum(v.status == PASSED for v in report.verdicts)} of {len(report.verdicts)} properties hold"


def _words(v: Verdict, details: bool) -> str:
    if v.status == NOT_IMPLEMENTED:
        return "not implemented yet"
    if v.status == PASSED:
        return f"largest error {v.error:.1e}" if v.error and details else ""
    words = v.message
    if details and v.details:
        words += f" ({v.details})"
    if v.error and not isnan(v.error):
        words += f"; largest error {v.error:.1e}" if details else f"; largest error about {v.error:.0e}"
    return words


def _notes(report: Report) -> list[str]:
    return list(dict.fromkeys(note for v in report.verdicts for note in v.notes))
