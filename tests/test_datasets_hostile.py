"""Batch files of CIFAR-10 that are damaged or made to do harm."""

import contextlib
import io
import os
import pickle
import shutil

import numpy as np
import pytest

from cs231n_kit import datasets
from cs231n_kit.datasets import DatasetError, batch_file
from cs231n_kit.datasets.batch_file import read_batch_file

GOOD = {
    b"batch_label": b"training batch 1 of 5",
    b"labels": [3, 0],
    b"data": np.arange(2 * 3072).reshape(2, 3072).astype(np.uint8),
    b"filenames": [b"a\xff.png", b"b.png"],
}

# What Python 2 and NumPy of that time wrote: 2 x 3 bytes, keys and content as Python 2 strings.
PYTHON_2 = (
    b"\x80\x02}q\x01(U\x04dataq\x02cnumpy.core.multiarray\n_reconstruct\nq\x03cnumpy\nndarray\nq\x04K\x00\x85U\x01b"
    b"\x87Rq\x05(K\x01K\x02K\x03\x86cnumpy\ndtype\nq\x06U\x02u1K\x00K\x01\x87Rq\x07(K\x03U\x01|NNNJ\xff\xff\xff\xff"
    b"J\xff\xff\xff\xffK\x00tb\x89U\x06\x01\x02\x03\xfe\xff\x00tbU\x06labelsq\x08]q\t(K\x06K\te"
    b"U\x0bbatch_labelq\nU\x05helloq\x0bu."
)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_honest_files_of_every_protocol(protocol):
    found = read_batch_file("data_batch_1", pickle.dumps(GOOD, protocol))
    assert found["labels"] == [3, 0] and found["batch_label"] == b"training batch 1 of 5"
    assert found["filenames"] == [b"a\xff.png", b"b.png"]
    assert found["data"].dtype == np.uint8
    np.testing.assert_array_equal(found["data"], GOOD[b"data"])


def test_a_file_of_python_2():
    found = read_batch_file("data_batch_1", PYTHON_2)
    assert found["data"].tolist() == pickle.loads(PYTHON_2, encoding="latin-1")["data"].tolist()
    assert found["data"].tolist() == [[1, 2, 3], [254, 255, 0]]
    assert found["labels"] == [6, 9] and found["batch_label"] == b"hello"


def test_arrays_in_column_order():
    array = np.asfortranarray(GOOD[b"data"])
    for protocol in (2, 5):
        found = read_batch_file("x", pickle.dumps({b"data": array}, protocol))
        np.testing.assert_array_equal(found["data"], array)


class Call:
    """Pickles as a call of a function."""

    def __init__(self, function, *arguments, state=None):
        self.reduced = (function, arguments, state) if state else (function, arguments)

    def __reduce__(self):
        return self.reduced


@pytest.fixture
def victim(tmp_path):
    return tmp_path / "harm"


@pytest.mark.parametrize("protocol", [0, 2, 4, 5])
@pytest.mark.parametrize("where", ["key", "value", "label", "instead of the dictionary"])
def test_nothing_is_run(victim, protocol, where):
    call = Call(os.system, f"echo harm > '{victim}'")
    hostile = {
        "key": {call: 1},
        "value": GOOD | {b"data": call},
        "label": GOOD | {b"labels": [1, call]},
        "instead of the dictionary": call,
    }[where]
    content = pickle.dumps(hostile, protocol)
    with pytest.raises(DatasetError, match="data_batch_1 is not a CIFAR-10 batch file"):
        read_batch_file("data_batch_1", content)
    assert not victim.exists()
    with contextlib.suppress(Exception):  # the file does harm where it is trusted
        pickle.loads(content)
    assert victim.exists()


@pytest.mark.parametrize(
    "hostile",
    [
        Call(eval, "1"),
        Call(__import__, "os"),
        Call(getattr, "text", "join"),
        Call(np.fromfile, "/etc/passwd"),
        Call(np.load, "/etc/passwd"),
        Call(open, "harm", "w"),
        Call(bytearray, 10**12),
        Call(np.zeros, 10**12),
        Call(np.ndarray, (10**12,)),
        np.zeros(3, object),
        np.zeros(3, [("a", "u1")]),
        np.zeros(3, np.float32),
        np.float64(3),
        {1, 2},
        3.5,
        10**100,
        io.BytesIO(b"x"),
    ],
    ids=lambda hostile: type(hostile).__name__,
)
@pytest.mark.parametrize("protocol", [2, 5])
def test_everything_that_is_not_needed_is_refused(hostile, protocol):
    with pytest.raises(DatasetError, match="not a CIFAR-10 batch file"):
        read_batch_file("data_batch_1", pickle.dumps({b"data": hostile}, protocol))


RECONSTRUCT = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
UINT8 = b"cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R"


@pytest.mark.parametrize(
    "instructions",
    [
        # An array whose shape asks for petabytes, for less than nothing, or for a list.
        b"}U\x04data" + RECONSTRUCT + b"(K\x01J\xff\xff\xff\x7fJ\xff\xff\xff\x7f\x86" + UINT8 + b"\x89U\x01atbs.",
        b"}U\x04data" + RECONSTRUCT + b"(K\x01J\xff\xff\xff\xffK\x01\x86" + UINT8 + b"\x89U\x01atbs.",
        b"}U\x04data" + RECONSTRUCT + b"(K\x01]" + UINT8 + b"\x89U\x01atbs.",
        # State for something that is no array; a name that is called with the wrong things.
        b"}}b.",
        b"cnumpy\nndarray\n}b.",
        b"cnumpy\ndtype\nU\x02O8\x85R.",
        b"c_codecs\nencode\nX\x01\x00\x00\x00aX\x03\x00\x00\x00zip\x86R.",
        b"]K\x01R.",
        # Instructions that find nothing on the stack or in the memo, or forget their mark.
        b"a.",
        b"s.",
        b"u.",
        b"e.",
        b"t.",
        b"R.",
        b"h\x05.",
        b"q\x05.",
        b"}(K\x01u.",
        b"}K\x01K\x02K\x03u.",
        b".",
        b"K\x01K\x02.",
        b"",
        # Persistent identifiers, extension registry, instances: all ways to run code.
        b"Pharm\n.",
        b"\x82\x01.",
        b"(ios\nsystem\n.",
        b"(S'x'\nios\nsystem\n.",
        b"(cos\nsystem\nS'x'\no.",
        b"cos\nsystem\n)\x81.",
        # Memory: a huge announced length, a huge memo slot.
        b"B\xff\xff\xff\x7f.",
        b"\x8e\xff\xff\xff\xff\xff\xff\xff\x7f.",
        b"K\x01r\xff\xff\xff\x7f.",
    ],
)
def test_handwritten_instructions(instructions):
    with pytest.raises(DatasetError, match="not a CIFAR-10 batch file"):
        read_batch_file("data_batch_1", b"\x80\x02" + instructions)


def test_a_dictionary_that_contains_itself_does_no_harm():
    assert "a" in read_batch_file("data_batch_1", b"\x80\x02}q\x00U\x01ah\x00s.")


def test_a_text_that_is_unpacked_over_and_over_is_stopped():
    text = b"X" + (1_000_000).to_bytes(4, "little") + b"a" * 1_000_000
    unpack_again = b"h\x00h\x01X\x06\x00\x00\x00latin1\x86R"
    content = b"\x80\x02]c_codecs\nencode\nq\x00" + text + b"q\x01" + unpack_again * 10_000 + b"e."
    with pytest.raises(DatasetError, match="unpacks to more than its own size"):
        read_batch_file("data_batch_1", content)


def test_a_file_of_nothing_but_instructions_is_stopped(monkeypatch):
    monkeypatch.setattr(batch_file, "MOST_INSTRUCTIONS", 1_000)
    with pytest.raises(DatasetError, match="more than 1,000 instructions"):
        read_batch_file("data_batch_1", b"\x80\x02" + b"}" * 2_000 + b".")


def test_a_file_that_is_too_large_is_not_even_parsed(monkeypatch):
    monkeypatch.setattr(batch_file, "LARGEST_FILE", 10)
    with pytest.raises(DatasetError, match="has 11 bytes, more than a CIFAR-10 batch can have"):
        read_batch_file("data_batch_1", b"\x80\x02" + b"}" * 9)


def test_a_file_cut_off_anywhere_is_refused():
    content = pickle.dumps(GOOD, 2)
    for length in [*range(0, 300, 7), len(content) // 2, len(content) - 1]:
        with pytest.raises(DatasetError, match="not a CIFAR-10 batch file"):
            read_batch_file("data_batch_1", content[:length])


@pytest.fixture
def copy(tmp_path, generated_cifar10):
    folder = tmp_path / "cifar-10-batches-py"
    shutil.copytree(generated_cifar10 / "cifar-10-batches-py", folder)
    return folder


@pytest.mark.parametrize(
    "change, message",
    [
        (
            {b"data": np.zeros((2, 3071), np.uint8)},
            r"shape \(2, 3071\) as \"data\", expected uint8 of shape \(N, 3072\)",
        ),
        ({b"data": np.zeros(6144, np.uint8)}, r"shape \(6144,\)"),
        ({b"data": np.zeros((0, 3072), np.uint8), b"labels": []}, r"shape \(0, 3072\)"),
        ({b"data": b"text"}, 'no array as "data"'),
        ({b"labels": [1]}, "2 images but 1 labels"),
        ({b"labels": (1, 2)}, '2 images but no list "labels"'),
        ({b"labels": [1, 10]}, "labels that are not integers from 0 to 9"),
        ({b"labels": [1, -1]}, "labels that are not integers from 0 to 9"),
        ({b"labels": [1, True]}, "labels that are not integers from 0 to 9"),
        ({b"labels": [1, "2"]}, "labels that are not integers from 0 to 9"),
    ],
)
def test_layouts_that_are_not_the_official_one(copy, change, message):
    (copy / "data_batch_3").write_bytes(pickle.dumps(GOOD | change, 4))
    with pytest.raises(DatasetError, match=message) as caught:
        datasets.load("cifar10", folder=copy.parent)
    assert "data_batch_3" in str(caught.value) and "cs231n data cifar10" in str(caught.value)


@pytest.mark.parametrize("names", [None, ["a"] * 9, list(range(10)), "abcdefghij"])
def test_class_names_that_are_none(copy, names):
    (copy / "batches.meta").write_bytes(pickle.dumps({b"label_names": names}, 2))
    with pytest.raises(DatasetError, match='no list "label_names" of the 10 class names'):
        datasets.load("cifar10", folder=copy.parent)


def test_a_folder_without_one_of_the_files_is_no_copy(copy):
    (copy / "test_batch").unlink()
    with pytest.raises(DatasetError, match="not on this machine"):
        datasets.load("cifar10", folder=copy.parent, download=False)
