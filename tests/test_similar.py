"""Copied work in a class on disk: copies are found, independent right answers and the template are not."""

import inspect
import json
import re
import shutil
import textwrap
from html import escape

import nbformat
import pytest
from exercise import ROOT, Exercise
from graded_class import ASSIGNMENT
from nbformat.v4 import new_code_cell
from typer.testing import CliRunner

from cs231n_kit.command_line import build_app
from grader.course import CONFIG, Course, CourseError
from grader.fingerprints import Cell, _fingerprint, fingerprints, passages
from grader.similarity import LONGEST, Author, compare_class, earlier
from grader.similarity_page import marked, page

NAMES = (
    *("compute_distances_two_loops", "compute_distances_one_loop", "compute_distances_no_loops"),
    *("predict_labels", "cross_validate"),
)
STYLES = {  # three students who never met
    "ada": (
        *("distances_by_math_dist", "distances_while_printing", "distances_clipped_in_place"),
        *("labels_as_floats_from_a_table", "accuracies_by_mask"),
    ),
    "ben": (
        *("distances_in_place", "distances_by_norm_and_append", "distances_by_einsum"),
        *("labels_by_bincount", "accuracies_by_dictionary"),
    ),
    "cleo": (
        *("distances_with_a_loop_in_a_helper", "distances_in_plain_python", "distances_in_float32"),
        *("labels_by_unique_per_row", "accuracies_by_delete"),
    ),
}
EVES_OWN = {
    "compute_distances_no_loops": "distances_by_absolute_expansion",
    "cross_validate": "accuracies_by_index",
}
EVIL = "</pre><script>alert(1)</script><img src=x onerror=alert(2)>"
RENAMED = (
    "dists closest_y row votes result accuracies a b i j k_to_accuracies num_correct most held stops small larger x"
)


def body_of(function):
    return textwrap.dedent(inspect.getsource(function).partition("\n")[2])


def filled(released, bodies, order=None):
    """The released notebook with answers, {function: body}; order: of the answer cells, else as released."""
    notebook = nbformat.from_dict(json.loads(json.dumps(released)))
    places = {}
    for number, cell in enumerate(notebook.cells):
        name = cell.metadata.get("nbgrader", {}).get("grade_id", "").removesuffix("_answer")
        if name in bodies and cell.metadata.nbgrader.solution:
            answer = textwrap.indent(bodies[name], "    ").rstrip()
            given, _, rest = cell.source.partition("    # YOUR CODE HERE\n    raise NotImplementedError()")
            cell.source = given + answer + rest
            places[name] = number
    if order:
        cells = [notebook.cells[places[name]] for name in order]
        for place, cell in zip(sorted(places.values()), cells, strict=True):
            notebook.cells[place] = cell
    return notebook


def disguised(body):
    """Other names, other comments, other blanks."""
    for number, name in enumerate(RENAMED.split()):
        body = re.sub(rf"(?<![\w.\"']){name}\b(?!=)", f"my_{number}_value", body)
    lines = [f"{line}  # my own idea" if line and line[-1] not in "([{," else line for line in body.splitlines()]
    return "\n\n".join(lines).replace(" = ", "   =  ")


def hand_in(course, student, notebook, name="knn"):
    path = course.path("submitted", ASSIGNMENT, student) / f"{name}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(notebook, bytes):
        path.write_bytes(notebook)
    else:
        nbformat.write(notebook, path)
    return path


def course_in(folder, notebook="knn"):
    shutil.copy(ROOT / CONFIG, folder)
    for step, names in (("solutions", [notebook]), ("assignments", [notebook])):
        for name in names:
            (folder / step / ASSIGNMENT).mkdir(parents=True)
            source = next((ROOT / step).glob(f"*/{name}.ipynb"))
            shutil.copy(source, folder / step / ASSIGNMENT)
    return Course(folder)


@pytest.fixture(scope="module")
def knn():
    return Exercise(ASSIGNMENT, "knn")


@pytest.fixture(scope="module")
def released():
    return nbformat.read(ROOT / "assignments" / ASSIGNMENT / "knn.ipynb", as_version=4)


@pytest.fixture(scope="module")
def bodies(knn):
    return {
        student: {name: body_of(getattr(knn.answers, style)) for name, style in zip(NAMES, styles, strict=True)}
        for student, styles in STYLES.items()
    }


@pytest.fixture(scope="module")
def course(tmp_path_factory, knn, released, bodies):
    """ada, ben, cleo: by themselves; dan: ada's in disguise; eve: half is ben's; fay: nothing; gus: the solution."""
    course = course_in(tmp_path_factory.mktemp("course"))
    for student, answers in bodies.items():
        hand_in(course, student, filled(released, answers))
    disguise = {name: disguised(body) for name, body in bodies["ada"].items()}
    hand_in(course, "dan", filled(released, disguise, order=NAMES[::-1]))
    own = {name: body_of(getattr(knn.answers, style)) for name, style in EVES_OWN.items()}
    hand_in(course, "eve", filled(released, bodies["ben"] | own))
    hand_in(course, "fay", released)
    hand_in(course, "gus", nbformat.read(ROOT / "solutions" / ASSIGNMENT / "knn.ipynb", as_version=4))
    return course


@pytest.fixture(scope="module")
def found(course):
    return compare_class(course, ASSIGNMENT)


def names_of(pairs):
    return {(pair.first.name, pair.second.name) for pair in pairs}


def test_copies_are_found_and_independent_answers_and_the_template_are_not(found):
    assert names_of(found.pairs) == {("ada", "dan"), ("ben", "eve"), ("gus", "the solution")}
    alike = {pair.first.name: pair.highest for pair in found.pairs}
    assert alike["gus"] == 1 and alike["ada"] > 0.9 and 0.4 < alike["ben"] < 0.7
    assert [*alike][-1] == "ben", "the most alike come first"
    comparison = found.comparisons["knn"]
    numbers = {author.name: number for number, author in enumerate(comparison.authors)}
    for first, second in (("ada", "ben"), ("ada", "cleo"), ("ben", "cleo"), ("ada", "the solution"), ("ben", "dan")):
        assert comparison.alike[numbers[first], numbers[second]] < 0.1
    assert [author.name for author in comparison.too_short] == ["fay"]
    assert comparison.sizes[numbers["fay"]] == 0
    assert [[author.name for author in group] for group in comparison.groups] == [
        ["ada", "dan"],
        ["gus", "the solution"],
    ]
    assert sum(found.counts) == 7 * 6 // 2 + 7 and found.counts[0] == 25


def test_passages_are_the_same_code_on_both_sides(found):
    pair = next(pair for pair in found.pairs if pair.first.name == "ada")
    sides = found.comparisons["knn"].sides(pair.first, pair.second)
    texts = []
    for side in sides:
        assert side.shared_lines > 0.8 * side.own_lines
        marked = {}
        for cell, some in side.cells:
            for passage in some:
                marked.setdefault(passage.number, set()).add((cell.name, cell.code[passage.start : passage.stop]))
        texts.append(marked)
    assert {number: {cell for cell, _ in one} for number, one in texts[0].items()} == {
        number: {cell for cell, _ in one} for number, one in texts[1].items()
    }
    (label_loop,) = [code for one in texts[0].values() for name, code in one if name == "predict_labels_answer"]
    assert label_loop.startswith("y_train = np.squeeze(y_train)") and label_loop.endswith("return y_pred")
    for marked in texts:
        assert not any('"""' in code or "def " in code for one in marked.values() for _, code in one)


@pytest.mark.parametrize(
    ("assignment", "notebook"), [("assignment1", "softmax"), ("assignment2", "normalization"), ("assignment3", "rnn")]
)
def test_right_answers_in_many_styles_are_not_alike(assignment, notebook):
    answers = vars(Exercise(assignment, notebook).answers)
    own = [f for f in answers.values() if inspect.isfunction(f) and f.__module__ == f"answers_{notebook}"]
    prints = [set(fingerprints([Cell("", code, code)])) for f in dict.fromkeys(own) if (code := inspect.getsource(f))]
    prints = [some for some in prints if len(some) >= 100]
    assert len(prints) >= 6
    for number, first in enumerate(prints):
        for second in prints[:number]:
            assert len(first & second) < 0.3 * min(len(first), len(second))


def test_kernels_are_compared_although_they_stand_in_strings(tmp_path):
    course = course_in(tmp_path, "gpu_kernels")
    solution = nbformat.read(ROOT / "solutions" / "assignment2" / "gpu_kernels.ipynb", as_version=4)
    hand_in(course, "ada", solution, "gpu_kernels")
    for cell in solution.cells:
        cell.source = re.sub(r"\b(row|column|plane|largest|shared|t)\b", r"\1_1", cell.source)
    hand_in(course, "ben", solution, "gpu_kernels")
    hand_in(course, "cleo", nbformat.read(next(course.path("release", ASSIGNMENT).glob("*.ipynb")), 4), "gpu_kernels")
    found = compare_class(course, ASSIGNMENT)
    pair = next(pair for pair in found.pairs if pair.second.name == "ben")
    assert pair.highest > 0.9 and "cleo" not in {name for pair in names_of(found.pairs) for name in pair}
    first, _ = found.comparisons["gpu_kernels"].sides(pair.first, pair.second)
    assert first.own_lines > 60


def test_what_many_students_have_does_not_count_unless_all_of_it_is_the_same(tmp_path, released, bodies):
    course = course_in(tmp_path)
    shown = bodies["ada"]["cross_validate"]  # as on the blackboard
    for number, student in enumerate(("ada", "ben", "cleo", "ada", "ben", "cleo")):
        answers = bodies[student] | {"cross_validate": shown} if number < 3 else {"cross_validate": shown}
        hand_in(course, f"{student}{number}", filled(released, answers))
    everything = compare_class(course, ASSIGNMENT)
    assert ("ada3", "ben4") in names_of(everything.pairs) and everything.comparisons["knn"].left_out == 0
    found = compare_class(course, ASSIGNMENT, common=3)
    assert not found.pairs and found.comparisons["knn"].left_out > 0.3
    (group,) = found.comparisons["knn"].groups
    assert [author.name for author in group] == ["ada3", "ben4", "cleo5"]
    assert "from the first word to the last" in page(found)
    assert (
        "of the code does not count, as more than 3 students"
        in run(course, "similar", ASSIGNMENT, "--common", 3).output
    )
    hand_in(Course(tmp_path), "found", filled(released, {"cross_validate": shown})).parent.rename(tmp_path / "found")
    shutil.rmtree(tmp_path / "submitted" / "found")
    found = compare_class(course, ASSIGNMENT, common=3, also=[tmp_path / "found"])
    assert names_of(found.pairs) >= {(f"{name}{n}", "found") for n, name in ((3, "ada"), (4, "ben"), (5, "cleo"))}
    sides = found.comparisons["knn"].sides(found.pairs[0].first, found.pairs[0].second)
    assert [side.shared_lines for side in sides] == [9, 9]


def test_what_a_lecture_shows_does_not_count(tmp_path, released, bodies):
    course = course_in(tmp_path)
    for student in ("ada", "ben"):
        hand_in(course, student, filled(released, bodies["cleo"]))
    assert names_of(compare_class(course, ASSIGNMENT).pairs) == {("ada", "ben")}
    (tmp_path / "notebooks").mkdir()
    lecture = [new_code_cell(f"def shown(X, X_train, y, dists, y_train):\n{body}") for body in bodies["cleo"].values()]
    nbformat.write(nbformat.v4.new_notebook(cells=lecture), tmp_path / "notebooks" / "01.ipynb")
    assert not compare_class(course, ASSIGNMENT).pairs


def test_two_equal_lines_are_too_few_to_tell_anything(tmp_path, released):
    course = course_in(tmp_path)
    for student in ("ada", "ben"):
        lines = (
            "near = y_train[dists.argsort(1)[:, :k]]\nreturn [max(sorted(row), key=list(row).count) for row in near]"
        )
        hand_in(course, student, filled(released, {"predict_labels": lines}))
    found = compare_class(course, ASSIGNMENT)
    comparison = found.comparisons["knn"]
    assert comparison.shared[0, 1] == comparison.sizes[0] > 20
    assert not found.pairs and [author.name for author in comparison.too_short] == ["ada", "ben"]


def test_passages_about_classes_are_found_at_their_places():
    """A passage that begins with the name of a class, which is longer than all before it, or is not."""
    for name in ("N", "ALongName" * 20):
        bases = "(first.Parent, second.Parent, third.Parent)"
        code = f"before = something  # said\n\n\nclass {name}{bases}:\n    size = other.size + 1 if other else third"
        fingerprint = _fingerprint(Cell("", code, code))
        place = fingerprint.filtered_code.index("O")
        (value,) = [int(value) for value, places in fingerprint.hash_idx.items() if place in places]
        (passage,) = passages(Cell("", code, code), {value}, {*fingerprint.hashes}, {})
        assert code.index(name) <= passage.start < code.index("(") and passage.stop == len(code)


def test_given_lines_inside_a_passage_are_not_marked_and_new_passages_get_new_numbers():
    shared = "for i in range(num):\n    total += weights[i] * values[i, i + 1] ** 2 - values[i - 1, i] / total\n"
    given = "def second(self): <given>"
    code = f"{shared}{given}\nrest = [other for other in everything if other not in totals and len(other) > 3]"
    fresh = shared + "\n".join(f"if a{i} is not b[{i}]: c(d, *e, **f)" for i in range(9))
    numbers, found = {}, []
    for cell in (Cell("one", code, code.replace(given, " " * len(given))), Cell("two", fresh, fresh)):
        every = set(fingerprints([cell]).tolist())
        found.append((cell, passages(cell, every, every, numbers)))
    assert [[passage.number for passage in some] for _, some in found] == [[1], [2]], "most of the second is new"
    html = marked(*found[0])
    assert html.splitlines()[2] == escape(given) and html.count("<sup>") == 1 and html.count("<mark") == 3
    assert re.sub(r"<sup>\d</sup>|</?mark[^>]*>", "", html) == escape(code)


def test_helpers_in_cells_of_their_own_are_compared(tmp_path, released, bodies):
    course = course_in(tmp_path)
    for student, order in (("ada", NAMES), ("ben", NAMES[::-1])):
        notebook = nbformat.from_dict(json.loads(json.dumps(released)))
        helper = "\n\n".join(f"def helper_{n}(x):\n{textwrap.indent(bodies['ada'][n], '    ')}" for n in order)
        notebook.cells.append(new_code_cell(helper))
        hand_in(course, student, notebook)
    assert names_of(compare_class(course, ASSIGNMENT).pairs) == {("ada", "ben")}


def test_an_earlier_year_is_compared_with_but_not_with_itself(tmp_path, course, released, bodies):
    for student in ("old-ada", "old-twin"):
        path = tmp_path / "course-2025" / "submitted" / student / ASSIGNMENT / "knn.ipynb"
        path.parent.mkdir(parents=True)
        nbformat.write(filled(released, bodies["cleo"]), path)
    (tmp_path / "course-2025" / "autograded").mkdir()
    shutil.copy(path, tmp_path / "course-2025" / "autograded" / "knn.ipynb")
    found = compare_class(course, ASSIGNMENT, also=[tmp_path / "course-2025"])
    assert names_of(found.pairs) > {("cleo", "course-2025/old-ada"), ("cleo", "course-2025/old-twin")}
    assert ("course-2025/old-ada", "course-2025/old-twin") not in names_of(found.pairs)
    single = earlier(path.parent, ASSIGNMENT, ["knn"])
    assert single == [Author(ASSIGNMENT, path.parent, student=False)]
    assert earlier(path.parent.parent, ASSIGNMENT, ["knn"])[0].name == "old-twin"
    with pytest.raises(CourseError, match="There is no knn.ipynb in"):
        earlier(tmp_path / "nowhere", ASSIGNMENT, ["knn"])


def damages(tmp_path):
    huge = nbformat.v4.new_notebook(cells=[new_code_cell("x = 1\n" * (LONGEST // 8)) for _ in range(9)])
    return {
        "brace": b"{",
        "cells": b'{"cells": 3}',
        "deep": b"[" * 100_000,
        "huge": nbformat.writes(huge).encode(),
        "latin": b'{"cells": "\xff"}',
        "list": b"[]",
        "metadata": b'{"cells": [{"cell_type": "code", "source": "1", "metadata": []}]}',
    }


def test_damage_is_reported_and_stops_nothing(tmp_path, released, bodies):
    course = course_in(tmp_path)
    for student in ("ada", "ben"):
        hand_in(course, student, filled(released, bodies["ada"]))
    for student, content in damages(tmp_path).items():
        hand_in(course, student, content)
    hand_in(course, "other", b"", "notes")
    linked = hand_in(course, "link", b"")
    linked.unlink()
    linked.symlink_to(course.path("source", ASSIGNMENT) / "knn.ipynb")
    (hand_in(course, "folder", b"").unlink(), (course.path("submitted", ASSIGNMENT, "folder") / "knn.ipynb").mkdir())
    with (course.path("submitted", ASSIGNMENT, "list") / "knn.ipynb").open("wb") as file:
        file.truncate(60 * 2**20)
    result = run(course, "similar", ASSIGNMENT)
    assert result.exit_code == 1, result.output
    table, told = result.stdout, " ".join(result.stderr.split())
    assert re.search(r"100 % +100 % +ada +ben +knn 100 %", table)
    for student in (*damages(tmp_path), "link"):
        assert f"{student}: knn.ipynb is not compared" in told
    for words in ("675,000 characters of code", "60.0 MiB, and a notebook may have 20.0 MiB", "symbolic link"):
        assert words in told
    html = (course.root / "similar" / f"{ASSIGNMENT}.html").read_text()
    assert "other</td><td>knn</td><td>not handed in" in html and "other:" not in told


def run(course, *arguments):
    return CliRunner().invoke(build_app(), [*map(str, arguments), "--course", str(course.root)])


def test_hostile_text_is_shown_and_does_nothing(tmp_path, released, bodies):
    course = course_in(tmp_path)
    evil = {name: f"s = '{EVIL}'  # \x1b[2J \u202e {EVIL}\n{body}" for name, body in bodies["ada"].items()}
    for student in ("<b>ada", "[red]ben\x1b[31m"):
        notebook = filled(released, evil)
        next(
            c for c in notebook.cells if c.metadata.get("nbgrader", {}).get("solution")
        ).metadata.nbgrader.grade_id = EVIL
        hand_in(course, student, notebook)
    result = run(course, "similar", ASSIGNMENT, "--output", tmp_path / "page.html")
    assert result.exit_code == 0 and "<b>ada" in result.output and "[red]ben?[31m" in result.output
    html = (tmp_path / "page.html").read_text()
    assert "&lt;script&gt;alert(1)" in html and "default-src 'none'" in html
    assert not {"\x1b", "\u202e"} & {*html, *result.output}
    tags = set(re.findall(r"</?([^\s/>]+)", html))
    assert not tags & {"script", "img", "b", "link", "iframe"} and not re.search(r"https?:|url\(", html)
    assert not (tmp_path / "similar").exists() and (tmp_path / "page.html").stat().st_mode & 0o077 == 0


def test_the_command_tells_what_it_found(course, tmp_path):
    result = run(course, "similar", ASSIGNMENT, "--threshold", 90)
    assert result.exit_code == 0, result.output
    assert "gus" in result.stdout and "eve" not in result.stdout and "no proof" in result.stdout
    html = (course.root / "similar" / f"{ASSIGNMENT}.html").read_text()
    assert "a reason to look, and no proof" in html and html.count("<details") == result.stdout.count(" knn ")
    assert run(course, "similar", "assignment9").exit_code == 2
    assert run(course, "similar", ASSIGNMENT, "--also", tmp_path).exit_code == 2
    assert run(course, "similar", ASSIGNMENT, "--output", tmp_path / "no" / "x.html").exit_code == 2


def test_nothing_to_compare_names_the_mend(tmp_path, released):
    course = course_in(tmp_path)
    result = run(course, "similar", ASSIGNMENT)
    assert result.exit_code == 2 and "No submissions in" in result.stderr
    hand_in(course, "ada", released)
    (course.path("release", ASSIGNMENT) / "knn.ipynb").unlink()
    result = run(course, "similar", ASSIGNMENT)
    assert result.exit_code == 2 and f"Next: cs231n release {ASSIGNMENT}" in " ".join(result.stderr.split())


def test_equal_trained_results_are_in_the_page(found):
    from dataclasses import replace

    html = page(replace(found, results=(("softmax_trained.npz", ["ada", "<dan>"]),)))
    assert "softmax_trained.npz</td><td>ada, &lt;dan&gt;</td>" in html
    assert "Equal trained results" not in page(found)


def test_passages_are_found_at_their_places():
    """Of two texts the longest common passage in the filtered code, marked where it stands in each."""
    common = "for i in range(10):\n    total = total + weights[i] * values[i, i + 1] ** 2 - values[i - 1, i] / total\n"
    code = f"class A:\n    pass\n\n\nx = 'text'  # comment\n{common}print(total ** 3)"
    other = f"y = lambda: None\n{common.replace('total', 't').replace('weights', 'w')}assert t"
    cells = [Cell("", code, code), Cell("", other, other)]
    prints = [set(fingerprints([cell]).tolist()) for cell in cells]
    (first,), (second,) = (passages(c, prints[0] & prints[1], prints[0] | prints[1], {}) for c in cells)
    assert "for i in range(10)" in code[first.start : first.stop] and "- 1, i]" in code[first.start : first.stop]
    assert other[second.start : second.stop].strip().startswith("for i in range(10)")
    line = Cell("", "", common.splitlines()[1])
    given = set(fingerprints([line]).tolist())
    (left,) = passages(cells[0], prints[0] & prints[1], prints[0] - given, {})
    assert code[left.start : left.stop] == "for i in range(10):", "what was given is not marked with what is beside it"
    assert "assert" not in other[second.start : second.stop] and "print(total **" not in code[first.start : first.stop]
