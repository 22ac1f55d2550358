"""The page about copied work: tables of pairs, and their answers side by side with what they share marked."""

from collections.abc import Callable, Iterable, Sequence
from html import escape

from cs231n_kit.terminal import printable

from .fingerprints import Cell, Passage
from .similarity import FEWEST, Author, ClassSimilarity, Comparison, Pair, Side

ROWS = 500  # pairs in the table
SHOWN = 60  # pairs of a notebook side by side
AROUND = 3  # lines that are shown before and after a passage
COLOURS = 6

NOTE = """Alike is a reason to look, and no proof. Students learn from the same lectures, work in pairs where that is
allowed, and short right answers look alike by nature. Read the passages, ask the students, and only then judge."""

STYLE = """
:root { color-scheme: light dark; --line: #8886 }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 96rem; margin: 2rem auto; padding: 0 1rem }
.note { border-left: 4px solid #d97706; padding: .4rem 1rem; max-width: 60rem }
.wide { overflow-x: auto }
table { border-collapse: collapse; margin: .5rem 0 }
th, td { text-align: left; padding: .2rem 1.2rem .2rem 0; border-bottom: 1px solid var(--line); vertical-align: top }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums }
details { border: 1px solid var(--line); border-radius: 6px; margin: .5rem 0; padding: .4rem .8rem }
details:target { outline: 2px solid #d97706 }
summary { cursor: pointer; font-weight: 600 }
.sides { display: grid; grid-template-columns: 1fr 1fr; gap: 1rem }
.sides > div { min-width: 0 }
h4 { margin: .8rem 0 .2rem }
pre { font: 13px/1.45 ui-monospace, monospace; margin: 0 0 .8rem; padding: .5rem; overflow-x: auto;
      border: 1px solid var(--line); border-radius: 4px; tab-size: 4 }
pre .gap { opacity: .6 }
mark { color: inherit; border-radius: 2px; background: var(--shade) }
mark.c0 { --shade: #fde68a } mark.c1 { --shade: #bfdbfe } mark.c2 { --shade: #bbf7d0 }
mark.c3 { --shade: #fbcfe8 } mark.c4 { --shade: #ddd6fe } mark.c5 { --shade: #fed7aa }
sup { font: 700 9px/1 system-ui, sans-serif; padding: 0 2px; user-select: none }
@media (prefers-color-scheme: dark) {
  mark.c0 { --shade: #6b4e00 } mark.c1 { --shade: #1e4080 } mark.c2 { --shade: #14532d }
  mark.c3 { --shade: #701a4a } mark.c4 { --shade: #4a2a8a } mark.c5 { --shade: #7a3408 }
}
@media (max-width: 50rem) { .sides { grid-template-columns: 1fr } }
"""


def page(found: ClassSimilarity, watch: Callable[[Sequence], Iterable] = iter) -> str:
    """A page that needs no network and runs nothing. watch: as in `compare_class`, for the pairs that are shown."""
    title = _text(f"Who wrote alike in {found.assignment}")
    shown = [
        (name, pair)
        for name in found.comparisons
        for pair in sorted(found.pairs, key=lambda pair: -pair.alike[name])[:SHOWN]
        if pair.alike[name] >= found.threshold
    ]
    places = {(name, pair.first, pair.second): f"pair{number}" for number, (name, pair) in enumerate(shown)}
    passages: dict[str, list[str]] = {name: [] for name in found.comparisons}
    for name, pair in watch(shown):
        sides = found.comparisons[name].sides(pair.first, pair.second)
        passages[name].append(_pair(name, pair, sides, places[name, pair.first, pair.second]))
    parts = [f"<h1>{title}</h1>", f'<p class="note">{NOTE}</p>', _summary(found), _pair_table(found, places)]
    for name, comparison in found.comparisons.items():
        parts += [_notebook(name, comparison, found), *passages[name]]
        if (more := sum(pair.alike[name] >= found.threshold for pair in found.pairs) - len(passages[name])) > 0:
            parts.append(f"<p>{more} more pairs are not shown here; a higher --threshold shows fewer.</p>")
    parts.append(_rest(found))
    body = "\n".join(parts)
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>{STYLE}</style></head><body>
{body}
</body></html>
"""


def percent(part: float) -> str:
    """Rounded down, so that only what is all alike is 100 %."""
    return f"{int(100 * part + 1e-9)} %"


def _text(words: str) -> str:
    return escape(printable(words))


def _name(author: Author) -> str:
    return _text(author.name) if author.student else f"<em>{_text(author.name)}</em>"


def _summary(found: ClassSimilarity) -> str:
    students = sum(author.student for author in found.authors)
    others = [_name(author) for author in found.authors if not author.student]
    more = f" and {len(others) - 3} more" if len(others) > 3 else ""
    bars = [[f"{10 * tenth} to {10 * tenth + 10} %", f"{count:,}"] for tenth, count in enumerate(found.counts)]
    return f"""<p>{students} students, compared with each other and with {", ".join(others[:3])}{more}.
Compared is the code that students wrote or changed, without what the released notebook and the lectures contain.
Names of variables, comments, blanks, texts in quotation marks and the order of functions make no difference. A
percentage is the part of the shorter of two answers that is in the other one, too, but not in those of more than
{found.common} students; with others than students everything counts. Answers with less than some four lines of their
own ({FEWEST} fingerprints) are not compared.</p>
<h2>All pairs</h2>
<p>By their most similar notebook. Where the class lies and where single pairs stand out from it says more than any
threshold; pairs from {percent(found.threshold)} on are listed below.</p>
{_table(["alike", "pairs"], bars, numbers=2)}"""


def _pair_table(found: ClassSimilarity, places: dict) -> str:
    if not found.pairs:
        return f"<h2>Pairs from {percent(found.threshold)} on</h2>\n<p>None.</p>"
    rows = []
    for pair in found.pairs[:ROWS]:
        cells = [_linked(pair, name, places) for name in found.comparisons]
        rows.append([_name(pair.first), _name(pair.second), percent(pair.highest), percent(pair.overall), *cells])
    more = f"<p>The first {ROWS} of {len(found.pairs):,}.</p>" if len(found.pairs) > ROWS else ""
    header = ["", "", "highest", "over all", *map(_text, found.comparisons)]
    return f"<h2>Pairs from {percent(found.threshold)} on</h2>\n{_table(header, rows, numbers=len(header) - 2)}{more}"


def _linked(pair: Pair, name: str, places: dict) -> str:
    place = places.get((name, pair.first, pair.second))
    words = percent(pair.alike[name]) if pair.alike[name] else ""
    return f'<a href="#{place}">{words}</a>' if place else words


def _notebook(name: str, comparison: Comparison, found: ClassSimilarity) -> str:
    students = sum(author.student for author in comparison.authors)
    left_out = f"{percent(comparison.left_out)} do not count because more than {found.common} students have them"
    compared = f"{students} students; {comparison.sizes.sum():,} fingerprints of code compared, of which {left_out}"
    lines = [f"<h2>{_text(name)}</h2>", f"<p>{compared}.</p>"]
    if short := comparison.too_short:
        lines.append(f"<p>Too little code of their own to tell anything: {', '.join(map(_name, short))}.</p>")
    for group in comparison.groups:
        names = ", ".join(map(_name, group))
        lines.append(f"<p><strong>The same from the first word to the last</strong> but for names: {names}.</p>")
    return "\n".join(lines)


def _pair(name: str, pair: Pair, sides: tuple[Side, Side], place: str) -> str:
    lines = " | ".join(f"{side.shared_lines} of {side.own_lines} lines" for side in sides)
    summary = f"{_name(pair.first)} – {_name(pair.second)}: {percent(pair.alike[name])} ({lines})"
    columns = "".join(f"<div>{_side(side)}</div>" for side in sides)
    return f'<details id="{place}"><summary>{summary}</summary><div class="sides">{columns}</div></details>'


def _side(side: Side) -> str:
    parts = [f"<h3>{_name(side.author)}</h3>"]
    for cell, found in sorted(side.cells, key=lambda one: min((passage.number for passage in one[1]), default=0)):
        if found:
            parts.append(f"<h4>{_text(cell.name or 'a cell that was added')}</h4><pre>{marked(cell, found)}</pre>")
    if others := [cell.name or "a cell that was added" for cell, found in side.cells if not found]:
        parts.append(f"<p>Nothing in: {_text(', '.join(others))}.</p>")
    return "\n".join(parts)


def marked(cell: Cell, passages: Sequence[Passage]) -> str:
    """The lines of a cell about its passages, which are marked and carry their numbers."""
    lines, start = [], 0
    for line, own in zip(cell.code.split("\n"), cell.own.split("\n"), strict=True):
        lines.append(_marked_line(line, start, passages) if own.strip() else escape(line))
        start += len(line) + 1
    with_mark = [number for number, line in enumerate(lines) if "<mark" in line]
    near = {number + step for number in with_mark for step in range(-AROUND, AROUND + 1)}
    kept: list[str] = []
    for number, line in enumerate(lines):
        if number in near:
            kept.append(line)
        elif number - 1 in near or not number:
            kept.append('<span class="gap">⋯</span>')
    return "\n".join(kept)


def _marked_line(line: str, start: int, passages: Sequence[Passage]) -> str:
    """start: of the line in its cell."""
    pieces, end, indent = [], 0, len(line) - len(line.lstrip())
    for passage in passages:
        first, last = max(passage.start - start, indent), min(passage.stop - start, len(line))
        if first < last:
            number = f"<sup>{passage.number}</sup>" if passage.start >= start else ""
            words = f'<mark class="c{passage.number % COLOURS}">{number}{escape(line[first:last])}</mark>'
            pieces += [escape(line[end:first]), words]
            end = last
    return "".join(pieces) + escape(line[end:])


def _rest(found: ClassSimilarity) -> str:
    parts = []
    if found.results:
        rows = [[_text(file), ", ".join(map(_text, students))] for file, students in found.results]
        words = "<p>Arrays that are equal to the last bit. Training on other numbers, or in another order, differs.</p>"
        parts += ["<h2>Equal trained results</h2>", words, _table(["file", "students"], rows)]
    if found.not_compared:
        rows = [[_name(one.author), _text(one.notebook), _text(one.reason)] for one in found.not_compared]
        parts += ["<h2>Not compared</h2>", _table(["", "notebook", "why"], rows)]
    return "\n".join(parts)


def _table(header: list[str], rows: list[list[str]], numbers: int = 0) -> str:
    """A table of HTML texts; the last `numbers` columns are numbers."""
    kinds = [""] * (len(header) - numbers) + [' class="number"'] * numbers
    lines = []
    for row, tag in ((header, "th"), *((row, "td") for row in rows)):
        cells = (f"<{tag}{kind}>{cell}</{tag}>" for kind, cell in zip(kinds, row, strict=True))
        lines.append(f"<tr>{''.join(cells)}</tr>")
    return '<div class="wide"><table>\n' + "\n".join(lines) + "\n</table></div>"
