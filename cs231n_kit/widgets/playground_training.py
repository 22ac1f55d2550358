"""A network in training on points of the plane, by settings that may change while it trains."""

import math
from typing import NamedTuple

import numpy as np

from cs231n_kit.losses import softmax_loss
from cs231n_kit.networks import Affine, Dropout, Sequential
from cs231n_kit.optimizers import Optimizer
from cs231n_kit.training import accuracy
from cs231n_kit.training.objective import weights
from cs231n_kit.training.snapshot import Snapshot, all_finite
from cs231n_kit.widgets.decision_regions import grid_points
from cs231n_kit.widgets.playground_data import input_features
from cs231n_kit.widgets.playground_state import ACTIVATIONS, INITIALIZATIONS
from cs231n_kit.widgets.training_records import add_record

# A change of one of these entries of the state starts a new network.
NETWORK = ("features", "layers", "output_initialize", "network_seed", "classes")
MOST_RECORDS = 500  # of the history; then every other one is dropped
LARGEST = 1e4  # weights beyond this have exploded


class Record(NamedTuple):
    """Loss (of the data alone) and accuracy on training and test points after so many steps; NaN without points."""

    step: int
    train_loss: float
    test_loss: float
    train_accuracy: float
    test_accuracy: float


class TrainingRun:
    """The network that a state describes, trained step by step.

    ``network`` is the kit's ``Sequential``, ``step_count`` the number of updates so far, ``history`` a list of
    ``Record``, ``trouble`` a sentence that says why training cannot go on, or "", and ``changed`` whether settings or
    data have changed since the first step, so that no program could repeat it from the settings alone.
    """

    def __init__(self, state):
        self.state = state
        self.start()

    def start(self):
        """Make the network anew; the same state gives the same numbers."""
        state = self.state
        self.network, self.unit_paths = build_network(state)
        self.network.initialize(len(state["features"]), rng=state["network_seed"])
        self.optimizer = make_optimizer(state)
        self.step_count, self.changed, self.trouble = 0, False, ""
        self.history = []
        self._rng = np.random.default_rng(state["network_seed"])
        self._before = Snapshot(self.network)
        self._read_data()

    def change(self, state):
        """Go on with another state; the network stays where it still fits."""
        old, self.state = self.state, state
        different = {key for key in state if state[key] != old[key]} - {"pace", "show_confidence", "lesson"}
        if not different:
            return
        if different & {*NETWORK}:
            return self.start()
        self.changed = self.step_count > 0
        self.trouble = ""
        if "dropout" in different:
            self._exchange_dropout()
        if "optimizer" in different:
            self.optimizer = make_optimizer(state)
        self.optimizer.config |= make_optimizer(state).config
        if different - {"dropout", "optimizer", "learning_rate", "l1", "l2"}:
            self._read_data()

    def step(self):
        """One update on the next batch; returns whether it was made. If not, ``trouble`` says why.

        An update that meets NaN or infinity, or makes a weight larger than ``LARGEST``, is taken back.
        """
        if not len(self.X_train):
            self.trouble = "There are no training points: add some, or make the test part smaller."
        if self.trouble:
            return False
        rows = next(self._batches)
        self._before.take(self.network)
        with np.errstate(all="ignore"):  # what overflows is reported below
            scores = self.network.forward(self.X_train[rows], mode="train")
            loss, dscores = softmax_loss(scores, self.y_train[rows])
            finite = math.isfinite(loss)
            if finite:
                self.network.backward(dscores)
                gradients = regularized(self.network, self.state)
                finite = all_finite(gradients.values())
            if finite:
                self.optimizer.step(self.network.parameters, gradients)
                # the comparison is False for NaN as well
                finite = all(float(np.abs(w).max()) < LARGEST for w in self.network.parameters.values())
        if not finite:
            self._before.restore(self.network)
            self.trouble = _divergence(self)
            return False
        self.step_count += 1
        return True

    @property
    def epoch(self):
        """How often the training points have been gone through, a float."""
        size = min(self.state["batch_size"], max(len(self.X_train), 1))
        return self.step_count / math.ceil(max(len(self.X_train), 1) / size)

    def record(self):
        """Evaluate training and test points, and put the ``Record`` into ``history``."""
        train, test = self._evaluate(self.X_train, self.y_train), self._evaluate(self.X_test, self.y_test)
        record = Record(self.step_count, train[0], test[0], train[1], test[1])
        add_record(self.history, record, MOST_RECORDS)
        return record

    def scores(self, points):
        """Scores (N, C) of points (N, 2) of the plane, finite even where the network's overflow."""
        with np.errstate(all="ignore"):
            return np.nan_to_num(self.network.forward(input_features(points, self.state["features"]), cache=False))

    def unit_maps(self, resolution):
        """Each unit over the plane, float32 (U, R, R), rows from the top: inputs, hidden layers, scores."""
        points = grid_points(resolution)
        inputs = input_features(points, self.state["features"])
        outputs = {}
        with np.errstate(all="ignore"):
            self.network.forward(inputs, cache=False, observe=outputs.__setitem__)
        layers = [inputs, *(outputs[path] for path in self.unit_paths)]
        maps = np.concatenate([layer.T for layer in layers])
        return np.nan_to_num(maps).reshape(-1, resolution, resolution)

    def firing(self):
        """For each hidden unit the share of training points where its output is above 0, float64 (U,)."""
        if not len(self.X_train) or len(self.unit_paths) == 1:
            return np.zeros(0)
        outputs = {}
        with np.errstate(all="ignore"):
            self.network.forward(self.X_train, cache=False, observe=outputs.__setitem__)
        return np.concatenate([(outputs[path] > 0).mean(axis=0) for path in self.unit_paths[:-1]])

    def gradient_sizes(self):
        """Root mean square of the weights' latest gradients, layer by layer; empty before the first step."""
        gradients = self.network.gradients
        if not gradients:
            return []
        return [float(np.linalg.norm(gradients[path]) / math.sqrt(w.size)) for path, w in weights(self.network).items()]

    def _evaluate(self, X, y):
        if not len(X):
            return math.nan, math.nan
        with np.errstate(all="ignore"):
            scores = self.network.forward(X, cache=False)
            return softmax_loss(scores, y)[0], float(accuracy(scores, y))

    def _read_data(self):
        state = self.state
        X = input_features(state["points"], state["features"])
        y, test = np.array(state["labels"], np.int64), np.array(state["test"], bool)
        self.X_train, self.y_train, self.X_test, self.y_test = X[~test], y[~test], X[test], y[test]
        self._batches = batches(self._rng, len(self.X_train), state["batch_size"])

    def _exchange_dropout(self):
        old = self.network
        self.network, self.unit_paths = build_network(self.state)
        self.network.initialize(old.input_shape, rng=self.state["network_seed"])
        names = dict(zip(old.parameters, self.network.parameters, strict=True))  # layers' numbers have moved
        for before, now in names.items():
            self.network.parameters[now][...] = old.parameters[before]
        self.network.gradients = {names[path]: gradient for path, gradient in old.gradients.items()}
        self.optimizer.configs = {names[path]: config for path, config in self.optimizer.configs.items()}
        self._before = Snapshot(self.network)


def build_network(state):
    """(network, paths): a ``Sequential``, not initialised, and where its layers' outputs are, the scores' last."""
    steps, paths = [], []
    for layer in state["layers"]:
        steps.append(Affine(layer["units"], initialize=INITIALIZATIONS[layer["initialize"]]))
        if ACTIVATIONS[layer["activation"]]:
            steps.append(ACTIVATIONS[layer["activation"]]())
        paths.append(str(len(steps) - 1))
        if state["dropout"]:
            steps.append(Dropout(keep(state)))
    steps.append(Affine(state["classes"], initialize=INITIALIZATIONS[state["output_initialize"]]))
    return Sequential(*steps), [*paths, str(len(steps) - 1)]


def keep(state):
    """The probability of keeping a unit: the kit's p, where the state has the share that is dropped."""
    return round(1 - state["dropout"], 3)


def make_optimizer(state):
    """The ``Optimizer``. For AdamW, the strength of L2 is that of its decoupled weight decay."""
    decay = {"weight_decay": state["l2"]} if state["optimizer"] == "adamw" else {}
    return Optimizer(state["optimizer"], learning_rate=state["learning_rate"], **decay)


def regularized(network, state):
    """The network's gradients with those of λ₁ Σ|w| and λ₂ Σ w², over weights, not biases."""
    l1, l2 = state["l1"], 0 if state["optimizer"] == "adamw" else state["l2"]
    gradients = dict(network.gradients)
    for path, w in weights(network).items():
        if l1 or l2:
            gradients[path] = gradients[path] + 2 * l2 * w + l1 * np.sign(w)
    return gradients


def batches(rng, count, size):
    """Row numbers of batch after batch, without end; each epoch takes all rows in a new order."""
    while True:
        order = rng.permutation(count)
        for start in range(0, count, size):
            yield order[start : start + size]


def _divergence(run):
    rate = f"{run.state['learning_rate']:g}"
    return (
        f"Training diverged: step {run.step_count + 1} would have made numbers huge or infinite, and was taken back. "
        f"The learning rate of {rate} is too large for this network: lower it or choose a smaller start, and restart."
    )
