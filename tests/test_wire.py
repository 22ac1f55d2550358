"""Messages between the judge and a kernel that is not trusted."""

import json
import socket
import struct
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from cs231n_kit.checking.answering import describe, read_outcome
from cs231n_kit.checking.calling import Outcome
from cs231n_kit.checking.wire import WireError, receive, send

PLAIN = st.sampled_from([np.bool_, np.int8, np.uint16, np.int64, np.float16, np.float32, np.float64, np.complex128])


@pytest.fixture
def pair():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


@given(arrays.arrays(PLAIN, arrays.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=5)))
def test_arrays_arrive_as_they_were_sent(array):
    ours, theirs = socket.socketpair()
    with ours, theirs:
        send(ours, {"id": 1}, (array, array.T))
        header, (first, second) = receive(theirs, 10**6)
    assert header == {"id": 1}
    for sent, got in ((array, first), (array.T, second)):
        assert got.dtype == sent.dtype and got.shape == sent.shape
        assert got.tobytes() == sent.tobytes()


def test_fortran_order_survives(pair):
    send(pair[0], {}, (np.asfortranarray(np.arange(6.0).reshape(2, 3)),))
    _, (got,) = receive(pair[1], 1000)
    assert got.flags.f_contiguous and not got.flags.c_contiguous


def test_empty_arrays_keep_their_shape(pair):
    send(pair[0], {}, (np.empty((0, 3072)), np.empty((5, 0, 7), dtype=bool)))
    _, got = receive(pair[1], 0)
    assert [(a.shape, a.dtype.char) for a in got] == [((0, 3072), "d"), ((5, 0, 7), "?")]


def test_the_limit_holds_for_all_arrays_together(pair):
    for limit, taken in ((16, True), (15, False)):
        send(pair[0], {}, (np.ones(1), np.ones(1)))
        if taken:
            assert len(receive(pair[1], limit)[1]) == 2
        else:
            with pytest.raises(WireError, match="16 bytes of arrays, 15 at most"):
                receive(pair[1], limit)


@pytest.mark.parametrize("kind", [np.longdouble, np.clongdouble])
def test_numbers_that_differ_from_machine_to_machine_are_sent_as_plain_ones(pair, kind):
    header, values = describe(Outcome("returned", (np.ones(2, dtype=kind),)), 1000)
    send(pair[0], header, values)
    _, (got,) = receive(pair[1], 1000)
    assert got.tolist() == [1, 1] and got.dtype.itemsize == (8 if kind is np.longdouble else 16)


def message(header, arrays=(), data=b""):
    text = json.dumps({"header": header, "arrays": arrays}).encode()
    return struct.pack(">I", len(text)) + text + data


@pytest.mark.parametrize(
    "raw",
    [
        struct.pack(">I", 2**31) + b"x" * 100,
        struct.pack(">I", 4) + b"nope",
        struct.pack(">I", 20_000) + b"[" * 20_000,
        message({}, [{"dtype": "O", "shape": [1], "fortran": False}], b"x" * 8),
        message({}, [{"dtype": "f8,f8", "shape": [1], "fortran": False}], b"x" * 16),
        message({}, [{"dtype": "<U9", "shape": [1], "fortran": False}], b"x" * 36),
        message({}, [{"dtype": "<f8", "shape": [-1], "fortran": False}]),
        message({}, [{"dtype": "<f8", "shape": [True], "fortran": False}]),
        message({}, [{"dtype": "<f8", "shape": [1] * 40, "fortran": False}]),
        message({}, [{"dtype": "<f8", "shape": [10**6, 10**6], "fortran": False}]),
        message({}, [{"dtype": "<f8", "shape": [0, 10**9], "fortran": False}]),
        message({}, [{"dtype": "<f8", "shape": [0, *[2**40] * 9], "fortran": True}]),
        message({}, [{"dtype": ",", "shape": [1], "fortran": False}], b"x" * 8),
        message({}, [{"dtype": "01", "shape": [1], "fortran": False}], b"x" * 8),
        message({}, [{"dtype": "<f16", "shape": [1], "fortran": False}], b"x" * 16),
        message({}, [{"dtype": "<c32", "shape": [1], "fortran": False}], b"x" * 32),
        message({}, [{"shape": [1]}]),
        message({}, 7),
        message([]),
    ],
    ids=lambda raw: repr(raw[4:44]),
)
def test_malformed_messages_are_refused(pair, raw):
    pair[0].sendall(raw)
    with pytest.raises(WireError):
        receive(pair[1], 2**20, time.monotonic() + 5)


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_cleanly(raw):
    ours, theirs = socket.socketpair()
    with theirs:
        ours.sendall(raw)
        ours.close()
        with pytest.raises((WireError, EOFError)):
            receive(theirs, 2**16, time.monotonic() + 5)


def test_slow_answers_end_at_the_deadline(pair):
    pair[0].sendall(struct.pack(">I", 100) + b"{")
    with pytest.raises(TimeoutError):
        receive(pair[1], 100, time.monotonic() + 0.05)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
fields = st.sampled_from(["status", "changed", "printed", "raised", "returned_type", "id"])
statuses = st.sampled_from(["returned", "raised", "object", "nothing", "passed", "timeout"])


@given(st.dictionaries(fields, statuses | json_values, max_size=6))
def test_any_header_gives_an_outcome_or_a_refusal(header):
    try:
        outcome = read_outcome(header, ())
    except WireError:
        return
    assert outcome.status in ("returned", "nothing", "object", "raised", "undefined")
    assert len(outcome.printed) <= 2000 and "\x1b" not in outcome.printed


def test_terminal_escapes_are_taken_out():
    raised = {"type": "Bad\x1b]0;title\x07", "message": "\x1b[31mred", "line_number": 3, "line": "x\x00"}
    outcome = read_outcome({"status": "raised", "raised": raised, "changed": [], "printed": "\x1b[2Jhi\n"}, ())
    assert (outcome.raised.type, outcome.raised.message, outcome.printed) == ("Bad]0;title", "[31mred", "[2Jhi\n")
