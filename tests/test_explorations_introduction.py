"""Lecture 01: the table of milestones, the numbers behind two figures, and what is found in scenes and a photograph."""

import numpy as np
import pytest
from skimage import metrics

from cs231n_kit.explorations import history, recognition

SEEDS = range(1, 21)

# --- history


def test_milestones_are_in_order_and_named_once():
    years = [milestone.year for milestone in history.MILESTONES]
    titles = [milestone.title for milestone in history.MILESTONES]
    assert years == sorted(years) and len(set(titles)) == len(titles)
    assert {milestone.theme for milestone in history.MILESTONES} == set(history.THEMES)


@pytest.mark.parametrize(
    "words, year",
    [("eyes", -540_000_000), ("Camera obscura", 1545), ("Hubel", 1959), ("Summer Vision", 1966), ("Marr", 1982),
     ("Generalised cylinders", 1971), ("Pictorial structures", 1973), ("Segmentation first", 1997), ("SIFT", 1999),
     ("in a camera", 2006), ("ImageNet challenge", 2010), ("AlexNet", 2012), ("VGG and GoogLeNet", 2014),
     ("LeNet-5", 1998)],
)  # fmt: skip
def test_milestones_that_must_be_there(words, year):
    assert [m.year for m in history.MILESTONES if words in m.title] == [year]


def test_themes_and_spans_choose():
    assert history.chosen_milestones() == list(history.MILESTONES)
    recent = history.chosen_milestones(("networks",), since=30)
    assert [m.title for m in recent] == ["LeNet-5", "AlexNet", "VGG and GoogLeNet"]
    axes = history.timeline_figure(("networks",), 30).axes[0]
    assert [text.get_text() for text in axes.texts] == ["LeNet-5, 1998", "AlexNet, 2012", "VGG and GoogLeNet, 2014"]
    timeline = history.explore_timeline()
    timeline.set(theme="nature", back="30 years")
    assert "Nothing of this theme" in timeline.sentence.value


def test_numbers_in_words():
    assert history.MILESTONES[0].when == "540 million years ago"
    written = [history._short(value) for value in (60_000, 1_281_167, 4e8, 3.2e12)]
    assert written == ["60,000", "1.3 million", "400 million", "3.2 trillion"]
    assert [history._round(value) for value in (21.35, 1000, 7905)] == ["21", "1,000", "7,900"]
    figure = history.then_and_now_figure(own_speed=2e10)
    assert [len(ax.patches) for ax in figure.axes] == [2, 2, 3]
    assert [ax.get_title().split(": ")[1] for ax in figure.axes] == ["× 21", "× 1,000", "× 7,900"]
    errors = [error for *_, error in history.WINNERS]
    assert errors == sorted(errors, reverse=True) and len(history.winners_figure().axes[0].patches) == 6


# --- recognition


@pytest.mark.parametrize("seed", SEEDS)
def test_every_object_is_found_where_it_is(seed):
    things = recognition.make_things(seed)
    left, right = (recognition.paint_scene(things, seed, eye) for eye in (0, 1))
    found = recognition.find_things(left)
    assert [(each.kind, each.paint) for each in found] == [(thing.kind, thing.paint) for thing in things]
    for thing, each in zip(things, found, strict=True):
        top, first, bottom, last = each.box
        assert abs((first + last) / 2 - thing.column) < 2.5
        assert bottom - top == pytest.approx(2 * thing.half, abs=3)
    disparity = recognition.estimate_disparity(left, right)
    assert [np.median(disparity[each.mask]) for each in found] == [thing.disparity for thing in things]
    assert np.median(disparity) == 0  # the ground does not move
    nearest = max(things, key=lambda thing: thing.disparity)
    assert recognition.caption(found, disparity).endswith(f"the {nearest.paint} {nearest.kind} is nearest.")


def test_disparity_is_the_best_match_of_windows():
    rng = np.random.default_rng(0)
    left = rng.integers(0, 255, (20, 30, 3), dtype=np.uint8)
    right = np.roll(left, -5, axis=1)
    found = recognition.estimate_disparity(left, right, largest=8, window=2)
    assert found.shape == (20, 30) and (found[:, 8:] == 5).all()


def test_eyes_see_the_same_things_elsewhere():
    things = recognition.make_things(3)
    left, right = (recognition.paint_scene(things, 3, eye) for eye in (0, 1))
    assert metrics.structural_similarity(left, right, channel_axis=-1) < 0.99
    for thing in things:
        place = np.s_[thing.row, thing.column]
        moved = np.s_[thing.row, thing.column - thing.disparity]
        np.testing.assert_array_equal(left[place], right[moved])


def test_a_face_is_found_in_the_photograph():
    ((top, left, bottom, right),) = recognition.find_faces()
    assert top < 110 < bottom and left < 220 < right  # between the eyes
    figure = recognition.photograph_figure()
    assert len(figure.axes[1].patches) == 1 and "regions" in figure.axes[2].get_title()
    assert np.asarray(figure.axes[2].images[0].get_array()).mean() > 50
