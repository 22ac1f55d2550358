"""The notation of lecture 05: what it builds, and where it points when it is wrong."""

import numpy as np
import pytest

from cs231n_kit.networks import (
    ELU,
    Affine,
    BatchNorm,
    Convolution,
    Dropout,
    Flatten,
    LeakyReLU,
    MaxPool,
    ReLU,
    Sequential,
    Sigmoid,
    Tanh,
    parse,
)


def conv(filters, size=3):
    return Convolution(filters, size, pad=size // 2)


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("FC", [Affine(10)]),
        ("CONV", [conv(32)]),
        ("CONV->RELU->FC", [conv(32), ReLU(), Flatten(), Affine(10)]),
        ("[CONV->RELU]*2->FC", [conv(32), ReLU(), conv(32), ReLU(), Flatten(), Affine(10)]),
        ("[CONV->POOL]*3", [conv(32), MaxPool(2), conv(64), MaxPool(2), conv(128), MaxPool(2)]),
        ("[[CONV]*2->POOL]*2", [conv(32), conv(32), MaxPool(2), conv(64), conv(64), MaxPool(2)]),
        ("CONV*2->[FC->RELU]*0->FC", [conv(32), conv(32), Flatten(), Affine(10)]),
        ("[FC->RELU]*2->FC", [Affine(256), ReLU(), Affine(256), ReLU(), Affine(10)]),
        ("FC->RELU", [Affine(10), ReLU()]),
        ("FC-100->RELU->FC-7", [Affine(100), ReLU(), Affine(7)]),
        ("CONV5-64->CONV-16->CONV1", [conv(64, 5), conv(16), conv(32, 1)]),
        ("POOL3->FC", [MaxPool(3), Flatten(), Affine(10)]),
        ("CONV->BN->RELU->POOL?", [conv(32), BatchNorm(), ReLU(), MaxPool(2)]),
        ("[CONV->POOL?]?*2", [conv(32), MaxPool(2), conv(64), MaxPool(2)]),
        ("FC->DROPOUT->FC->DROPOUT-0.8->FC", [Affine(256), Dropout(), Affine(256), Dropout(0.8), Affine(10)]),
        ("FC->TANH->FC->SIGMOID", [Affine(256), Tanh(), Affine(10), Sigmoid()]),
        ("FC->LEAKYRELU->FC->ELU", [Affine(256), LeakyReLU(), Affine(10), ELU()]),
        ("input -> conv\n  → Relu->\tfc", [conv(32), ReLU(), Flatten(), Affine(10)]),
        (" [ conv5-8 -> pool ] * 2 ", [conv(8, 5), MaxPool(2), conv(8, 5), MaxPool(2)]),
        ("RELU->BN->FC", [ReLU(), BatchNorm(), Affine(10)]),
    ],
)
def test_what_is_built(text, steps):
    network = parse(text)
    assert type(network) is Sequential
    assert list(network.steps) == steps


def test_the_line_of_the_lecture():
    text = "INPUT -> [[CONV -> RELU]*N -> POOL?]*M -> [FC -> RELU]*K -> FC"
    network = parse(text, classes=5, filters=8, units=20, N=2, M=3, K=1)
    same = parse("[[CONV->RELU]*2->POOL]*3->[FC->RELU]*1->FC", classes=5, filters=8, units=20)
    assert network.steps == same.steps
    assert [step.filters for step in network.steps if isinstance(step, Convolution)] == [8, 8, 16, 16, 32, 32]
    assert network.steps[-4:] == (Flatten(), Affine(20), ReLU(), Affine(5))
    scores = network.initialize((3, 32, 32)).forward(np.zeros((2, 3, 32, 32)))
    assert scores.shape == (2, 5)
    assert network.summary().rows[14].output_shape == (32, 4, 4)
    without = parse(text, optional=False, n=1, m=2, k=0)
    assert list(without.steps) == [conv(32), ReLU(), conv(32), ReLU(), Flatten(), Affine(10)]


def test_given_widths():
    network = parse("[CONV->POOL]*4->[FC]*3->FC", filters=(4, 6, 9), units=[30, 20])
    assert [step.filters for step in network.steps[:8:2]] == [4, 6, 9, 9]
    assert [step.units for step in network.steps[9:]] == [30, 20, 20, 10]


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("", 0, 'a layer (CONV, POOL, FC, BN, DROPOUT, RELU, LEAKYRELU, ELU, SIGMOID, TANH) or "[" was expected'),
        ("CONV->", 6, 'or "[" was expected'),
        ("CONV->->RELU", 6, 'or "[" was expected'),
        ("->CONV", 0, 'or "[" was expected'),
        ("CONV->[]", 7, 'or "[" was expected'),
        ("3*CONV", 0, 'or "[" was expected'),
        ("CONV RELU", 5, '"->", "*", "?" or the end was expected'),
        ("CONV]", 4, '"->", "*", "?" or the end was expected'),
        ("CONV => RELU", 5, '"->", "*", "?" or the end was expected'),
        ("CONV - > RELU", 5, '"->", "*", "?" or the end was expected'),
        ("[[CONV->RELU]*2->POOL*3", 23, '"]", which closes the bracket, was expected'),
        ("[CONV RELU]", 6, '"]", which closes the bracket, was expected'),
        ("CONV*", 5, "a number of repetitions was expected"),
        ("CONV**2", 5, "a number of repetitions was expected"),
        ("CONV*-1", 5, "a number of repetitions was expected"),
        ("[CONV]*n", 7, "a number of repetitions was expected: give it to parse as N=2"),
        ("CONV->CNOV->FC", 6, "there is no layer CNOV; a layer (CONV, "),
        ("CONV->INPUT", 6, "INPUT can stand at the beginning only"),
        ("INPUT", 5, '"->" after INPUT was expected'),
        ("INPUT CONV", 6, '"->" after INPUT was expected'),
        ("FC->CONV", 4, "after FC there are no images left for CONV"),
        ("CONV->FC->RELU->POOL", 16, "after FC there are no images left for POOL"),
        ("CONV4", 4, "an odd size was expected, such as CONV3"),
        ("POOL0", 4, "a size of 1 or more was expected"),
        ("RELU3", 4, "RELU has no size"),
        ("FC100", 2, "FC has no size; for its width write FC-100"),
        ("CONV3-0", 6, "a positive whole number was expected, such as CONV-64"),
        ("CONV-2.5", 5, "a positive whole number was expected"),
        ("POOL-3", 5, "POOL takes no number here"),
        ("DROPOUT-1.5", 8, "the share of units to keep was expected, more than 0 and at most 1"),
        ("[FC]*0", 0, "this describes no layers at all"),
        ("[[[CONV]*1000]*1000]*1000", 15, "these are more than 1,000 layers"),
        ("CONV*1000->FC", 11, "these are more than 1,000 layers"),
        ("CONV*99999999999999999999", 5, "these are more than 1,000 layers"),
        ("[" * 25 + "FC" + "]" * 25, 20, "brackets are nested more than 20 deep"),
    ],
)
def test_errors_point_at_their_place(text, place, message):
    with pytest.raises(ValueError) as raised:
        parse(text)
    lines = str(raised.value).split("\n")
    assert message in lines[0]
    assert lines[1:] == [f"    {text}", "    " + " " * place + "^"]


def test_the_caret_stands_in_the_line_of_the_error():
    with pytest.raises(ValueError) as raised:
        parse("CONV->RELU\n\t->POOL ->\n\tXX->FC")
    assert str(raised.value).split("\n")[1:] == ["     XX->FC", "     ^"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"classes": 0}, "classes must be a positive integer, not 0"),
        ({"filters": 0}, "filters must be a positive integer, not 0"),
        ({"filters": (8, -1)}, "every one of filters must be a positive integer, not -1"),
        ({"filters": ()}, r"filters must be a positive integer, not \(\)"),
        ({"units": "many"}, "units must be a positive integer, not 'many'"),
        ({"M": 2}, "M is given, but does not occur in 'CONV\\*N->FC'"),
        ({"N": -1}, "N must be a number of repetitions, 0 or more, not -1"),
        ({"N": "2"}, "N must be a number of repetitions"),
    ],
)
def test_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        parse("CONV*N->FC", **{"N": 1} | arguments)
    with pytest.raises(TypeError, match="text must be a string such as"):
        parse(["CONV"])
