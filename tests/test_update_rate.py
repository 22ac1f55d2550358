"""How fast a network learns, by a clock that the test turns."""

from types import SimpleNamespace

import pytest

from cs231n_kit.widgets import update_rate


@pytest.fixture
def rate_at(monkeypatch):
    """``rate_at(*times)``: the rate after updates at these times, in seconds."""

    def at(*times):
        clock = iter(times)
        monkeypatch.setattr(update_rate, "time", SimpleNamespace(monotonic=lambda: next(clock)))
        rate = update_rate.UpdateRate()
        for _ in times:
            rate.count()
        return rate.per_second

    return at


def test_two_updates_make_a_rate(rate_at):
    assert rate_at() == rate_at(5) == rate_at(5, 5) == 0
    assert rate_at(5, 5.25) == 4


def test_only_the_latest_two_seconds_count(rate_at):
    slow = range(0, 9, 2)
    assert rate_at(*slow) == 0.5
    assert rate_at(*slow, *(8 + k / 8 for k in range(1, 25))) == 8


def test_a_pause_begins_anew(rate_at):
    assert rate_at(0, 0.1, 9) == 0
    assert rate_at(0, 0.1, 9, 9.5) == 2
