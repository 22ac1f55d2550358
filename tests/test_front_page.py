"""The front page lists what is there, links to it, and says what is missing on this machine."""

from pathlib import Path

import pytest

from cs231n_kit import front_page
from cs231n_kit.arrays import DeviceReport

COURSE = Path(__file__).parents[1]


@pytest.fixture
def course(tmp_path):
    for name in ("notebooks/00_start_here", "notebooks/02_image_classification", "assignments/assignment2/layers"):
        path = tmp_path / f"{name}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path


def test_links_what_exists_and_announces_the_rest(course):
    lines = front_page.contents(course).data.splitlines()
    assert "| 02 | [**Image classification**](02_image_classification.ipynb) | ready |" in lines
    assert "| 03 | Loss functions and optimisation | coming |" in lines
    assert any("[**layers**](../assignments/assignment2/layers.ipynb)" in line for line in lines)
    assert sum("coming" in line for line in lines) == 9 + 2


def test_a_new_lecture_appears_by_itself(course):
    (course / "notebooks" / "03_losses.ipynb").touch()
    assert "(03_losses.ipynb) | ready" in front_page.contents(course).data


def test_every_lecture_file_of_this_course_is_listed():
    listed = {path for _, _, path in front_page.lectures(COURSE)}
    assert set((COURSE / "notebooks").glob("*.ipynb")) - listed == {COURSE / "notebooks" / "00_start_here.ipynb"}


def test_assignments_are_listed_in_the_order_to_solve_them(course):
    folder = course / "assignments" / "assignment1"
    folder.mkdir()
    for name in ("features", "knn", "extra", "svm", "two_layer_net", "softmax"):
        (folder / f"{name}.ipynb").touch()
    _, _, paths = front_page.assignments(course)[0]
    assert [path.stem for path in paths] == ["knn", "svm", "softmax", "two_layer_net", "features", "extra"]


def test_an_assignment_that_a_course_adds_comes_last(course):
    for place in ("assignment4/mirror", ".released/assignment5", "assignment0/warm_up"):
        path = course / "assignments" / f"{place}.ipynb"
        path.parent.mkdir()
        path.touch()
    assert [name for name, *_ in front_page.assignments(course)][3:] == ["assignment0", "assignment4"]
    assert "(../assignments/assignment4/mirror.ipynb)" in front_page.contents(course).data


def test_outside_the_course_the_contents_say_how_to_start(monkeypatch):
    monkeypatch.setattr(front_page, "course_folder", lambda: None)
    with pytest.raises(FileNotFoundError, match="cs231n lab"):
        front_page.contents()


def test_environment_names_versions_device_and_data():
    import numpy as np

    text = front_page.environment().data
    assert f"| numpy | {np.__version__} |" in text
    assert "| CIFAR\N{NON-BREAKING HYPHEN}10 | here |" in text, "the test session has it in CS231N_DATA"
    assert "| GPU |" in text


def test_environment_says_how_to_get_what_is_missing(monkeypatch, tmp_path):
    from cs231n_kit.datasets import registry

    monkeypatch.setenv("CS231N_DATA", str(tmp_path))
    monkeypatch.setattr(registry, "course_folder", lambda: None)
    monkeypatch.setattr("platformdirs.user_cache_path", lambda *_, **__: tmp_path / "cache")
    assert "`cs231n data cifar10` downloads" in front_page.environment().data


def test_environment_shows_a_gpu(monkeypatch):
    monkeypatch.setattr(front_page, "device_report", lambda: DeviceReport("cupy", "H100", ""))
    assert "| GPU | H100 |  |" in front_page.environment().data
