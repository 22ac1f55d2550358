"""Where NaN or infinity came up first, and what mends it."""

import math

from cs231n_kit.networks.paths import layer_of
from cs231n_kit.training.objective import data_loss
from cs231n_kit.training.snapshot import all_finite

LARGE = 30  # data beyond this was hardly standardised
EARLY = 10  # updates in which the initial weights are still to blame


class NonFiniteError(FloatingPointError):
    """Training met NaN or infinity and stopped before an update with it; the network holds its last finite weights.

    ``step`` counts updates from 1; ``place`` is "data", "parameters", "forward", "loss", "backward" or, where it does
    not happen again, "unknown"; ``path`` and ``kind`` name the layer ("3" and "Affine"), or the parameter ("3.w"), and
    are empty where there is none.
    """

    def __init__(self, message: str, *, step: int, place: str, path: str = "", kind: str = ""):
        super().__init__(message)
        self.step, self.place, self.path, self.kind = step, place, path, kind


def diagnose(trainer, X, y, rate: float | None) -> NonFiniteError:
    """Repeat the failed update with the batch X, y layer by layer, and say where it goes wrong.

    The network must be in the state before the update, and is not left in it. ``rate`` is the schedule's, if any.
    """
    kinds = _kinds(trainer.network)
    place, path, what = _first(trainer, X, y, kinds)
    return _error(trainer, X, rate, place, path, f"{what}. The network is as it was before the update")


def after_update(trainer, rate: float | None) -> NonFiniteError:
    """The error for gradients that are finite and an update, still to be seen, that is not."""
    path = next(path for path, w in trainer.network.parameters.items() if not all_finite([w]))
    what = f"it made the parameter {_named(path, _kinds(trainer.network))} NaN or infinite, and was taken back"
    return _error(trainer, None, rate, "parameters", path, what)


def _first(trainer, X, y, kinds):
    """(place, path, what happened in words) of the first number that is not finite."""
    network = trainer.network
    if X.dtype.kind == "f" and not all_finite([X]):
        return "data", "", "the batch itself holds NaN or infinity"
    for path, w in network.parameters.items():
        if not all_finite([w]):
            return "parameters", path, f"the parameter {_named(path, kinds)} already holds NaN or infinity"
    outputs = _Observer()
    scores = network.forward(X, mode="train", observe=outputs)
    if outputs.path is not None:
        named = _named(outputs.path, kinds)
        return "forward", outputs.path, f"in the forward pass, NaN or infinity first comes out of layer {named}"
    loss, dscores, auxiliary = data_loss(trainer, scores, y)
    if not math.isfinite(loss):
        return "loss", "", f"the loss is {loss}, although all scores are finite"
    if not all_finite([dscores, *auxiliary.values()]):
        return "loss", "", "the gradient of the loss with respect to the scores holds NaN or infinity"
    gradients = _Observer()
    network.backward(dscores, observe=gradients, auxiliary=auxiliary)
    found = _first_in_backward(network, gradients, kinds)
    if found is None and trainer.regularization:
        return "loss", "", "the regularisation overflows, because weights have become huge"
    if found is None:
        return "unknown", "", "NaN or infinity, but not when repeated: a layer or the loss draws numbers of its own"
    return found


def _first_in_backward(network, gradients, kinds):
    """As ``_first``, after a backward pass that ``gradients`` has observed; None where all is finite."""
    order = list(kinds)
    # What arrives at a layer's output was computed by the layer after it, together with that one's own gradients.
    guilty = order.index(gradients.path) + 1 if gradients.path in order else 0
    for path, gradient in reversed(network.gradients.items()):
        if order.index(layer_of(path)) >= guilty and not all_finite([gradient]):
            named = _named(path, kinds)
            return "backward", path, f"in the backward pass, NaN or infinity is first in the gradient of {named}"
    if gradients.path in order and guilty < len(order):
        named = _named(order[guilty], kinds)
        return "backward", order[guilty], f"in the backward pass, NaN or infinity first comes out of layer {named}"
    if gradients.path is not None:
        named = _named(gradients.path, kinds)
        return "backward", gradients.path, f"in the backward pass, NaN or infinity first arrives at layer {named}"
    return None


class _Observer:
    """Remembers the first layer that showed an array with NaN or infinity."""

    def __init__(self):
        self.path = None

    def __call__(self, path, array):
        if self.path is None and not all_finite([array]):
            self.path = path


def _error(trainer, X, rate, place, path, what):
    step = trainer.step_count + 1
    kinds = _kinds(trainer.network)
    message = f"Training stopped at update {step}: {what}. {_advice(trainer, X, rate, place)}"
    return NonFiniteError(
        message, step=step, place=place, path=path, kind=kinds.get(path) or kinds.get(layer_of(path), "")
    )


def _advice(trainer, X, rate, place):
    if place == "data":
        return "Check the data, and what augment does to it; numpy.isfinite(X) finds the samples."
    rate = trainer.learning_rate() if rate is None else rate
    advice = ["start from smaller weights (initialization.he_normal)"] if trainer.step_count < EARLY else []
    if X is not None and X.dtype.kind == "f" and float(abs(X).max()) > LARGE:
        advice.append(f"scale the data, which reaches {float(abs(X).max()):.3g} (preprocessing.Standardize)")
    advice.append("lower the learning rate" + ("" if math.isnan(rate) else f", which was {rate:.3g}"))
    if trainer.clip_norm is None:
        advice.append("clip the gradients (clip_norm=1.0)")
    advice = "What helps: " + "; ".join(advice) + "; check the data. "
    advice += "Then start again from a freshly initialised network"
    return advice + (", or from the best weights so far, trainer.restore_best()." if trainer.best else ".")


def _kinds(network) -> dict[str, str]:
    """The layers' kinds by path, in the order of the forward pass."""
    return {path: type(layer).__name__ for path, layer in network.layers()}


def _named(path, kinds):
    return f"{path!r} ({kinds.get(path) or kinds.get(layer_of(path), 'arrangement')})"
