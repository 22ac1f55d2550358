"""next_probabilities and sample.

What is drawn at random is judged by how often it comes: any generator, and any way to use it, may be right. `sample` is
tried on the text's TableModel, so that it does not depend on the student's own networks.
"""

import numpy as np

from cs231n_kit.checking.answer_key import Case
from cs231n_kit.checking.arguments import Network
from grader.check import SINGLE_PRECISION, Check, Mistake, Property


def _believed(rng):
    return [(2 * rng.normal(size=n), 1.0) for n in (5, 8)]


def _tempered(rng):
    return [(2 * rng.normal(size=n), t) for n, t in ((6, rng.uniform(0.3, 0.6)), (5, rng.uniform(2, 4)))]


def _large(rng):
    """Scores of a thousand; scores divided by a small temperature; one character; float32."""
    scores = rng.normal(size=5)
    return [
        (scores + 1000, 1.0),
        (scores - 900, 1.0),
        (scores, 0.002),
        (scores[:1], 0.5),
        (scores.astype(np.float32), 2),
    ]


_SCALED = "scaled = scores / temperature"
_POWERS = "powers = np.exp(scaled - scaled.max())"
_SHARES = "return powers / powers.sum()"

NEXT_PROBABILITIES = Check(
    "next_probabilities",
    (
        Property("Temperature 1: the softmax", 1, _believed, **SINGLE_PRECISION),
        Property("Other temperatures", 1.5, _tempered, **SINGLE_PRECISION),
        Property("Large scores, small temperatures, float32", 0.5, _large, **SINGLE_PRECISION),
    ),
    (
        Mistake(
            "temperature ignored",
            "The temperature has no effect.",
            ((_SCALED, "scaled = scores / 1.0"),),
        ),
        Mistake(
            "multiplied by the temperature",
            "The scores are multiplied by the temperature. A high temperature should make the characters more equal.",
            ((_SCALED, "scaled = scores * temperature"),),
        ),
        Mistake(
            "temperature after the softmax",
            "The probabilities are divided by the temperature, and no longer add up to 1. Divide the scores, before "
            "the softmax.",
            ((_SCALED, "scaled = scores * 1.0"), (_SHARES, "return powers / powers.sum() / temperature")),
        ),
        Mistake(
            "not normalised",
            "These are exponentials. Divided by their sum they add up to 1.",
            ((_POWERS, "powers = np.exp(scaled)"), (_SHARES, "return powers + 0")),
        ),
        Mistake(
            "largest becomes 1",
            "The largest of these is 1. Probabilities add up to 1: divide by the sum.",
            ((_SHARES, "return powers / powers.max()"),),
        ),
        Mistake(
            "temperature squared",
            "The scores are divided by the temperature twice.",
            ((_SCALED, "scaled = scores / temperature**2"),),
        ),
        Mistake(
            "softmax twice",
            "The softmax is applied to probabilities once more.",
            (
                (
                    _SCALED,
                    "likely = np.exp(scores / temperature - np.max(scores / temperature))\n"
                    "    scaled = likely / likely.sum()",
                ),
            ),
        ),
        Mistake(
            "logarithms",
            "These are logarithms of probabilities.",
            ((_SHARES, "return np.log(powers / powers.sum())"),),
        ),
        Mistake(
            "not shifted",
            "Large scores overflow: e¹⁰⁰⁰ is infinite. A constant subtracted from all scores changes nothing but the "
            "size of the numbers. Which constant makes the largest exponent 0?",
            ((_POWERS, "powers = np.exp(scaled)"),),
        ),
    ),
)

_SIZE = 7  # characters of the tables for greedy writing
_DRAWN = 3000


def _fibonacci(rng):
    """A table in which the likeliest next character is the sum of the last two and a constant, modulo _SIZE, in a code.

    Whoever forgets the one before the last writes another text soon.
    """
    code, constant = rng.permutation(_SIZE), rng.integers(1, _SIZE)
    table = rng.uniform(0, 2, size=(_SIZE, _SIZE, _SIZE))
    for before, last in np.ndindex(_SIZE, _SIZE):
        table[code[before], code[last], code[(before + last + constant) % _SIZE]] += 3
    return Network("TableModel", {"size": _SIZE}, {"table": table}), code


def _greedy(rng):
    """From one character."""
    cases = []
    for length in (25, 12):
        model, _ = _fibonacci(rng)
        cases.append((model, rng.integers(1, _SIZE, size=1), length, 0, int(rng.integers(1000))))
    return cases


def _prefixes(rng):
    """From several, no neighbours among them equal."""
    cases = []
    for size, length in ((4, 16), (7, 1)):
        model, code = _fibonacci(rng)
        cases.append((model, rng.permutation(code)[:size], length, 0, int(rng.integers(1000))))
    return cases


def _long(rng):
    """After each character another one is likely; at a low temperature very likely, at a high one hardly."""
    order = rng.permutation(3)
    table = np.zeros((3, 3, 3))
    table[:, order, np.roll(order, 1)] = 1.2
    model = Network("TableModel", {"size": 3}, {"table": table})
    return [Case((model, np.array([0]), _DRAWN, temperature, int(rng.integers(1000)))) for temperature in (0.3, 3.0)]


def _seeds(rng):
    model, _ = _fibonacci(rng)
    seed, other = (int(s) for s in rng.choice(10_000, size=2, replace=False))
    return [(model, np.array([0]), 40, 1.0, s) for s in (seed, seed, other)]


_READ = "for character in prefix:\n        scores, state = model.step(character, state)"
_GREEDY = "chosen = np.argmax(scores)"
_RANDOM = "chosen = rng.choice(len(scores), p=next_probabilities(scores, temperature))"
_IF = "if temperature == 0:\n            chosen"
_FEED = "scores, state = model.step(chosen, state)"
_RESULT = "return written"

SAMPLE = Check(
    "sample",
    (
        Property("Temperature 0: always the likeliest character", 1, _greedy, "labels"),
        Property("All of the prefix is read first", 1, _prefixes, "labels"),
        Property(
            "Above 0: characters come as often as they are probable", 1.5, _long, "transitions", rtol=0, atol=0.05
        ),
        Property("A seed decides what is written", 0.5, _seeds, "seeded"),
    ),
    (
        Mistake(
            "state not handed on",
            "Each step begins without a state: the model remembers nothing but the last character.",
            (
                (_READ, _READ.replace("character, state)", "character, None)")),
                (_FEED, "scores, _ = model.step(chosen, None)"),
            ),
        ),
        Mistake(
            "state of the prefix only",
            "While it writes, the model begins each step with the state after the prefix. Each step hands on a new "
            "one.",
            ((_FEED, "scores, _ = model.step(chosen, state)"),),
        ),
        Mistake(
            "only the end of the prefix",
            "Only the last character of the prefix is read. The state comes from all of them.",
            ((_READ, "scores, state = model.step(prefix[-1], state)"),),
        ),
        Mistake(
            "only the beginning of the prefix",
            "Only the first character of the prefix is read.",
            ((_READ, "scores, state = model.step(prefix[0], state)"),),
        ),
        Mistake(
            "end of the prefix read twice",
            "The last character of the prefix is read a second time, as if it had been written. The scores after the "
            "prefix say what comes first.",
            ((_READ, f"{_READ}\n    scores, state = model.step(prefix[-1], state)"),),
        ),
        Mistake(
            "own characters not read",
            "The model never reads what it has written: all characters come from the scores after the prefix.",
            ((_FEED, "_ = model.step(chosen, state)"),),
        ),
        Mistake(
            "prefix returned too",
            "The prefix is returned with what was written. Only what was written is asked for.",
            ((_RESULT, "return np.concatenate([prefix, written])"),),
        ),
        Mistake(
            "first character lost",
            "The first character written is missing in the result.",
            ((_RESULT, "return np.append(written[1:], np.argmax(scores))"),),
        ),
        Mistake(
            "least likely character",
            "With temperature 0 the least likely character is taken each time.",
            ((_GREEDY, "chosen = np.argmin(scores)"),),
        ),
        Mistake(
            "random at temperature 0",
            "With temperature 0 characters are drawn at random, as with temperature 1. It stands for the likeliest "
            "one.",
            ((_GREEDY, "chosen = rng.choice(len(scores), p=next_probabilities(scores, 1.0))"),),
        ),
        Mistake(
            "always greedy",
            "The likeliest character is taken each time, whatever the temperature. Above 0 it is drawn at random.",
            ((_IF, _IF.replace("== 0", ">= 0")),),
        ),
        Mistake(
            "temperature ignored",
            "Characters are drawn with the same probabilities at any temperature.",
            ((_RANDOM, _RANDOM.replace("scores, temperature", "scores, 1.0")),),
        ),
        Mistake(
            "multiplied by the temperature",
            "A high temperature makes likely characters likelier, and a low one makes all of them equal: it is the "
            "other way round.",
            ((_RANDOM, _RANDOM.replace("scores, temperature", "scores, 1 / temperature")),),
        ),
        Mistake(
            "all equally likely",
            "All characters are drawn equally often, whatever their scores.",
            ((_RANDOM, "chosen = rng.choice(len(scores))"),),
        ),
    ),
)
