"""Saved networks come back whole, and what is damaged or does not fit changes nothing."""

import os
import re
import sys
import zipfile

import fake_cupy
import numpy as np
import pytest

from cs231n_kit.networks import Affine, BatchNorm, Convolution, Flatten, ReLU, Residual, Sequential, storage

IMAGE = (2, 4, 4)
STEPS = (Convolution(3, 3, pad=1), BatchNorm(), Residual(ReLU(), BatchNorm()), Flatten(), Affine(2))


def trained(rng=1, dtype=np.float32):
    """A network with statistics of its own."""
    network = Sequential(*STEPS).initialize(IMAGE, rng, dtype)
    network.forward(np.random.default_rng(rng).normal(3, 2, size=(8, *IMAGE)), "train")
    return network


def arrays_of(network):
    return network.parameters | network.statistics


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_round_trip(tmp_path, dtype):
    network, other = trained(1, dtype), trained(2, dtype)
    x = np.random.default_rng(0).normal(size=(5, *IMAGE))
    kept = arrays_of(other)
    path = tmp_path / "network.npz"
    network.save(path)
    assert other.load(path) is other
    for name, array in arrays_of(network).items():
        np.testing.assert_array_equal(kept[name], array, err_msg=name)
        assert kept[name] is arrays_of(other)[name], "loaded in place, for optimisers and views"
        assert kept[name].dtype == dtype
    np.testing.assert_array_equal(other.forward(x), network.forward(x))
    assert os.listdir(tmp_path) == ["network.npz"]


def test_the_file_is_plain_arrays_under_readable_names(tmp_path):
    network = trained()
    network.save(tmp_path / "network.npz")
    with np.load(tmp_path / "network.npz", allow_pickle=False) as file:
        assert sorted(file.files) == sorted(arrays_of(network))
        np.testing.assert_array_equal(file["2.body.1.running_var"], network.statistics["2.body.1.running_var"])


def test_names_without_an_ending_and_other_types(tmp_path):
    network, other = trained(1, np.float64), trained(2, np.float32)
    network.save(str(tmp_path / "model"))
    other.load(str(tmp_path / "model"))
    assert os.listdir(tmp_path) == ["model"]
    assert other.parameters["0.w"].dtype == np.float32
    np.testing.assert_allclose(other.parameters["0.w"], network.parameters["0.w"], rtol=1e-6)


def test_device_arrays(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", fake_cupy.module())
    network, other = trained(1), trained(2)
    expected = network.parameters["0.w"].copy()
    for one in (network, other):
        for arrays in (one.parameters, one.statistics):
            arrays.update({path: fake_cupy.ndarray(array) for path, array in arrays.items()})
    network.save(tmp_path / "network.npz")
    other.load(tmp_path / "network.npz")
    assert type(other.parameters["0.w"]) is fake_cupy.ndarray
    np.testing.assert_array_equal(other.parameters["0.w"]._memory, expected)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda arrays: arrays.pop("0.b"), "missing 0.b. Nothing was loaded."),
        (lambda arrays: arrays.update({"9.w": np.ones(3)}), "additional 9.w."),
        (lambda arrays: arrays.update({"4.w": np.ones((2, 48))}), "wrong 4.w of shape (2, 48) instead of (48, 2)."),
        (lambda arrays: arrays.update({"4.b": np.ones(2, int)}), "wrong 4.b of type int64 instead of float32."),
        (lambda arrays: arrays.update({"4.b": np.ones(2, complex)}), "wrong 4.b of type complex128"),
        (
            lambda arrays: [arrays.pop("1.running_var"), arrays.update({"a": 1, "4.b": np.ones(3)})],
            "missing 1.running_var; additional a; wrong 4.b of shape (3,) instead of (2,).",
        ),
        (lambda arrays: arrays.clear(), "missing 0.w, 0.b, 1.gamma, 1.beta, 2.body.1.gamma and 7 more."),
    ],
)
def test_entries_that_do_not_fit(tmp_path, change, message):
    arrays = arrays_of(trained(1))
    change(arrays)
    path = tmp_path / "other.npz"
    np.savez(path, **arrays)
    network, unchanged = trained(2), trained(2)
    with pytest.raises(ValueError, match=re.escape(f"{path} does not fit this network: {message}")):
        network.load(path)
    for name, array in arrays_of(unchanged).items():
        np.testing.assert_array_equal(arrays_of(network)[name], array)


def test_damage_is_found_wherever_it_is(tmp_path):
    network, other, path = trained(1), trained(2), tmp_path / "network.npz"
    network.save(path)
    whole = path.read_bytes()
    before = {name: array.copy() for name, array in arrays_of(other).items()}
    damaged = [whole[:length] for length in range(0, len(whole), 97)]
    damaged += [whole[:i] + bytes([whole[i] ^ 0xFF]) + whole[i + 1 :] for i in range(0, len(whole), 11)]
    found = 0
    for data in damaged:
        path.write_bytes(data)
        try:
            other.load(path)
        except ValueError as error:
            found += 1
            assert str(path) in str(error) and "Nothing was loaded" in str(error)
            expected = before
        else:  # a byte that says nothing about the arrays, such as the time in the archive
            expected = arrays_of(network)
        for name, array in expected.items():
            np.testing.assert_array_equal(arrays_of(other)[name], array)
            arrays_of(other)[name][...] = before[name]
    assert found > 0.7 * len(damaged)


def test_an_archive_that_points_before_its_beginning(tmp_path):
    """One of the bytes above, which makes zipfile raise an OSError."""
    network, path = trained(), tmp_path / "network.npz"
    network.save(path)
    whole = bytearray(path.read_bytes())
    whole[whole.rindex(b"PK\5\6") + 16] ^= 1  # where the archive says its directory begins
    path.write_bytes(whole)
    with pytest.raises(ValueError, match="is damaged"):
        network.load(path)


def test_a_damaged_size_is_found(tmp_path):
    network, path = trained(), tmp_path / "network.npz"
    network.save(path)
    whole = path.read_bytes()
    size, larger = b"(48, 2), }         ", b"(48, 9999999999), }"
    assert whole.count(size) == 1 and len(size) == len(larger)
    path.write_bytes(whole.replace(size, larger))
    with pytest.raises(ValueError, match="is damaged"):
        network.load(path)


def test_files_of_another_kind(tmp_path):
    network, path = trained(), tmp_path / "network.npz"
    np.save(tmp_path / "one.npy", np.ones(3))
    np.savez(tmp_path / "pickled.npz", **{"0.w": np.array([{}], object)})
    (tmp_path / "text.npz").write_text("weights")
    with zipfile.ZipFile(tmp_path / "archive.npz", "w") as archive:
        archive.writestr("0.w", "no array")
    for name in ("one.npy", "pickled.npz", "text.npz", "archive.npz"):
        with pytest.raises(ValueError, match="network|damaged"):
            network.load(tmp_path / name)
    with pytest.raises(FileNotFoundError):
        network.load(path)
    with pytest.raises(FileNotFoundError, match="The folder .*nowhere does not exist"):
        network.save(tmp_path / "nowhere" / "network.npz")


@pytest.mark.parametrize("module, name", [("numpy", "savez"), ("os", "replace")])
def test_a_save_that_fails_leaves_what_was_there(tmp_path, monkeypatch, module, name):
    path = tmp_path / "network.npz"
    trained(1).save(path)
    before = path.read_bytes()

    def fail(file, *args, **kwargs):
        if module == "numpy":
            file.write(b"half of it")
        raise KeyboardInterrupt

    monkeypatch.setattr(storage.np if module == "numpy" else storage.os, name, fail)
    with pytest.raises(KeyboardInterrupt):
        trained(2).save(path)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["network.npz"]
