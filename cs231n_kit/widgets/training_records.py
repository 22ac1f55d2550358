"""Records of a training: a history that stays short, and numbers as the browser takes them."""

import math


def add_record(history, record, most):
    """Append a record, in place of one of the same step; beyond so many, drop every other one but the ends."""
    if history and history[-1].step == record.step:
        history.pop()
    history.append(record)
    if len(history) > most:
        del history[1:-1:2]


def rounded(value):
    """A number for JSON: four significant digits, None for infinity and NaN."""
    return float(f"{value:.4g}") if math.isfinite(value) else None
