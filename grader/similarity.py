"""Copied work: whose answers have more code in common than the exercise, the lectures and the class explain.

Nothing of a submission is run.
"""

import math
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix

from cs231n_kit.terminal import printable

from .course import Course, CourseError
from .fingerprints import Cell, Passage, count_lines, fingerprints, passages
from .intake import IntakeError, read_notebook, read_submission

THRESHOLD = 0.4
FEWEST = 100  # fingerprints, some four lines: with less code of one's own nothing can be told
COMMON = (10, 0.1)  # what more students have than this, and than this part of the class, is nobody's own
LONGEST = 100_000  # characters of code in a notebook
NONE = np.array([], dtype=np.int64)


@dataclass(frozen=True)
class Author:
    """Whose notebooks are in `folder`: a student's, or others with which students are compared."""

    name: str
    folder: Path
    student: bool = True


@dataclass(frozen=True)
class Pair:
    """Two authors. alike: by notebook, the part (0 to 1) of the shorter answer that both have, and few others."""

    first: Author
    second: Author
    alike: dict[str, float]
    overall: float

    @property
    def highest(self) -> float:
        return max(self.alike.values())


@dataclass(frozen=True)
class NotCompared:
    """damaged: False for a notebook that was not handed in."""

    author: Author
    notebook: str
    reason: str
    damaged: bool = True


@dataclass(frozen=True)
class Answer:
    """The code of a notebook that was not given, and its fingerprints, sorted."""

    cells: list[Cell]
    prints: np.ndarray


class Comparison:
    """The answers to one notebook. alike, shared: what `authors[i]` and `authors[j]` have in common.

    alike: as in Pair; 0 where one of them has too little code of their own. shared: in fingerprints. sizes: how many
    fingerprints each has. left_out: the part of the class's code that too many have for it to tell anything about two
    students; with others than students all is compared.
    """

    def __init__(self, answers: dict[Author, Answer], common: int):
        self.authors, self._answers = list(answers), answers
        students = [answer.prints for author, answer in answers.items() if author.student]
        found, owners = np.unique(np.concatenate([NONE, *students]), return_counts=True)
        everybodys = found[owners > common]
        self._all = [answer.prints for answer in answers.values()]
        self._rare = [np.setdiff1d(prints, everybodys, assume_unique=True) for prints in self._all]
        self.sizes = np.array([len(prints) for prints in self._all], dtype=int)
        self.left_out = 1 - sum(map(len, self._rare)) / max(1, self.sizes.sum())
        others = [number for number, author in enumerate(self.authors) if not author.student]
        self.shared = _shared(self._rare, self._rare)
        self.shared[others] = _shared([self._all[number] for number in others], self._all)
        self.shared[:, others] = self.shared[others].T
        smaller = np.minimum.outer(self.sizes, self.sizes)
        self.alike = np.where(smaller >= FEWEST, self.shared / np.maximum(smaller, 1), 0.0)

    @property
    def too_short(self) -> list[Author]:
        """Students with too little code of their own to tell anything."""
        sizes = zip(self.authors, self.sizes, strict=True)
        return [author for author, size in sizes if size < FEWEST and author.student]

    @cached_property
    def groups(self) -> list[list[Author]]:
        """Authors, students among them, whose answers have the same fingerprints from the first to the last."""
        groups: dict[bytes, list[Author]] = {}
        for author, answer in self._answers.items():
            if len(answer.prints) >= FEWEST:
                groups.setdefault(answer.prints.tobytes(), []).append(author)
        return [group for group in groups.values() if len(group) > 1 and group[0].student]

    def sides(self, first: Author, second: Author) -> tuple["Side", "Side"]:
        """The answers of two authors, and what each shares with the other."""
        prints = self._rare if first.student and second.student else self._all
        one, other = (set(prints[self.authors.index(author)].tolist()) for author in (first, second))
        both, numbers, sides = one & other, {}, []
        for author in (first, second):
            own = set(self._answers[author].prints.tolist())
            cells = [(cell, passages(cell, both, own, numbers)) for cell in self._answers[author].cells]
            shared_lines = sum(count_lines(cell, found) for cell, found in cells)
            own_lines = sum(count_lines(cell, passages(cell, own, own, {})) for cell, _ in cells)
            sides.append(Side(author, tuple(cells), shared_lines, own_lines))
        return sides[0], sides[1]


@dataclass(frozen=True)
class Side:
    """One author of a pair. shared_lines: of own_lines, which are those with code that was compared."""

    author: Author
    cells: tuple[tuple[Cell, list[Passage]], ...]
    shared_lines: int
    own_lines: int


@dataclass(frozen=True)
class ClassSimilarity:
    """What was found. pairs: those that reach the threshold in some notebook, most alike first.

    counts: how many pairs in all are alike by 0 to 10 %, 10 to 20 % ... in their highest notebook. results: as
    `Course.equal_results` gives them. common: what more students than this have was left out.
    """

    assignment: str
    threshold: float
    common: int
    authors: tuple[Author, ...]
    comparisons: dict[str, Comparison]
    pairs: tuple[Pair, ...]
    counts: tuple[int, ...]
    not_compared: tuple[NotCompared, ...]
    results: tuple[tuple[str, list[str]], ...]


def compare_class(
    course: Course,
    assignment: str,
    threshold: float = THRESHOLD,
    also: Sequence[Path] = (),
    common: int | None = None,
    watch: Callable[[Sequence], Iterable] = iter,
) -> ClassSimilarity:
    """Compare all submissions with each other, with the solution, and with the notebooks in the folders `also`.

    watch: gets what there is to read, and gives it on as it is read. Raises CourseError where nothing can be compared.
    """
    names = sorted(path.stem for path in course.path("source", assignment).glob("*.ipynb"))
    students = [Author(name, course.path("submitted", assignment, name)) for name in course.students(assignment)]
    solution = Author("the solution", course.path("source", assignment), student=False)
    authors = [*students, solution, *(author for folder in also for author in earlier(folder, assignment, names))]
    if common is None:
        common = max(COMMON[0], math.ceil(COMMON[1] * len(students)))
    templates = {name: _given_cells(course.path("release", assignment) / f"{name}.ipynb", assignment) for name in names}
    lectures = [cell for path in sorted(course.root.glob("notebooks/*.ipynb")) for cell in _given_cells(path)]
    given = {name: fingerprints([*templates[name], *lectures]) for name in names}
    answers: dict[str, dict[Author, Answer]] = {name: {} for name in names}
    not_compared = []
    for author in watch(authors):
        for name, content in _contents(author, names).items():
            if content is None:
                if author.student:
                    not_compared.append(NotCompared(author, name, "not handed in", damaged=False))
                continue
            try:
                cells = _cells(content, name, {line for cell in templates[name] for line in cell.code.splitlines()})
            except IntakeError as error:
                not_compared.append(NotCompared(author, name, str(error)))
                continue
            answers[name][author] = Answer(cells, np.setdiff1d(fingerprints(cells), given[name], assume_unique=True))
    comparisons = {name: Comparison(answers[name], common) for name in names}
    pairs, counts = _pairs(comparisons, authors, threshold)
    results = tuple(course.equal_results(assignment))
    return ClassSimilarity(
        assignment, threshold, common, tuple(authors), comparisons, pairs, counts, tuple(not_compared), results
    )


def earlier(folder: Path, assignment: str, notebooks: Sequence[str]) -> list[Author]:
    """The authors of such notebooks in a folder, or below it: one for each folder that holds some.

    In the folder of a course only what was submitted counts. Raises CourseError where there is nothing.
    """
    folder = folder.resolve()
    start = folder / "submitted" if (folder / "submitted").is_dir() else folder
    found = {path.parent for name in notebooks for path in start.rglob(f"{name}.ipynb")}
    if not found:
        wanted = " or ".join(f"{name}.ipynb" for name in notebooks)
        raise CourseError(f"There is no {wanted} in {folder} or below it.")
    authors = []
    for place in sorted(found):
        parts = [folder.name, *place.relative_to(start).parts]
        if len(parts) > 1 and parts[-1] == assignment:
            parts.pop()
        if ".ipynb_checkpoints" not in parts:
            authors.append(Author("/".join(parts), place, student=False))
    return authors


def _contents(author: Author, names: Sequence[str]) -> dict[str, bytes | IntakeError | None]:
    """An author's notebooks, or why they cannot be read; None for those that are not there."""
    if not author.student:
        paths = {name: author.folder / f"{name}.ipynb" for name in names}
        return {name: path.read_bytes() if path.is_file() else None for name, path in paths.items()}
    try:
        files = read_submission(author.folder)
    except IntakeError as error:
        return dict.fromkeys(names, error)
    return {name: files.get(f"{name}.ipynb") for name in names}


def _cells(content: bytes | IntakeError, name: str, given: Collection[str] = ()) -> list[Cell]:
    """The cells of a notebook with code that is not in the lines `given`. Raises IntakeError."""
    if isinstance(content, IntakeError):
        raise content
    cells = [cell for cell in read_notebook(content, f"{name}.ipynb").cells if cell.cell_type == "code"]
    if (length := sum(len(cell.source) for cell in cells)) > LONGEST:
        raise IntakeError(f"it holds {length:,} characters of code, more than {LONGEST:,}: look at it yourself")
    found = [_cell(cell.metadata.get("nbgrader", {}).get("grade_id", ""), cell.source, given) for cell in cells]
    return [cell for cell in found if cell.own.strip()]


def _cell(name: str, text: str, given: Collection[str]) -> Cell:
    """A cell whose text is harmless to look at: what is not printed is "?"."""
    code = "\n".join(printable(line).rstrip() for line in text.expandtabs(4).splitlines()).strip("\n")
    own = "\n".join(" " * len(line) if line in given else line for line in code.split("\n"))
    return Cell(printable(name[:100]), code, own)


def _given_cells(path: Path, assignment: str = "") -> list[Cell]:
    """What students were given in a notebook: as released with `assignment`, or as a lecture."""
    try:
        return _cells(path.read_bytes(), path.stem)
    except (OSError, IntakeError) as error:
        mend = f"cs231n release {assignment}" if assignment else f"git restore {path}"
        raise CourseError(f"{path}: {error}. It says what students were given. Next: {mend}") from None


def _shared(prints: list[np.ndarray], others: list[np.ndarray]) -> np.ndarray:
    """How many fingerprints each of n has in common with each of m, (n, m)."""
    every = [*prints, *others]
    found, columns = np.unique(np.concatenate([NONE, *every]), return_inverse=True)
    starts = np.cumsum([0, *map(len, every)])
    has = csr_matrix((np.ones(len(columns), dtype=np.int32), columns, starts), shape=(len(every), len(found)))
    return (has[: len(prints)] @ has[len(prints) :].T).toarray()


def _pairs(
    comparisons: dict[str, Comparison], authors: Sequence[Author], threshold: float
) -> tuple[tuple[Pair, ...], tuple[int, ...]]:
    """The pairs that reach the threshold, and how many of all are how much alike."""
    size, place = len(authors), {author: number for number, author in enumerate(authors)}
    alike = np.zeros((len(comparisons), size, size))
    shared, own = np.zeros((size, size)), np.zeros(size)
    for layer, comparison in zip(alike, comparisons.values(), strict=True):
        rows = np.array([place[author] for author in comparison.authors], dtype=int)
        layer[np.ix_(rows, rows)] = comparison.alike
        shared[np.ix_(rows, rows)] += comparison.shared
        own[rows] += comparison.sizes
    student = np.array([author.student for author in authors])
    counted = np.triu(student[:, None] | student, k=1)
    highest = alike.max(axis=0)
    counts = np.bincount(np.minimum(highest[counted] * 10, 9).astype(int), minlength=10)
    overall = shared / np.maximum(np.minimum.outer(own, own), 1)
    chosen = [
        Pair(authors[i], authors[j], dict(zip(comparisons, map(float, alike[:, i, j]), strict=True)), overall[i, j])
        for i, j in np.argwhere(counted & (highest >= threshold))
    ]
    chosen.sort(key=lambda pair: (-pair.highest, -pair.overall, pair.first.name, pair.second.name))
    return tuple(chosen), tuple(counts.tolist())
