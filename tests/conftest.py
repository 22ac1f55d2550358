"""Fixtures that tests of every package use."""

import os
import pickle
from importlib.util import find_spec
from pathlib import Path

import hypothesis
import numpy as np
import pytest

from cs231n_kit.datasets.registry import entry, find

hypothesis.settings.register_profile("ci", deadline=None)  # a busy machine is slow, not wrong
hypothesis.settings.load_profile("ci")

has_torch = find_spec("torch") is not None
collect_ignore = [] if has_torch else ["pytorch"]

LONGEST = [
    "test_notebooks.py",
    "test_attacks.py",
    "test_course_mixed_class.py",
    "test_solutions.py",
    "test_jupyterhub.py",
]
CLASS_NAMES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]


os.environ.pop("CS231N_GRADEBOOK", None)  # tests write no grades into a class's own


def pytest_report_header():
    """Say that tests are left out, which nothing else would."""
    if not has_torch:
        return "tests/pytorch: left out, PyTorch is not installed; make test-torch installs it and runs them"


def pytest_collection_modifyitems(items):
    """The longest files come first, so that no process has one to itself at the end."""
    items.sort(key=lambda item: LONGEST.index(item.path.name) if item.path.name in LONGEST else len(LONGEST))


@pytest.fixture(scope="session")
def generated_cifar10(tmp_path_factory) -> Path:
    """A folder with 400 generated images in CIFAR-10's official layout: each class has its colour, plus noise."""
    root = tmp_path_factory.mktemp("generated")
    folder = root / entry("cifar10").folder
    folder.mkdir()
    rng = np.random.default_rng(10)
    colours = rng.integers(40, 216, size=(10, 3))
    sizes = {f"data_batch_{i}": 60 for i in range(1, 6)} | {"test_batch": 100}
    for name, size in sizes.items():
        labels = rng.permutation(np.arange(size) % 10)
        noise = rng.normal(0, 40, size=(size, 3, 1024))
        images = np.clip(colours[labels][:, :, None] + noise, 0, 255).astype(np.uint8)
        batch = {
            b"batch_label": name.encode(),
            b"labels": labels.tolist(),
            b"data": images.reshape(size, 3072),
            b"filenames": [f"generated_{i}.png".encode() for i in range(size)],
        }
        (folder / name).write_bytes(pickle.dumps(batch, protocol=2))
    meta = {b"num_cases_per_batch": 60, b"num_vis": 3072, b"label_names": [n.encode() for n in CLASS_NAMES]}
    (folder / "batches.meta").write_bytes(pickle.dumps(meta, protocol=2))
    return root


@pytest.fixture(scope="session", autouse=True)
def cifar10_dir(generated_cifar10) -> Path:
    """What CS231N_DATA points to for all tests: its own value if CIFAR-10 is there, else generated images."""
    given = Path(os.environ.get("CS231N_DATA") or generated_cifar10)
    root = given if find(entry("cifar10"), [given]) else generated_cifar10
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CS231N_DATA", str(root.resolve()))
        yield root.resolve()
