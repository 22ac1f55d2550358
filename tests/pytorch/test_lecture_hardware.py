"""The section of lecture 08 that builds one network twice: its cells run, and both have the same loss and gradients."""

from pathlib import Path

import nbformat
import numpy as np
from torch_checks import assert_close

from cs231n_kit import plots
from cs231n_kit.datasets import load
from cs231n_kit.explorations import hardware

LECTURE = Path(__file__).parents[2] / "notebooks" / "08_hardware_and_software.ipynb"
CELLS = ("frameworks-kit", "frameworks-torch-run", "frameworks-time-run")


def test_the_network_of_the_lecture_is_the_same_in_both(capsys):
    source = {cell.id: cell.source for cell in nbformat.read(LECTURE, as_version=4).cells}
    names = {"np": np, "data": load("digits"), "hardware": hardware, "plots": plots}
    for cell in CELLS:
        exec(source[cell], names)
    ours, theirs = names["ours"], names["theirs"]
    assert_close(names["our_step"](), names["their_step"](), "loss", np.float32)
    for (key, gradient), parameter in zip(ours.gradients.items(), theirs.parameters(), strict=True):
        expected = parameter.grad.T if gradient.ndim == 2 else parameter.grad
        assert_close(gradient, expected, key, np.float32)
    assert "not installed" not in capsys.readouterr().out and set(names["steps"]) > {"this course's kit"}
