"""Lecture 07 in JupyterLab: it runs, its figures answer, both themes can be read."""

from pathlib import Path

LECTURE = Path(__file__).parents[2] / "notebooks" / "07_training_neural_networks_2.ipynb"


def test_everything_is_shown(lecture):
    lecture.assert_shows_everything()
