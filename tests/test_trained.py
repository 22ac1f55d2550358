"""Trained results: saved by students, read without trust, and measured by the judge."""

import io
import zipfile
from dataclasses import replace

import numpy as np
import pytest

from cs231n_kit.checking import check, save_trained
from cs231n_kit.checking.answer_key import OnData, TrainedCheck, load_key, save_key
from cs231n_kit.checking.rendering import html
from cs231n_kit.checking.trained import TrainedError, judge_trained, load_trained
from cs231n_kit.datasets import load

IMAGES, LABELS = np.arange(2000, dtype=np.uint8).reshape(500, 2, 2, 1) % 251, np.arange(500) % 5
TINY = TrainedCheck(
    "tiny_trained",
    "classify",
    steps=(1, 2),
    data={"digits": OnData((0.5, 0.8), {"W": (3, 2), "scale": ()}), "cifar10": OnData((0.5, 0.8), {"W": (4, 4)}, True)},
)
GOOD = {"W": np.arange(6.0).reshape(3, 2), "scale": np.float32(2)}


def stored(folder, data_set="digits", **arrays):
    """A file as a hostile student may write it, with pickles if they have to be."""
    members = {"data_set": np.array(data_set), **GOOD, **arrays}
    np.savez(folder / TINY.file, **{name: value for name, value in members.items() if value is not None})
    return folder / TINY.file


def accurate(share, mirrored=None):
    """A classifier that is right for this share of the images, and of mirror images."""

    def classify(images, **arrays):
        first = (
            int(np.flatnonzero((IMAGES == images[0]).all(axis=(1, 2, 3)))[0])
            if ((IMAGES == images[0]).all(axis=(1, 2, 3)).any())
            else None
        )
        kept = share if first is not None else mirrored
        start = (
            first
            if first is not None
            else int(np.flatnonzero((IMAGES[:, :, ::-1] == images[0]).all(axis=(1, 2, 3)))[0])
        )
        numbers = np.arange(start, start + len(images))
        return np.where(numbers < kept * len(IMAGES), LABELS[numbers], 9)

    return classify


def report_on(folder, classifier, hidden=True, check=TINY):
    return judge_trained(check, folder, classifier, lambda name: (IMAGES, LABELS), hidden)


# Saving and loading


def test_what_is_saved_is_loaded(tmp_path, capsys):
    path = save_trained("tiny_trained", "digits", tmp_path, **GOOD)
    assert path == tmp_path / "tiny_trained.npz" and "Submit this file too" in capsys.readouterr().out
    data_set, arrays = load_trained(path, TINY)
    assert data_set == "digits" and set(arrays) == {"W", "scale"}
    np.testing.assert_array_equal(arrays["W"], GOOD["W"])
    assert [p.name for p in tmp_path.iterdir()] == [path.name], "no unfinished file stays"


def test_saving_refuses_what_could_not_be_judged_and_keeps_the_older_file(tmp_path):
    path = save_trained("tiny_trained", "digits", tmp_path, **GOOD)
    before = path.read_bytes()
    with pytest.raises(ValueError, match="W holds NaN or infinity: did the training diverge"):
        save_trained("tiny_trained", "digits", tmp_path, W=np.full((3, 2), np.nan), scale=1)
    with pytest.raises(TypeError, match="W must be an array of numbers"):
        save_trained("tiny_trained", "digits", tmp_path, W=np.array([None, "a"]), scale=1)
    assert path.read_bytes() == before


def test_fortran_order_other_dtypes_and_additional_arrays_are_accepted(tmp_path):
    path = stored(tmp_path, W=np.asfortranarray(GOOD["W"]).astype(">f4"), scale=np.array(3), more=np.arange(5))
    _, arrays = load_trained(path, TINY)
    np.testing.assert_array_equal(arrays["W"], GOOD["W"])
    assert set(arrays) == {"W", "scale"}


def test_a_size_may_be_free_up_to_a_limit(tmp_path):
    free = TrainedCheck("tiny_trained", "classify", (1,), {"digits": OnData((0.5,), {"W": (3, -4), "scale": ()})})
    for units in (1, 4):
        _, arrays = load_trained(stored(tmp_path, W=np.ones((3, units))), free)
        assert arrays["W"].shape == (3, units)
    for shape in ((3, 5), (3, 0), (2, 4), (12,), (3, 4, 1)):
        with pytest.raises(TrainedError, match=r"expected \(3, up to 4\)|larger than it should be"):
            load_trained(stored(tmp_path, W=np.ones(shape)), free)


class Exploding:
    def __reduce__(self):
        return (exec, ("raise SystemExit('unpickled')",))


def npz(**members):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)
    return file.getvalue()


def npy(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def header(shape, descr="<f8", fortran=False):
    """The head of an .npy file that says what it likes."""
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": descr, "fortran_order": fortran, "shape": shape})
    return file.getvalue()


def bzip2_bomb():
    """A few hundred bytes that a reader of bzip2 unpacks to 200 MB in one step, however little is asked for."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("data_set.npy", NAME)
        archive.writestr("W.npy", header((3, 2)) + bytes(2 * 10**8), zipfile.ZIP_BZIP2)
    return file.getvalue()


NAME = npy(np.array("digits"))
HOSTILE = {
    "no zip at all": (b"not an archive", "is damaged"),
    "an empty file": (b"", "is damaged"),
    "a cut archive": (npz(data_set=NAME, W=npy(GOOD["W"]))[:-30], "is damaged"),
    "no data set": (npz(W=npy(GOOD["W"])), "cannot be read"),
    "an unknown data set": (npz(data_set=npy(np.array("mnist"))), "'mnist', not on digits or cifar10"),
    "a number for the data set": (npz(data_set=npy(np.array(3))), "not a text"),
    "a long text for the data set": (npz(data_set=npy(np.array("d" * 10**6))), "larger than it should be"),
    "a missing array": (npz(data_set=NAME, W=npy(GOOD["W"])), "the array scale is missing"),
    "another shape": (npz(data_set=NAME, W=npy(GOOD["W"].T)), r"W has the shape \(2, 3\), expected \(3, 2\)"),
    "complex numbers": (npz(data_set=NAME, W=npy(GOOD["W"] + 1j)), "not numbers"),
    "text": (npz(data_set=NAME, W=npy(np.full((3, 2), "a"))), "not numbers"),
    "records": (npz(data_set=NAME, W=header((3, 2), [("a", "<f8")])), "not numbers"),
    "NaN": (npz(data_set=NAME, W=npy(np.full((3, 2), np.nan))), "NaN or infinity"),
    "infinity": (npz(data_set=NAME, W=npy(np.full((3, 2), -np.inf))), "NaN or infinity"),
    "a zip bomb": (npz(data_set=NAME, W=npy(np.zeros(2 * 10**7))), "larger than it should be"),
    "a bomb that unpacks at once": (bzip2_bomb(), "packed in an unusual way"),
    "an unfinished header": (npz(data_set=NAME, W=b"\x93NUMPY\x01\x00\x0b\x00{'descr': ("), "cannot be read"),
    "a header that is no dictionary of names": (npz(data_set=b"\x93NUMPY\x01\x00\x06\x00{[]:1}"), "cannot be read"),
    "a shape of terabytes": (npz(data_set=NAME, W=header((10**7, 10**6))), "has the shape"),
    "fewer bytes than the header says": (npz(data_set=NAME, W=header((3, 2)) + b"12345678"), "cannot be read"),
    "a header that is no literal": (
        npz(data_set=NAME, W=header((3, 2)).replace(b"(3, 2)", b"exit()")),
        "cannot be read",
    ),
    "a huge header": (npz(data_set=NAME, W=b"\x93NUMPY\x02\x00\xff\xff\x00\x00" + b"(" * 65535), "larger than it"),
    "an unknown version": (npz(data_set=NAME, W=b"\x93NUMPY\x09\x00" + bytes(50)), "cannot be read"),
    "a negative shape": (npz(data_set=NAME, W=header((-3, -2))), "has the shape"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_earns_nothing_and_says_why(tmp_path, name):
    content, words = HOSTILE[name]
    (tmp_path / TINY.file).write_bytes(content)
    with pytest.raises(TrainedError, match=words):
        load_trained(tmp_path / TINY.file, TINY)
    report = report_on(tmp_path, accurate(1, 1))
    assert report.earned == 0 and "Nothing could be measured" in repr(report)


def test_objects_are_never_unpickled(tmp_path):
    path = tmp_path / TINY.file
    np.savez(path, data_set=np.array("digits"), W=np.array([[Exploding()] * 2] * 3), scale=np.array(1))
    with pytest.raises(TrainedError, match="not numbers"):
        load_trained(path, TINY)
    np.savez(path, data_set=np.array(Exploding()), **GOOD)
    with pytest.raises(TrainedError):
        load_trained(path, TINY)


def test_a_file_larger_than_any_result_is_not_opened(tmp_path):
    with open(tmp_path / TINY.file, "wb") as file:
        file.truncate(65 * 2**20)
    with pytest.raises(TrainedError, match="larger than 64 MiB"):
        load_trained(tmp_path / TINY.file, TINY)


# Measuring


@pytest.mark.parametrize("share, earned", [(0.3, 0), (0.498, 0), (0.5, 1), (0.79, 1), (0.8, 3), (1, 3)])
def test_points_rise_in_steps_and_the_accuracy_is_said(tmp_path, share, earned):
    stored(tmp_path)
    report = report_on(tmp_path, accurate(share))
    assert report.earned == earned and report.points == 3
    for words in (repr(report), html(report, details=False)):
        assert f"{share:.1%} of 500 held-out images (digits)" in words
        assert f"{share:.1%} counts" in words


@pytest.mark.parametrize("share, mirrored, counts", [(0.9, 0.6, 0.63), (0.52, 0.5, 0.52), (0.5, 0.9, 0.5)])
def test_what_does_not_hold_for_mirror_images_counts_little_more_than_they(tmp_path, share, mirrored, counts):
    stored(tmp_path, "cifar10", W=np.zeros((4, 4)), scale=None)
    report = report_on(tmp_path, accurate(share, mirrored))
    assert f"{counts:.1%} counts" in repr(report) and f"{mirrored:.1%} of their mirror images" in repr(report)
    assert report.earned == (1 if counts < 0.8 else 3)
    assert "mirror" not in repr(report_on(tmp_path, accurate(share, mirrored), hidden=False))


def test_only_images_of_the_classes_in_question_are_measured(tmp_path):
    stored(tmp_path)
    some = replace(TINY, data={"digits": replace(TINY.data["digits"], classes=(1, 3))})
    report = report_on(tmp_path, lambda images, W, scale: np.full(len(images), 3), check=some)
    assert "50.0% of 200 held-out images (digits)" in repr(report) and report.earned == 1
    (tmp_path / "tiny_key.npz").write_bytes(save_key([], [some]))
    assert load_key(tmp_path / "tiny_key.npz") == [some]


def test_without_a_file_it_is_not_implemented_yet(tmp_path):
    report = report_on(tmp_path, accurate(1))
    assert report.earned == 0
    assert "not implemented yet" in repr(report) and "there is no file tiny_trained.npz" in repr(report)
    assert [v.title for v in report.verdicts] == [
        "At least 50% right on digits, or 50% right on cifar10",
        "At least 80% right on digits, or 80% right on cifar10",
    ]


def test_a_classifier_that_fails_is_told_and_costs_this_part_only(tmp_path):
    stored(tmp_path)

    def broken(images, W, scale):
        raise IndexError("out of range")

    for classifier, words in ((broken, "IndexError: out of range"), (lambda images, **a: np.zeros(3), "no 500 labels")):
        report = report_on(tmp_path, classifier)
        assert report.earned == 0 and words in repr(report)


def test_the_key_says_how_a_result_is_judged_and_check_measures_it_on_validation_images(tmp_path):
    data = load("digits")
    flat = OnData((0.1, 0.3), {"means": (10, 64)})
    nearest_mean = TrainedCheck("means_trained", "classify", (1, 1), {"digits": flat})
    (tmp_path / "means_key.npz").write_bytes(save_key([], [nearest_mean]))
    assert load_key(tmp_path / "means_key.npz") == [nearest_mean]
    means = np.array([data.X_train[data.y_train == c].reshape(-1, 64).mean(axis=0) for c in range(10)])
    save_trained("means_trained", data.name, tmp_path, means=means)

    def classify(images, means):
        return ((images.reshape(-1, 1, 64) - means) ** 2).sum(axis=2).argmin(axis=1)

    accuracy = (classify(data.X_val, means) == data.y_val).mean()
    report = check("means_trained", classify, tmp_path)
    assert report.passed and f"{accuracy:.1%} of 200 validation images (digits)" in repr(report)
