"""Each rule against its formulas in float64; the definitions in cs231n_kit.optimizers are the NumPy backend."""

import contextlib

import numpy as np
import pytest
from backends import BACKENDS, seeds
from hypothesis import given, settings
from hypothesis import strategies as st

from cs231n_kit import optimizers
from cs231n_kit.arrays import to_host
from cs231n_kit.kernels import cuda, update_cuda

HYPERPARAMETERS = {
    "sgd": dict(learning_rate=0.1),
    "sgd_momentum": dict(learning_rate=0.1, momentum=0.8),
    "nesterov": dict(learning_rate=0.1, momentum=0.8),
    "adagrad": dict(learning_rate=0.1, epsilon=1e-8),
    "rmsprop": dict(learning_rate=0.01, epsilon=1e-8, decay_rate=0.95),
    "adam": dict(learning_rate=0.01, beta1=0.9, beta2=0.99, epsilon=1e-8),
    "adamw": dict(learning_rate=0.01, beta1=0.9, beta2=0.99, epsilon=1e-8, weight_decay=0.1),
}
MEMORY = {"sgd": [], "adam": ["m", "v"], "adamw": ["m", "v"], "adagrad": ["cache"], "rmsprop": ["cache"]}


def memory(rule):
    return MEMORY.get(rule, ["velocity"])


def formulas(rule, w, gradients, h):
    """w in float64 after one step with each of the gradients, and the memory."""
    a = b = np.zeros_like(w)
    rate = h["learning_rate"]
    for t, dw in enumerate(gradients, start=1):
        if rule == "sgd":
            w = w - rate * dw
        elif rule == "sgd_momentum":
            a = h["momentum"] * a - rate * dw
            w = w + a
        elif rule == "nesterov":
            before, a = a, h["momentum"] * a - rate * dw
            w = w + (1 + h["momentum"]) * a - h["momentum"] * before
        elif rule in ("adagrad", "rmsprop"):
            a = a + dw**2 if rule == "adagrad" else h["decay_rate"] * a + (1 - h["decay_rate"]) * dw**2
            w = w - rate * dw / (np.sqrt(a) + h["epsilon"])
        else:
            a, b = h["beta1"] * a + (1 - h["beta1"]) * dw, h["beta2"] * b + (1 - h["beta2"]) * dw**2
            direction = a / (1 - h["beta1"] ** t) / (np.sqrt(b / (1 - h["beta2"] ** t)) + h["epsilon"])
            w = w - rate * (direction + h.get("weight_decay", 0) * w)
    return w, [a, b][: len(memory(rule))]


def run(backend, rule, weights, steps, configs):
    """The weights, on the backend, after all steps; configs hold the memory afterwards."""
    weights = [backend.array(w.copy(order="K")) for w in weights]
    for gradients in steps:
        gradients = [backend.array(dw) for dw in gradients]
        if backend.name == "numpy":
            for i, (w, dw) in enumerate(zip(weights, gradients, strict=True)):
                w[...], configs[i] = optimizers.RULES[rule](w, dw, configs[i])
        else:
            update(backend, rule, weights, gradients, configs)
    return [to_host(w) for w in weights]


def update(backend, *arguments):
    with cuda.emulated() if backend.name == "cuda-on-cpu" else contextlib.nullcontext():
        update_cuda.update(*arguments)


def new_configs(backend, rule, weights):
    start = {"t": 0} if rule in ("adam", "adamw") else {}
    names = memory(rule)
    zeros = [{name: backend.array(np.zeros_like(w)) for name in names} for w in weights]
    return [{**HYPERPARAMETERS[rule], **start, **kept} for kept in zeros]


@pytest.mark.parametrize("rule", HYPERPARAMETERS)
@settings(max_examples=12)
@given(
    shapes=st.lists(
        st.sampled_from([(), (0,), (1,), (7,), (3, 5), (257,), (61, 17), (4096,), (4097,)]), min_size=1, max_size=4
    ),
    types=st.lists(st.sampled_from(["float32", "float64"]), min_size=4, max_size=4),
    seed=seeds,
)
def test_three_steps_of_many_arrays(backend, rule, shapes, types, seed):
    rng = np.random.default_rng(seed)
    weights = [rng.normal(size=shape).astype(dtype) for shape, dtype in zip(shapes, types, strict=False)]
    steps = [[np.asarray(rng.normal(size=w.shape), w.dtype) for w in weights] for _ in range(3)]
    configs = new_configs(backend, rule, weights)
    found = run(backend, rule, weights, steps, configs)
    for i, (w, result) in enumerate(zip(weights, found, strict=True)):
        gradients = [step[i].astype(float) for step in steps]
        expected, kept = formulas(rule, w.astype(float), gradients, HYPERPARAMETERS[rule])
        tolerance = 2e-5 if w.dtype == np.float32 else 1e-12
        assert result.dtype == w.dtype
        np.testing.assert_allclose(result, expected, rtol=tolerance, atol=tolerance)
        for name, value in zip(memory(rule), kept, strict=True):
            np.testing.assert_allclose(to_host(configs[i][name]), value, rtol=tolerance, atol=tolerance)
        assert configs[i].get("t", 3) == 3


def test_arrays_that_have_taken_different_numbers_of_steps(backend):
    rng = np.random.default_rng(0)
    weights = [rng.normal(size=9), rng.normal(size=9)]
    gradients = [rng.normal(size=9) for _ in weights]
    configs = new_configs(backend, "adam", weights)
    configs[1]["t"] = 10
    found = run(backend, "adam", weights, [gradients], configs)
    h = HYPERPARAMETERS["adam"]
    for w, dw, t, result in zip(weights, gradients, (1, 11), found, strict=True):
        m, v = 0.1 * dw / (1 - 0.9**t), 0.01 * dw**2 / (1 - 0.99**t)
        np.testing.assert_allclose(result, w - h["learning_rate"] * m / (np.sqrt(v) + h["epsilon"]), rtol=1e-12)


def test_gradients_that_are_no_numbers_spoil_their_element_only(backend):
    w, dw = np.ones(6, np.float32), np.array([1, np.nan, 1, np.inf, 1, -np.inf], np.float32)
    (result,) = run(backend, "sgd", [w], [[dw]], new_configs(backend, "sgd", [w]))
    np.testing.assert_array_equal(result, [np.float32(0.9), np.nan, np.float32(0.9), -np.inf, np.float32(0.9), np.inf])


@pytest.mark.parametrize("order", ["C", "F"])
def test_arrays_may_lie_in_memory_in_any_way(backend, order):
    w, dw = np.ones((3, 4), order=order), np.arange(12.0).reshape(4, 3).T
    (result,) = run(backend, "sgd_momentum", [w], [[dw]] * 2, new_configs(backend, "sgd_momentum", [w]))
    np.testing.assert_allclose(result, 1 - 0.1 * dw - 0.1 * 1.8 * dw)


@pytest.mark.parametrize(
    ("w", "dw", "velocity", "error", "says"),
    [
        (np.zeros(3), np.zeros(4), np.zeros(3), ValueError, r"dw must have the shape of w, \(3,\), not \(4,\)"),
        (np.zeros(3), np.zeros(3, complex), np.zeros(3), TypeError, "dw must hold real numbers, not complex128"),
        (np.zeros(3), np.zeros(3), np.zeros(2), ValueError, r'config\["velocity"\] must have the shape of w'),
        (np.zeros(3, int), np.zeros(3, int), np.zeros(3, int), TypeError, "w must hold float32 or float64"),
    ],
)
def test_nothing_changes_where_arrays_do_not_fit(w, dw, velocity, error, says):
    backend = BACKENDS["cuda-on-cpu"]  # refused before any launch; the definitions have checks of their own
    good = backend.array(np.ones(2))
    config = dict(learning_rate=0.1, momentum=0.9)
    configs = [{**config, "velocity": backend.array(np.ones(2))}, {**config, "velocity": backend.array(velocity)}]
    weights, gradients = [good, backend.array(w)], [backend.array(np.ones(2)), backend.array(dw)]
    with pytest.raises(error, match=says):
        update(backend, "sgd_momentum", weights, gradients, configs)
    np.testing.assert_array_equal(to_host(good), 1)
