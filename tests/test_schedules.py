import math

import numpy as np
import pytest

from cs231n_kit import schedules
from cs231n_kit.clipping import clip_by_norm, clip_by_value


@pytest.mark.parametrize(
    "schedule, rates",
    [
        (schedules.constant(0.1), {0: 0.1, 7: 0.1, 10**9: 0.1}),
        (schedules.step_decay(0.8, every=10), {0: 0.8, 9: 0.8, 10: 0.4, 29: 0.2, 30: 0.1}),
        (schedules.step_decay(1, every=3, factor=0.1), {2: 1, 3: 0.1, 6: 0.01}),
        (schedules.exponential_decay(0.5, rate=math.log(2)), {0: 0.5, 1: 0.25, 3: 0.0625}),
        (schedules.inverse_time_decay(0.6, rate=0.5), {0: 0.6, 2: 0.3, 10: 0.1}),
        (schedules.cosine(0.2, steps=101), {0: 0.2, 25: 0.1 + 0.1 / math.sqrt(2), 50: 0.1, 100: 0, 101: 0, 10**6: 0}),
        (schedules.cosine(0.2, steps=101, final=0.1), {0: 0.2, 50: 0.15, 100: 0.1, 500: 0.1}),
        (schedules.cosine(1, steps=9, warm_up=4), {0: 0.2, 1: 0.4, 3: 0.8, 4: 1, 6: 0.5, 8: 0, 9: 0}),
        (schedules.cosine(1, steps=1), {0: 1, 1: 0}),
        (schedules.cosine(1, steps=5, warm_up=4), {3: 0.8, 4: 1, 5: 0}),
    ],
)
def test_rates_at_some_steps(schedule, rates):
    for step, rate in rates.items():
        assert type(schedule(step)) is float
        assert schedule(step) == pytest.approx(rate, abs=1e-12)
    with pytest.raises(ValueError, match="step must be 0 or more, not -1"):
        schedule(-1)


@pytest.mark.parametrize(
    "action, message",
    [
        (lambda: schedules.constant(0), "learning_rate must be a positive number, not 0"),
        (lambda: schedules.constant(math.nan), "learning_rate must be a positive number, not nan"),
        (lambda: schedules.constant("0.1"), "learning_rate must be a positive number, not '0.1'"),
        (lambda: schedules.step_decay(1, every=0), "every must be a positive number, not 0"),
        (lambda: schedules.step_decay(1, every=2, factor=2), "factor must be at most 1, .* not 2"),
        (lambda: schedules.exponential_decay(1, -1), "rate must be a positive number, not -1"),
        (lambda: schedules.inverse_time_decay(1, 0), "rate must be a positive number, not 0"),
        (lambda: schedules.cosine(1, steps=0), "steps must be a positive number, not 0"),
        (lambda: schedules.cosine(1, steps=5, warm_up=5), "warm_up must be between 0 and steps - 1 = 4, not 5"),
        (lambda: schedules.cosine(1, steps=5, final=2), "final must be between 0 and the learning rate, 1, not 2"),
        (lambda: clip_by_norm({"w": np.ones(1)}, 0), "max_norm must be a positive number, not 0"),
        (lambda: clip_by_value({"w": np.ones(1)}, -2), "limit must be a positive number, not -2"),
        (lambda: clip_by_value({"w": np.ones(1)}, None), "limit must be a positive number, not None"),
    ],
)
def test_errors_name_the_argument(action, message):
    with pytest.raises(ValueError, match=message):
        action()


def test_clipping_by_norm_scales_all_gradients_together():
    gradients = {"W": np.array([[3.0, 0], [0, 0]]), "b": np.array([4.0], np.float32), "empty": np.ones((0, 2))}
    clipped, norm = clip_by_norm(gradients, np.float64(1))
    assert norm == 5
    assert clipped["W"] == pytest.approx(np.array([[0.6, 0], [0, 0]])) and clipped["b"] == pytest.approx([0.8])
    assert clipped["b"].dtype == np.float32 and clipped["W"].dtype == np.float64
    assert gradients["W"][0, 0] == 3
    clipped, norm = clip_by_norm(gradients, 5)
    assert norm == 5 and clipped["W"][0, 0] == 3
    assert clip_by_norm({"w": np.zeros(3)}, 1)[1] == 0
    assert clip_by_norm({}, 1) == ({}, 0)


def test_clipping_by_norm_of_the_largest_and_of_broken_gradients():
    clipped, norm = clip_by_norm({"w": np.array([3e30, 4e30], np.float32)}, 1)
    assert norm == pytest.approx(5e30)
    np.testing.assert_allclose(clipped["w"], [0.6, 0.8], rtol=1e-6)
    for broken in (np.nan, np.inf):
        clipped, norm = clip_by_norm({"v": np.array([2.0]), "w": np.array([broken, 1.0])}, 1)
        assert not np.isfinite(norm)
        assert clipped["v"] == 2 and clipped["w"][1] == 1


def test_clipping_by_value():
    gradients = {"W": np.array([[-3.0, 0.5]], np.float32)}
    clipped = clip_by_value(gradients, np.float64(1))
    assert clipped["W"].tolist() == [[-1, 0.5]] and clipped["W"].dtype == np.float32
    assert gradients["W"].tolist() == [[-3, 0.5]]
