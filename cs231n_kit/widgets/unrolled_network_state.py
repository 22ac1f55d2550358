"""The state of ``UnrolledNetwork``: network, sequence, weights and step as a plain dictionary, and as a string."""

import numpy as np

from cs231n_kit.explorations.gradient_lags import CELLS, initial_weights
from cs231n_kit.widgets import state_values
from cs231n_kit.widgets.unrolled_network_sequence import MOST_STEPS, read_sequence

WHOLE = {"hidden": (1, 4), "seed": (0, 2**31 - 1), "window": (1, MOST_STEPS)}
REAL = {"scale": (0.1, 3.0), "forget_bias": (-3.0, 6.0), "clip": (0.01, 100.0)}
CHOICES = {"cell": tuple(CELLS), "reads": ("letters", "numbers")}
LARGEST = 20.0  # of a weight
ORDER = {"rnn": (("h", "y"), ("y", "gates")), "lstm": (("gates", "c", "h", "y"), ("y", "c", "gates"))}  # and backward
NAMES = ("Wx", "Wh", "b", "Wy", "by")
DEFAULTS = {
    "lesson": "",  # whose sentences are shown
    "cell": "rnn",
    "reads": "letters",
    "sequence": "hello",
    "hidden": 3,
    "seed": 0,  # of the first weights
    "scale": 1.0,  # Wh is multiplied by it
    "forget_bias": 1.0,  # is added to b of the LSTM's forget gates
    "window": MOST_STEPS,  # steps that gradients go back at most; see gradient_lags.backward_through_time
    "clip": 5.0,  # norm of all gradients above which they would be scaled down
    "chosen": ["Wh", 0, 0],  # the weight whose gradient is added up: name, row, column
}
MADE = ("weights", "losses", "step")  # entries whose default follows from the others


class Moments:
    """At which moment of the stepping a thing of step t (from 0) is known, forward and backward."""

    def __init__(self, cell, steps):
        self.steps = steps
        self.order = ORDER[cell]
        self.back = 1 + len(self.order[0]) * steps

    def forward(self, t, kind):
        """kind: one of the cell's; before the first step all is known from the beginning."""
        return 0 if t < 0 else 1 + len(self.order[0]) * t + self.order[0].index(kind)

    def backward(self, t, kind):
        """kind: "y" (the loss comes, and h has all of its gradient), of an LSTM "c", and "gates", the way back."""
        return self.back + len(self.order[1]) * (self.steps - 1 - t) + self.order[1].index(kind)

    @property
    def last(self):
        """The moment when all gradients have been added up."""
        return self.back + len(self.order[1]) * self.steps


def moments_of(state):
    return Moments(state["cell"], read_sequence(state["reads"], state["sequence"]).steps)


def shapes(state, cell):
    """{name: shape} of a cell's weights; D inputs, H hidden units, V outputs."""
    sequence, H = read_sequence(state["reads"], state["sequence"]), state["hidden"]
    D, V, K = sequence.x.shape[2], sequence.outputs, CELLS[cell] * H
    return {"Wx": (D, K), "Wh": (H, K), "b": (K,), "Wy": (H, V), "by": (V,)}


def complete_state(state):
    """Check a state and fill in what is missing.

    Args:
        state: a mapping with some of the keys of ``DEFAULTS``, and perhaps ``weights`` ({cell: {name: array}}; missing
            cells and names are drawn from the seed), ``losses`` (steps from 1 on whose loss counts; default: all) and
            ``step`` (default: the last one).

    Returns:
        A new dictionary of plain Python values with every key.

    Raises:
        SequenceError: the sequence cannot be read. ValueError: anything else is wrong; the message names it.
    """
    unknown = [key for key in state if key not in DEFAULTS and key not in MADE]
    if unknown:
        raise ValueError(f"unknown entry {unknown[0]!r}; the state has {', '.join([*DEFAULTS, *MADE])}")
    full = DEFAULTS | dict.fromkeys(MADE) | dict(state)
    for key, ends in WHOLE.items():
        full[key] = state_values.whole(key, full[key], *ends)
    for key, ends in REAL.items():
        full[key] = state_values.real(key, full[key], *ends)
    for key, choices in CHOICES.items():
        full[key] = state_values.choice(key, full[key], choices)
    steps = read_sequence(full["reads"], full["sequence"]).steps
    full["weights"] = _weights(full)
    full["chosen"] = _chosen(full)
    losses = range(1, steps + 1) if full["losses"] is None else full["losses"]
    if not isinstance(losses, (list, tuple, range)):
        raise ValueError(f"losses must be a list of steps, got {state_values.short(losses)}")
    full["losses"] = sorted({state_values.whole("each of losses", step, 1, steps) for step in losses})
    last = moments_of(full).last
    full["step"] = last if full["step"] is None else state_values.whole("step", full["step"], 0, last)
    return full


def with_changes(state, entries):
    """A complete state with other entries: weights stay while letters and sizes do, losses at all steps or at the last.

    Raises:
        SequenceError, ValueError: as ``complete_state``.
    """
    new = {**state, **entries}
    plain = complete_state({key: value for key, value in new.items() if key not in (*MADE, "chosen")})
    sequence, old = (read_sequence(one["reads"], one["sequence"]) for one in (plain, state))
    steps, before = sequence.steps, old.steps
    fit = sequence.symbols == old.symbols and new["hidden"] == state["hidden"] and new["seed"] == state["seed"]
    if "weights" not in entries and not fit:
        new["weights"] = None
    if "losses" not in entries and steps != before:
        kept = [step for step in state["losses"] if step <= steps]
        new["losses"] = None if len(state["losses"]) == before else [steps] if state["losses"] == [before] else kept
    if "step" not in entries and (steps != before or new["cell"] != state["cell"]):
        new["step"] = None
    if "chosen" not in entries and not _fits(new["chosen"], shapes(plain, plain["cell"])):
        new["chosen"] = DEFAULTS["chosen"]
    return complete_state(new)


def effective_weights(state, cell):
    """The weights that a cell computes with, {name: float64 array}: those stored, Wh scaled, b with forget bias."""
    H = state["hidden"]
    weights = {name: np.array(values) for name, values in state["weights"][cell].items()}
    weights["Wh"] = state["scale"] * weights["Wh"]
    if cell == "lstm":
        weights["b"][H : 2 * H] += state["forget_bias"]
    return weights


def stored_weights(state, cell, effective):
    """The state's ``weights`` for which ``effective_weights`` of this cell are these, but for rounding."""
    H = state["hidden"]
    weights = {name: np.array(values) for name, values in effective.items()}
    weights["Wh"] /= state["scale"]
    if cell == "lstm":
        weights["b"][H : 2 * H] -= state["forget_bias"]
    plain = {name: np.clip(values, -LARGEST, LARGEST).round(4).tolist() for name, values in weights.items()}
    return {**state["weights"], cell: plain}


def drawn_weights(cell, wanted, seed):
    """First weights {name: float64 array} of the shapes ``wanted``: Wh orthogonal, biases 0, the rest normal."""
    rng = np.random.default_rng(seed)
    D, (H, V) = wanted["Wx"][0], wanted["Wy"]
    Wx, Wh, b = initial_weights(cell, D, H, rng)
    return {"Wx": Wx, "Wh": Wh, "b": b, "Wy": rng.standard_normal((H, V)) / np.sqrt(H), "by": np.zeros(V)}


def _weights(full):
    given = full["weights"] or {}
    if not isinstance(given, dict) or set(given) - set(CELLS):
        raise ValueError(f"weights must be a dictionary with {' and '.join(CELLS)}, got {state_values.short(given)}")
    found = {}
    for cell in CELLS:
        wanted, own = shapes(full, cell), given.get(cell) or {}
        if not isinstance(own, dict) or set(own) - set(NAMES):
            raise ValueError(f"weights of {cell!r} must be a dictionary with {', '.join(NAMES)}")
        drawn = drawn_weights(cell, wanted, full["seed"])
        found[cell] = {
            name: _numbers(f"{name} of {cell!r}", own.get(name, drawn[name]), shape) for name, shape in wanted.items()
        }
    return found


def _numbers(name, values, shape):
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"{name} must hold numbers, got {state_values.short(values)}") from None
    if array.shape != shape:
        raise ValueError(f"{name} must have the shape {shape}, not {array.shape}")
    if not (np.abs(array) <= LARGEST).all():
        raise ValueError(f"{name} must hold numbers from -{LARGEST:g} to {LARGEST:g}")
    return (array.round(4) + 0.0).tolist()


def _chosen(full):
    """The chosen weight as [name, row, column]; a bias has the row 0."""
    chosen, wanted = full["chosen"], shapes(full, full["cell"])
    if not _fits(chosen, wanted):
        sizes = ", ".join(f"{name} {shape}" for name, shape in wanted.items())
        raise ValueError(f"chosen must be [name, row, column] of a weight in {sizes}; got {state_values.short(chosen)}")
    return list(chosen)


def _fits(chosen, wanted):
    if not isinstance(chosen, (list, tuple)) or len(chosen) != 3 or chosen[0] not in NAMES:
        return False
    rows, columns = wanted[chosen[0]] if len(wanted[chosen[0]]) == 2 else (1, *wanted[chosen[0]])
    places = all(isinstance(place, int) and not isinstance(place, bool) for place in chosen[1:])
    return places and 0 <= chosen[1] < rows and 0 <= chosen[2] < columns


def state_to_string(state):
    """Pack a state into URL-safe characters; weights that the seed gives back are left out."""
    named = {key: value for key, value in state.items() if key in DEFAULTS and value != DEFAULTS[key]}
    plain = complete_state(named)
    weights = {cell: own for cell, own in state["weights"].items() if own != plain["weights"][cell]}
    made = {key: state[key] for key in ("losses", "step") if state[key] != plain[key]}
    return state_values.pack(named | made | ({"weights": weights} if weights else {}))


def state_from_string(string):
    """Unpack what ``state_to_string`` made; any other string raises ValueError and runs nothing."""
    return state_values.unpack(string, complete_state, "recurrent network")
