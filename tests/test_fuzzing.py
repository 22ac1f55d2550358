"""Anything at all to the two places where the grader reads what students made: replies, and notebooks."""

import copy
import json
import socket
import struct
import threading
import time
import tracemalloc
from pathlib import Path

import nbformat
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cs231n_kit.checking.answering import STATUSES, read_outcome
from cs231n_kit.checking.wire import HEADER_LIMIT, WireError, receive, send
from grader.restore import restore
from grader.submitted_notebook import CELL_LIMIT, SOURCE_LIMIT, IntakeError, read_notebook

ROOT = Path(__file__).parents[1]
RELEASED = (ROOT / "assignments" / "assignment1" / "knn.ipynb").read_bytes()
CELLS = [cell for cell in nbformat.reads(RELEASED.decode(), as_version=4).cells if "nbgrader" in cell.metadata]
LIMIT = 4096
fuzz = settings(derandomize=True, max_examples=150)

# --- values ---

numbers = st.integers() | st.floats() | st.sampled_from([-1, 2**31, 2**48, 2**63, 2**64, 10**30, True, float("nan")])
texts = st.text(st.characters(), max_size=20) | st.sampled_from(["", "\ud800", "\0", "\x1b[2J", "\u202e", "a" * 3000])
leaves = st.none() | st.booleans() | numbers | texts
values = st.recursive(leaves, lambda v: st.lists(v, max_size=4) | st.dictionaries(texts, v, max_size=4), max_leaves=8)


def deep(depth):
    return "[" * depth + "]" * depth


# --- the reply parser ---


def received(raw):
    """What `receive` makes of these bytes, at the end of which the other side hangs up; they fit into a socket."""
    ours, theirs = socket.socketpair()
    with ours:
        with theirs:
            theirs.sendall(raw)
        return receive(ours, LIMIT, time.monotonic() + 30)


def assert_sound(raw):
    """Whatever the bytes, a clean refusal or arrays of plain numbers within the limit, and a sound outcome."""
    try:
        header, arrays = received(raw)
        assert isinstance(header, dict)
        assert sum(a.nbytes for a in arrays) <= LIMIT
        for a in arrays:
            assert type(a) is np.ndarray and a.dtype.kind in "biufc" and a.dtype.itemsize <= 16 and a.ndim <= 32
            a.sum(axis=tuple(range(0, a.ndim, 2)))  # of an empty array this may be a large one
        outcome = read_outcome(header, arrays)
    except (WireError, EOFError):
        return
    assert outcome.status in STATUSES and outcome.kept is None
    assert outcome.values == arrays and (not arrays or outcome.status == "returned")
    assert all(0 <= i < 20 for i in outcome.changed) and 0 <= outcome.instructions
    raised = [outcome.raised.type, outcome.raised.message, outcome.raised.line] if outcome.raised else []
    for text in (outcome.printed, outcome.returned_type, *raised):
        assert len(text) <= 2000 and all(c.isprintable() or c == "\n" for c in text)
        text.encode()


def framed(text, data=b"", length=None):
    raw = text.encode("utf-8", "surrogatepass")
    return struct.pack(">I", len(raw) if length is None else length) + raw + data


dtypes = st.sampled_from("<f8 >f8 |b1 <c16 <f2 <g O |O V8 <M8 S4 <U1 f8,f8 e x , 01 ()f2".split()) | texts
shapes = st.lists(st.integers(-1, 6) | numbers, max_size=4) | st.lists(st.sampled_from([0, 2**40]), max_size=34)
described = st.fixed_dictionaries(
    {"dtype": dtypes, "shape": shapes, "fortran": st.booleans()}, optional={"strides": values}
) | st.dictionaries(st.sampled_from(["dtype", "shape", "fortran"]), dtypes | shapes | values)
raised = st.fixed_dictionaries({"type": texts, "message": texts, "line": texts}, optional={"line_number": numbers})
told = st.fixed_dictionaries(
    {"status": st.sampled_from(STATUSES), "printed": texts, "returned_type": texts, "raised": raised},
    optional={"changed": st.lists(st.integers(-1, 20), max_size=3), "instructions": numbers},
)
headers = told | st.dictionaries(
    st.sampled_from("id status changed printed raised returned_type instructions kept".split()) | texts,
    st.sampled_from(STATUSES) | values,
    max_size=8,
)


@fuzz
@given(st.binary(max_size=300))
def test_random_bytes(raw):
    assert_sound(raw)


@fuzz
@given(headers | values, st.lists(described, max_size=4) | values, st.binary(max_size=400), st.integers(0, 2**32 - 1))
def test_random_replies(header, arrays, data, length):
    text = json.dumps({"header": header, "arrays": arrays})
    assert_sound(framed(text, data + bytes(LIMIT)))
    assert_sound(framed(text, data, length))


@fuzz
@given(headers, st.data())
def test_damaged_replies(header, data):
    ours, theirs = socket.socketpair()
    with ours, theirs:
        send(ours, {"id": 7, **header}, (np.arange(6.0).reshape(2, 3), np.asfortranarray(np.ones((2, 2), bool))))
        ours.close()
        raw = bytearray(b"".join(iter(lambda: theirs.recv(2**16), b"")))
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(raw) - 1))
        raw[place : place + data.draw(st.integers(0, 4))] = data.draw(st.binary(max_size=6))
        raw = raw or bytearray(b"\0")
    assert_sound(bytes(raw))


@pytest.mark.parametrize(
    "raw",
    [
        framed(f'{{"header": {deep(5000)}, "arrays": []}}'),
        framed('{"header": {}, "arrays": [' + "1" * 5000 + "]}"),
        framed('{"header": {"id": NaN, "status": "\\ud800"}, "arrays": []}'),
        framed('{"header": {"status": ["returned"], "changed": [[]]}, "arrays": []}'),
        framed('{"header": {"status": {}}, "arrays": []}'),
        framed('{"header": {}, "arrays": {"dtype": "<f8"}}'),
        framed('{"header": {}, "arrays": [{"dtype": "<f8", "shape": {"0": 1}, "fortran": 1}]}'),
        framed('{"header": {}, "arrays": [{"dtype": "<f8", "shape": "", "fortran": 1}]}'),
        framed('{"header": {}, "arrays": [{"dtype": "<f8", "shape": [0, 281474976710655], "fortran": true}]}'),
        framed(
            '{"header": {}, "arrays": [{"dtype": "<f8", "shape": ['
            + "0, 281474976710655, " * 15
            + '0], "fortran": false}]}'
        ),
        framed(
            '{"header": {}, "arrays": [' + ", ".join(['{"dtype": "|b1", "shape": [0], "fortran": 0}'] * 1300) + "]}"
        ),
        framed('{"header": 1, "arrays": []}' + " " * HEADER_LIMIT),
        framed("\ud800"),
        b"\xff\xff\xff\xff",
        b"\0\0\0\0",
        b"",
    ],
    ids=lambda raw: repr(raw[4:60]),
)
def test_replies_that_were_thought_of(raw):
    assert_sound(raw)


def test_a_reply_takes_no_more_memory_than_it_may():
    """Lengths are believed only as far as the limits go."""
    huge = framed(json.dumps({"header": {}, "arrays": [{"dtype": "<f8", "shape": [2**40], "fortran": False}]}))
    many = framed(json.dumps({"header": {}, "arrays": [{"dtype": "<f8", "shape": [LIMIT // 8]}] * 200}))
    tracemalloc.start()
    try:
        for raw in (huge, many, b"\xff\xff\xff\xff", struct.pack(">I", HEADER_LIMIT + 1)):
            assert_sound(raw)
        assert tracemalloc.get_traced_memory()[1] < 20 * HEADER_LIMIT
    finally:
        tracemalloc.stop()


def test_a_reply_that_drips_ends_at_the_deadline():
    ours, theirs = socket.socketpair()
    over = threading.Event()

    def drip():
        theirs.sendall(struct.pack(">I", 60_000))
        while not over.wait(0.001):
            theirs.sendall(b" ")

    with ours, theirs:
        dripping = threading.Thread(target=drip)
        dripping.start()
        try:
            with pytest.raises(TimeoutError):
                receive(ours, LIMIT, time.monotonic() + 0.1)
        finally:
            over.set()
            dripping.join()


# --- notebook intake ---


def assert_taken_or_refused(content):
    """Whatever the bytes, a clean refusal or a notebook that is valid, and can be restored for grading."""
    try:
        notebook = read_notebook(content, "knn.ipynb")
    except IntakeError as error:
        assert str(error).isprintable() and "ask for" in str(error)
        return False
    nbformat.validate(notebook)
    nbformat.writes(notebook).encode()
    assert len(notebook.cells) <= CELL_LIMIT and all(len(cell.source) <= SOURCE_LIMIT for cell in notebook.cells)
    notebook.cells, remarks = restore(notebook.cells, copy.deepcopy(CELLS))
    nbformat.validate(notebook)
    found = [cell for cell in notebook.cells if "nbgrader" in cell.metadata]
    assert sorted(c.metadata.nbgrader.grade_id for c in found) == sorted(c.metadata.nbgrader.grade_id for c in CELLS)
    marks = {cell.metadata.nbgrader.grade_id: cell for cell in CELLS}
    for cell in found:
        released = marks[cell.metadata.nbgrader.grade_id]
        assert (cell.metadata.nbgrader, cell.cell_type) == (released.metadata.nbgrader, released.cell_type)
        assert not released.metadata.nbgrader.locked or cell.source == released.source
    nbformat.writes(notebook).encode()
    assert all(remark.isprintable() for remark in remarks)
    return True


grade_ids = st.sampled_from([cell.metadata.nbgrader.grade_id for cell in CELLS]) | texts
sources = st.sampled_from(
    [cell.source for cell in CELLS] + ["", "%%bash\nrm", "def (", "\0", "(" * 300, "x = " + "-" * 9000]
)
metadata = st.fixed_dictionaries(
    {},
    optional={
        "nbgrader": st.fixed_dictionaries({"grade_id": grade_ids | values}, optional={"points": values}) | values,
        "tags": st.lists(st.sampled_from(["skip-grading", "a,b", ""]) | values, max_size=3) | values,
        "name": values,
    },
)
cells = st.fixed_dictionaries(
    {},
    optional={
        "cell_type": st.sampled_from(["code", "markdown", "raw", "heading"]) | values,
        "source": sources | st.lists(sources, max_size=3) | values,
        "input": sources,
        "metadata": metadata | values,
        "id": st.sampled_from(["a", "", "a b", "x" * 99]) | values,
        "outputs": values,
        "level": numbers,
        "attachments": st.dictionaries(texts, st.dictionaries(st.just("image/png"), texts | values)) | values,
    },
)
plain_cells = st.fixed_dictionaries(
    {"cell_type": st.sampled_from(["code", "markdown", "raw"]), "source": sources | texts, "metadata": metadata},
    optional={"attachments": values, "id": values},
)
sheets = st.fixed_dictionaries({"cells": st.lists(cells, max_size=3) | values})
trees = st.fixed_dictionaries(
    {"nbformat": st.sampled_from([4, 4, 4, 3, 2]) | values},
    optional={
        "nbformat_minor": st.sampled_from([5, 4, 0]) | values,
        "metadata": values,
        "cells": st.lists(cells, max_size=5) | values,
        "worksheets": st.lists(st.fixed_dictionaries({"cells": st.lists(cells, max_size=3) | values}), max_size=2)
        | values,
    },
)


@fuzz
@given(st.binary(max_size=300) | values.map(lambda value: json.dumps(value).encode()))
def test_random_files(content):
    assert_taken_or_refused(content)


@fuzz
@given(trees)
def test_random_trees_in_the_shape_of_a_notebook(tree):
    assert_taken_or_refused(json.dumps(tree).encode())


@fuzz
@given(st.lists(plain_cells, max_size=12), values)
def test_cells_with_any_marks_in_any_order_are_taken(cells, about):
    content = json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": about, "cells": cells}).encode()
    assert assert_taken_or_refused(content)


@fuzz
@given(st.data())
def test_damaged_notebooks(data):
    """Bytes of a real notebook changed, cut out, doubled and moved."""
    raw = bytearray(RELEASED)
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(raw) - 1))
        end = start + data.draw(st.integers(0, 40))
        part = data.draw(
            st.binary(max_size=6) | st.sampled_from([bytes(raw[start:end]) * 2, b'"', b"[", b"}", b"null"])
        )
        raw[start:end] = part
        raw = raw or bytearray(b"\0")
    assert_taken_or_refused(bytes(raw))


@fuzz
@given(st.data())
def test_real_notebooks_with_any_value_in_any_place(data):
    tree = json.loads(RELEASED)
    for _ in range(data.draw(st.integers(1, 4))):
        place = tree
        while isinstance(place, dict | list) and place:
            key = data.draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
            if not isinstance(place[key], dict | list) or not place[key] or data.draw(st.integers(0, 3)) == 0:
                place[key] = data.draw(values)
                break
            place = place[key]
    assert_taken_or_refused(json.dumps(tree).encode())


def test_numbers_of_every_size_are_refused_or_taken():
    for number in ("1" * 4299, "1" * 5000, "1e400", "-1e400", "NaN", "Infinity", "1e-400", "0.1e1"):
        for place in ("nbformat", "nbformat_minor", "cells"):
            assert_taken_or_refused(f'{{"nbformat": 4, "cells": [], "{place}": {number}}}'.encode())
