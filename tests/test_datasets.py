import gzip
import shutil
import struct

import numpy as np
import pytest
from sklearn.datasets import load_digits

from cs231n_kit import datasets
from cs231n_kit.datasets import Dataset, DatasetError, cifar10, loading, registry
from cs231n_kit.datasets.fashion_mnist import read_idx


@pytest.fixture
def fashion(tmp_path):
    """A folder with 60 + 10 generated pictures in Fashion-MNIST's layout."""
    rng = np.random.default_rng(0)
    folder = tmp_path / "fashion-mnist"
    folder.mkdir()
    for prefix, n in (("train", 60), ("t10k", 10)):
        images, labels = rng.integers(0, 256, (n, 28, 28), np.uint8), (np.arange(n) % 10).astype(np.uint8)
        header = struct.pack(">4B3I", 0, 0, 8, 3, n, 28, 28)
        (folder / f"{prefix}-images-idx3-ubyte.gz").write_bytes(gzip.compress(header + images.tobytes()))
        header = struct.pack(">4BI", 0, 0, 8, 1, n)
        (folder / f"{prefix}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(header + labels.tobytes()))
    return tmp_path


def check_types(data: Dataset, shape: tuple[int, ...]) -> None:
    for split in ("train", "val", "test"):
        X, y = getattr(data, f"X_{split}"), getattr(data, f"y_{split}")
        assert X.dtype == np.uint8 and X.shape == (len(y), *shape) and len(y) > 0
        assert y.dtype == np.int64 and set(np.unique(y)) <= set(range(10))
    assert len(data.class_names) == 10 and all(isinstance(name, str) for name in data.class_names)


def test_cifar10(cifar10_dir):
    data = datasets.load("cifar10")
    check_types(data, (32, 32, 3))
    assert data.class_names[0] == "airplane" and data.class_names[9] == "truck"
    assert f"{len(data.y_train):,} / {len(data.y_val):,} / {len(data.y_test):,} training" in data.source


def test_generated_cifar10_pixel_by_pixel(generated_cifar10):
    """Rows hold all red, then all green, then all blue values, line by line."""
    data = datasets.load("cifar10", folder=generated_cifar10)
    assert (len(data.y_train), len(data.y_val), len(data.y_test)) == (240, 60, 100)
    raw = (generated_cifar10 / "cifar-10-batches-py" / "data_batch_1").read_bytes()
    batch = cifar10.read_batch_file("data_batch_1", raw)
    for row, column, channel in [(0, 0, 0), (0, 1, 0), (5, 9, 1), (31, 31, 2)]:
        assert data.X_train[7, row, column, channel] == batch["data"][7, channel * 1024 + row * 32 + column]
    assert data.y_train[:60].tolist() == batch["labels"]
    assert "local copy in" in data.source and "not the official archive" in data.source


def test_default_splits_of_the_full_cifar10(monkeypatch, generated_cifar10):
    X, y = np.zeros((50_000, 1, 1, 3), np.uint8), np.zeros(50_000, np.int64)
    monkeypatch.setattr(cifar10, "read_cifar10", lambda files: (X, y, X[:10_000], y[:10_000], ("a",) * 10))
    data = datasets.load("cifar10", folder=generated_cifar10)
    assert (len(data.y_train), len(data.y_val), len(data.y_test)) == (49_000, 1_000, 10_000)


def test_official_files_are_recognised_by_their_checksums(fashion, monkeypatch):
    assert "not the official archive" in datasets.load("fashion_mnist", folder=fashion).source
    monkeypatch.setattr(loading, "is_official", lambda content, checksum: checksum.startswith("sha256:"))
    assert "official files, checksums verified" in datasets.load("fashion_mnist", folder=fashion).source
    assert registry.is_official(b"abc", "md5:900150983cd24fb0d6963f7d28e17f72")
    assert not registry.is_official(b"abd", "md5:900150983cd24fb0d6963f7d28e17f72")


def test_digits_are_scikit_learns_every_one_of_them_once():
    data = datasets.load("digits")
    check_types(data, (8, 8, 1))
    assert (len(data.y_train), len(data.y_val), len(data.y_test)) == (1397, 200, 200)
    peer = load_digits()
    X = np.concatenate([data.X_train, data.X_val, data.X_test]).reshape(-1, 64)
    y = np.concatenate([data.y_train, data.y_val, data.y_test])
    ours = sorted(
        (*np.rint(row / (255 / 16)).astype(int).tolist(), int(label)) for row, label in zip(X, y, strict=True)
    )
    theirs = sorted((*row.astype(int).tolist(), int(label)) for row, label in zip(peer.data, peer.target, strict=True))
    assert ours == theirs
    assert y.tolist() != peer.target.tolist(), "stored writer by writer, and not to be split like that"
    np.testing.assert_array_equal(data.X_test, datasets.load("digits").X_test)


def test_fashion_mnist(fashion):
    data = datasets.load("fashion_mnist", folder=fashion)
    check_types(data, (28, 28, 1))
    assert (len(data.y_train), len(data.y_val), len(data.y_test)) == (48, 12, 10)
    assert data.class_names[9] == "Ankle boot"
    assert data.y_test.tolist() == list(range(10))


def test_subsets_are_the_first_images_of_each_split():
    whole, part = datasets.load("digits"), datasets.load("digits", subset=100)
    assert (len(part.y_train), len(part.y_val), len(part.y_test)) == (100, 10, 10)
    np.testing.assert_array_equal(part.X_train, whole.X_train[:100])
    np.testing.assert_array_equal(part.y_test, whole.y_test[:10])
    assert "100 / 10 / 10 training / validation / test images" in part.source
    assert part.X_train.base is None, "a subset must not keep the whole data set in memory"
    named = datasets.load("digits", subset={"train": 50, "test": 10_000})
    assert (len(named.y_train), len(named.y_val), len(named.y_test)) == (50, 200, 200)


@pytest.mark.parametrize("subset", [5, -1, True, 1.5, "all", {"training": 5}, {"train": -2}, {"train": None}])
def test_subsets_that_mean_nothing(subset):
    with pytest.raises(ValueError, match="subset"):
        datasets.load("digits", subset=subset)


def test_a_dataset_is_frozen_and_prints_in_one_line():
    data = datasets.load("digits", subset=10)
    with pytest.raises(AttributeError):
        data.X_train = None
    assert repr(data).startswith("Dataset(digits: Digits, embedded in scikit-learn") and len(repr(data)) < 200


def test_unknown_names_list_the_known_ones():
    with pytest.raises(
        DatasetError, match=r"no data set 'cifar'. Known data sets: \"cifar10\", \"fashion_mnist\", \"digits\""
    ):
        datasets.load("cifar")


def test_missing_data_says_where_it_looked_and_how_to_get_it(tmp_path):
    with pytest.raises(DatasetError) as caught:
        datasets.load("cifar10", folder=tmp_path, download=False)
    assert str(tmp_path) in str(caught.value) and "cs231n data cifar10" in str(caught.value)


def test_folders_in_order(tmp_path, monkeypatch, generated_cifar10):
    project, cache = tmp_path / "course" / "datasets", tmp_path / "cache"
    project.mkdir(parents=True)
    (project / "registry.json").write_text("{}")
    monkeypatch.setattr(registry, "course_folder", lambda: project.parent)
    monkeypatch.setattr("platformdirs.user_cache_path", lambda *a, **k: cache)
    monkeypatch.setenv("CS231N_DATA", str(generated_cifar10))
    assert registry.data_folders() == [project, generated_cifar10, cache]
    in_place = generated_cifar10 / "cifar-10-batches-py"
    assert registry.find(registry.entry("cifar10"), registry.data_folders()) == in_place
    shutil.copytree(in_place, project / "cifar-10-batches-py")
    assert registry.find(registry.entry("cifar10"), registry.data_folders()) == project / "cifar-10-batches-py"
    (project / "registry.json").unlink()  # not a checkout of the course
    monkeypatch.delenv("CS231N_DATA")
    assert registry.data_folders() == [cache]


def test_the_folder_may_be_the_data_sets_own(generated_cifar10):
    datasets.load("cifar10", folder=generated_cifar10 / "cifar-10-batches-py", download=False)


def test_status_lists_every_data_set(tmp_path, monkeypatch, fashion):
    monkeypatch.setattr(loading, "data_folders", lambda: [tmp_path])
    by_name = {row.name: row for row in datasets.status()}
    assert set(by_name) == {"cifar10", "fashion_mnist", "digits"}
    assert not by_name["cifar10"].present and by_name["cifar10"].download_size == 170_498_071
    assert by_name["fashion_mnist"].present and by_name["fashion_mnist"].folder == tmp_path / "fashion-mnist"
    assert by_name["digits"].present and by_name["digits"].folder is None
    assert all(row.licence and row.homepage.startswith("https://") for row in by_name.values())
    assert str(by_name["cifar10"]) == "CIFAR-10: not here yet; cs231n data cifar10 downloads 170 MB"


IDX = struct.pack(">4B2I", 0, 0, 8, 2, 2, 3) + bytes(6)


def test_idx():
    assert read_idx("a", gzip.compress(IDX)).tolist() == [[0, 0, 0], [0, 0, 0]]


@pytest.mark.parametrize(
    "content, message",
    [
        (IDX, "not a complete gzip file"),
        (gzip.compress(IDX, mtime=0)[:-9], "not a complete gzip file"),
        (gzip.compress(b"", mtime=0), "IDX header"),
        (gzip.compress(b"\0\0\x0d" + IDX[3:], mtime=0), "IDX header"),
        (gzip.compress(b"\0\0\x08\x09" + IDX[4:], mtime=0), "IDX header"),
        (gzip.compress(IDX + b"\0", mtime=0), r"shape \(2, 3\) but holds 7 bytes"),
        (gzip.compress(IDX[:7], mtime=0), "shape"),
        (
            gzip.compress(struct.pack(">4B3I", 0, 0, 8, 3, 2**32 - 1, 2**32 - 1, 2**32 - 1), mtime=0),
            "but holds 0 bytes",
        ),
        (gzip.compress(bytes(100_000_001), mtime=0), "more than 100,000,000 bytes"),
    ],
)
def test_idx_files_that_are_none(content, message):
    with pytest.raises(DatasetError, match=message):
        read_idx("images.gz", content)


def test_fashion_mnist_files_that_do_not_fit_together(fashion):
    folder = fashion / "fashion-mnist"
    images, labels = folder / "t10k-images-idx3-ubyte.gz", folder / "t10k-labels-idx1-ubyte.gz"
    good = labels.read_bytes()
    labels.write_bytes(gzip.compress(struct.pack(">4BI", 0, 0, 8, 1, 9) + bytes(9)))
    with pytest.raises(DatasetError, match=r"labels of shape \(9,\), expected \(10,\)"):
        datasets.load("fashion_mnist", folder=fashion)
    labels.write_bytes(gzip.compress(struct.pack(">4BI", 0, 0, 8, 1, 10) + bytes([10] * 10)))
    with pytest.raises(DatasetError, match="label 10, expected 0 to 9"):
        datasets.load("fashion_mnist", folder=fashion)
    labels.write_bytes(good)
    images.write_bytes(good)
    with pytest.raises(DatasetError, match=r"shape \(10,\), expected \(N, 28, 28\)"):
        datasets.load("fashion_mnist", folder=fashion)
