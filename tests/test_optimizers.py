import builtins
import contextlib
import math

import numpy as np
import pytest

from cs231n_kit import optimizers
from cs231n_kit.optimizers import RULES, Optimizer

HYPERPARAMETERS = {
    "sgd": {"learning_rate": 0.03},
    "sgd_momentum": {"learning_rate": 0.03, "momentum": 0.8},
    "nesterov": {"learning_rate": 0.03, "momentum": 0.8},
    "adagrad": {"learning_rate": 0.2, "epsilon": 1e-3},
    "rmsprop": {"learning_rate": 0.02, "decay_rate": 0.9, "epsilon": 1e-3},
    "adam": {"learning_rate": 0.02, "beta1": 0.8, "beta2": 0.95, "epsilon": 1e-3},
    "adamw": {"learning_rate": 0.02, "beta1": 0.8, "beta2": 0.95, "epsilon": 1e-3, "weight_decay": 0.3},
}
each_rule = pytest.mark.parametrize("rule", RULES)


def textbook(rule, w, gradients):
    """The weight, one number, after these gradients, from sums over all earlier steps instead of running memory."""
    h = HYPERPARAMETERS[rule]
    rate, momentum, epsilon = h["learning_rate"], h.get("momentum"), h.get("epsilon")
    velocity = 0.0
    for t in range(1, len(gradients) + 1):
        g, past = gradients[t - 1], gradients[:t]
        if rule == "sgd":
            w -= rate * g
        elif rule == "sgd_momentum":
            w -= rate * sum(momentum ** (t - 1 - i) * past[i] for i in range(t))
        elif rule == "nesterov":  # step of momentum, seen from the point that the next step looks ahead to
            ahead = momentum * velocity
            velocity = momentum * velocity - rate * g
            w += -ahead + velocity + momentum * velocity
        elif rule == "adagrad":
            w -= rate * g / (math.sqrt(sum(p * p for p in past)) + epsilon)
        elif rule == "rmsprop":
            rho = h["decay_rate"]
            cache = sum((1 - rho) * rho ** (t - 1 - i) * past[i] ** 2 for i in range(t))
            w -= rate * g / (math.sqrt(cache) + epsilon)
        else:
            # With its bias corrected, Adam's memory is a weighted average of the past.
            first, second = ([b ** (t - 1 - i) for i in range(t)] for b in (h["beta1"], h["beta2"]))
            m = sum(a * p for a, p in zip(first, past, strict=True)) / sum(first)
            v = sum(a * p * p for a, p in zip(second, past, strict=True)) / sum(second)
            w -= rate * (m / (math.sqrt(v) + epsilon) + h.get("weight_decay", 0.0) * w)
    return w


@each_rule
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("compiled", [False, True])
def test_rules_follow_the_textbook_over_many_steps(monkeypatch, rule, dtype, compiled):
    """As functions, and as ``Optimizer``, where single steps run in machine code."""
    rng = np.random.default_rng(0)
    w, gradients = rng.normal(size=(3, 4)).astype(dtype), rng.normal(size=(30, 3, 4)).astype(dtype)
    expected = [textbook(rule, float(w[i]), gradients[:, *i].tolist()) for i in np.ndindex(w.shape)]
    if compiled:
        pytest.importorskip("numba")
        monkeypatch.setattr(optimizers, "WORTH_COMPILING", 1)
        optimizer = Optimizer(rule, **HYPERPARAMETERS[rule])
        for dw in gradients:
            optimizer.step({"w": w}, {"w": dw})
    else:
        config = HYPERPARAMETERS[rule]
        for dw in gradients:
            w, config = RULES[rule](w, dw, config)
    assert w.dtype == dtype
    np.testing.assert_allclose(w.ravel(), expected, rtol=0, atol=1e-5 if dtype == np.float32 else 1e-12)


@each_rule
def test_machine_code_and_definition_are_interchangeable(monkeypatch, rule):
    """Either continues from the other's memory, and both fill in the same defaults."""
    pytest.importorskip("numba")
    rng = np.random.default_rng(1)
    start, gradients = rng.normal(size=40), rng.normal(size=(6, 40))
    plain, mixed = {"w": start.copy()}, {"w": start.copy()}
    optimizer, other = Optimizer(rule), Optimizer(rule)
    for step, dw in enumerate(gradients):
        monkeypatch.setattr(optimizers, "WORTH_COMPILING", 1_000)
        optimizer.step(plain, {"w": dw})
        monkeypatch.setattr(optimizers, "WORTH_COMPILING", 1_000 if step % 3 == 0 else 1)
        other.step(mixed, {"w": dw})
    np.testing.assert_allclose(mixed["w"], plain["w"], rtol=0, atol=1e-13)
    assert optimizer.configs["w"].keys() == other.configs["w"].keys()


@each_rule
def test_inputs_are_not_modified(rule):
    w, dw = np.ones((2, 3), np.float32), np.full((2, 3), 0.5, np.float32)
    first, config = RULES[rule](w, dw, given := dict(HYPERPARAMETERS[rule]))
    memory = {key: np.copy(value) for key, value in config.items()}
    for array in (w, dw, *(value for value in config.values() if isinstance(value, np.ndarray))):
        array.flags.writeable = False
    second, _ = RULES[rule](first, dw, config)
    assert given == HYPERPARAMETERS[rule] and (w == 1).all() and (dw == 0.5).all()
    assert all(np.array_equal(config[key], memory[key]) for key in config)
    assert (first < 1).all() and (second < first).all()


@each_rule
def test_a_badly_conditioned_bowl_is_descended(rule):
    """f(w) = Σ cᵢ wᵢ² / 2 with curvatures from 1 to 20, whose minimum is 0; weight decay does not move it."""
    curvature = np.array([1.0, 5.0, 20.0])
    optimizer, parameters = Optimizer(rule, learning_rate=0.5 if rule == "adagrad" else 0.02), {"w": np.full(3, 2.0)}
    for _ in range(1_000):
        optimizer.step(parameters, {"w": curvature * parameters["w"]})
    assert np.abs(parameters["w"]).max() < (0.05 if rule == "rmsprop" else 1e-3)


def test_first_steps():
    w, dw = np.zeros(3), np.array([400.0, -3.0, 0.0])
    np.testing.assert_allclose(optimizers.adam(w, dw)[0], [-1e-3, 1e-3, 0])
    np.testing.assert_allclose(optimizers.adagrad(w, dw)[0], [-1e-2, 1e-2, 0])
    np.testing.assert_allclose(optimizers.rmsprop(w, dw)[0], [-0.1, 0.1, 0])
    np.testing.assert_allclose(optimizers.sgd(w, dw)[0], [-4, 0.03, 0])
    np.testing.assert_allclose(optimizers.sgd_momentum(w, dw)[0], [-4, 0.03, 0])
    np.testing.assert_allclose(optimizers.nesterov(w, dw)[0], [-4 * 1.9, 0.03 * 1.9, 0])
    np.testing.assert_allclose(optimizers.adamw(np.ones(3), dw)[0], [0.99899, 1.00099, 0.99999])
    assert optimizers.adam(w, dw)[1]["t"] == 1


def test_nesterov_steps_from_the_point_that_it_looks_ahead_to():
    """Written with positions: the gradient is taken at x + μ v, and what the rule stores is that point."""
    x, v, w, config = 3.0, 0.0, np.array([3.0]), {"learning_rate": 0.1, "momentum": 0.9}
    for _ in range(20):
        v = 0.9 * v - 0.1 * (x + 0.9 * v)
        x += v
        w, config = optimizers.nesterov(w, w, config)
        assert w[0] == pytest.approx(x + 0.9 * v, abs=1e-12)


@each_rule
def test_numpy_numbers_in_config_keep_float32(rule):
    """A schedule may compute the learning rate with NumPy."""
    w, config = RULES[rule](np.ones(3, np.float32), np.ones(3), {"learning_rate": np.float64(0.1)})
    assert w.dtype == np.float32
    assert all(value.dtype == np.float32 for value in config.values() if isinstance(value, np.ndarray))


def test_an_optimizer_steps_a_network_in_place_with_a_schedule():
    parameters = {"W": np.ones((2, 2), np.float32), "b": np.ones(2), "frozen": np.ones(1), "scale": np.array(1.0)}
    arrays = dict(parameters)
    optimizer = Optimizer("sgd", learning_rate=0.1)
    gradients = {"W": np.ones((2, 2), np.float32), "b": np.full(2, 2.0), "scale": np.array(3.0)}
    optimizer.step(parameters, gradients)
    assert all(parameters[name] is arrays[name] for name in arrays)
    assert parameters["W"][0, 0] == np.float32(0.9) and parameters["b"].tolist() == [0.8, 0.8]
    assert parameters["frozen"] == 1 and parameters["scale"] == pytest.approx(0.7)
    optimizer.step(parameters, {"b": np.ones(2)}, learning_rate=0.5)
    assert parameters["b"] == pytest.approx([0.3, 0.3])
    optimizer.step(parameters, {"b": np.ones(2)})
    assert parameters["b"] == pytest.approx([-0.2, -0.2])


@pytest.mark.parametrize("worth_compiling", [1, 1_000_000])
def test_parameters_and_gradients_may_lie_anyhow_in_memory(monkeypatch, worth_compiling):
    monkeypatch.setattr(optimizers, "WORTH_COMPILING", worth_compiling)
    dw = np.arange(12.0).reshape(3, 4)
    layouts = {"rows": np.ones((3, 4)), "columns": np.ones((4, 3)).T, "spread": np.ones((3, 8))[:, ::2]}
    optimizer = Optimizer("sgd_momentum", learning_rate=0.5)
    for _ in range(2):
        optimizer.step(layouts, dict.fromkeys(layouts, np.asfortranarray(dw)))
    for w in layouts.values():
        np.testing.assert_allclose(w, 1 - 0.5 * dw * (1 + 1.9))


@each_rule
@pytest.mark.parametrize("worth_compiling", [1, 1_000_000])
def test_training_continues_from_a_saved_state_to_the_same_bits(monkeypatch, tmp_path, rule, worth_compiling):
    monkeypatch.setattr(optimizers, "WORTH_COMPILING", worth_compiling)
    rng = np.random.default_rng(2)
    parameters = {"a/b": rng.normal(size=(3, 4)).astype(np.float32), "c": rng.normal(size=5), "d": np.array(2.0)}
    gradients = {name: rng.normal(size=w.shape).astype(w.dtype) for name, w in parameters.items()}
    optimizer = Optimizer(rule)
    optimizer.step(parameters, gradients)
    np.savez(tmp_path / "state.npz", **optimizer.state())
    resumed, copies = Optimizer(rule), {name: w.copy() for name, w in parameters.items()}
    with np.load(tmp_path / "state.npz", allow_pickle=False) as state:
        resumed.load_state(state, copies)
    for _ in range(3):
        optimizer.step(parameters, gradients)
        resumed.step(copies, gradients)
    assert all(np.array_equal(parameters[name], copies[name]) for name in parameters)


def test_a_saved_state_may_lie_column_by_column_in_memory(monkeypatch):
    pytest.importorskip("numba")
    monkeypatch.setattr(optimizers, "WORTH_COMPILING", 1)
    velocity, parameters = np.arange(12.0).reshape(3, 4), {"w": np.zeros((3, 4))}
    optimizer = Optimizer("sgd_momentum", momentum=0.5)
    optimizer.load_state({"velocity/w": np.asfortranarray(velocity)}, parameters)
    for _ in range(2):
        optimizer.step(parameters, {"w": np.zeros((3, 4))})
    np.testing.assert_allclose(parameters["w"], 0.75 * velocity)


def test_a_rule_of_ones_own():
    def sign_descent(w, dw, config):
        return w - config["rate"] * np.sign(dw), {**config, "steps": config.get("steps", 0) + 1}

    parameters, optimizer = {"w": np.zeros(2)}, Optimizer(sign_descent, rate=0.5)
    for _ in range(2):
        optimizer.step(parameters, {"w": np.array([7.0, -9.0])})
    assert parameters["w"].tolist() == [-1, 1] and optimizer.configs["w"]["steps"] == 2


def test_without_numba_large_arrays_are_updated_all_the_same(monkeypatch):
    real_import = builtins.__import__

    def refuse(name, *args, **kwargs):
        if "update_numba" in name or "update_numba" in (args[2] or () if len(args) > 2 else ()):
            raise ImportError("no numba")
        return real_import(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", refuse)
    monkeypatch.setattr(optimizers, "WORTH_COMPILING", 1)
    parameters = {"w": np.ones(3)}
    with pytest.raises(ImportError):
        optimizers.update_numba(RULES["adam"], parameters["w"], parameters["w"], {})
    Optimizer("adam").step(parameters, {"w": np.full(3, 9.0)})
    np.testing.assert_allclose(parameters["w"], 0.999)


@each_rule
def test_where_numba_fails_the_step_is_the_same_and_the_state_unharmed(monkeypatch, rule):
    def broken(*arguments):
        raise RuntimeError("no such instruction")

    kernels = pytest.importorskip("cs231n_kit.kernels.update_numba")
    for name in ("_sgd", "_sgd_momentum", "_nesterov", "_scaled", "_adam"):
        monkeypatch.setattr(kernels, name, broken)
    monkeypatch.setattr("cs231n_kit.kernels.parallel._given_up", set())
    rng = np.random.default_rng(5)
    parameters, plain = {"w": np.ones((3, 4))}, {"w": np.ones((3, 4))}
    optimizer, definition = Optimizer(rule), Optimizer(rule)
    for step in range(3):
        gradients = {"w": rng.normal(size=(3, 4))}
        monkeypatch.setattr(optimizers, "WORTH_COMPILING", 1)
        with pytest.warns(UserWarning, match="no such instruction") if step == 0 else contextlib.nullcontext():
            optimizer.step(parameters, gradients)
        monkeypatch.setattr(optimizers, "WORTH_COMPILING", 1_000)
        definition.step(plain, gradients)
    assert (parameters["w"] == plain["w"]).all()
    state, expected = optimizer.state(), definition.state()
    assert state.keys() == expected.keys() and all((state[key] == expected[key]).all() for key in state)


def test_a_gradient_that_no_rule_takes_is_not_blamed_on_numba(monkeypatch):
    monkeypatch.setattr(optimizers, "WORTH_COMPILING", 1)
    with pytest.raises(TypeError, match="dw must hold real numbers"):
        Optimizer("adam").step({"w": np.ones(2)}, {"w": np.ones(2, complex)})


def _frozen(array):
    array.flags.writeable = False
    return array


W = np.ones((2, 3))


@pytest.mark.parametrize(
    "action, error, message",
    [
        (lambda: optimizers.sgd(W, W.T), ValueError, r"dw must have the shape of w, \(2, 3\), not \(3, 2\)"),
        (lambda: optimizers.sgd(W.astype(int), W), TypeError, "w must hold float32 or float64 numbers, not int64"),
        (lambda: optimizers.sgd(W, W.astype(complex)), TypeError, "dw must hold real numbers, not complex128"),
        (lambda: optimizers.sgd(W, W, {"lr": 1}), ValueError, "config of sgd may hold learning_rate, but not 'lr'"),
        (lambda: optimizers.adam(W, W, {"beta1": "a"}), ValueError, r'config\["beta1"\] must be .* not \'a\''),
        (lambda: optimizers.sgd(W, W, {"learning_rate": -1}), ValueError, "must be a non-negative number, not -1"),
        (lambda: optimizers.sgd(W, W, {"learning_rate": np.nan}), ValueError, "must be a non-negative number, not nan"),
        (
            lambda: optimizers.adagrad(W, W, {"cache": W[0]}),
            ValueError,
            r'config\["cache"\] must .* \(2, 3\), not \(3,\)',
        ),
        (lambda: Optimizer("adamm"), ValueError, "rule must be one of sgd, .* not 'adamm'"),
        (lambda: Optimizer(3), TypeError, "rule must be the name of an update rule or a function, not 3"),
        (lambda: Optimizer("adam", momentum=0.9), ValueError, "config of adam may hold .* but not 'momentum'"),
        (lambda: Optimizer().step({"a": W}, {"b": W}), ValueError, r"gradient of 'b', but no parameter .* \['a'\]"),
        (lambda: Optimizer().step({"a": W}, {"a": W.T}), ValueError, r"gradient of 'a' must .* \(2, 3\), not \(3, 2\)"),
        (
            lambda: Optimizer().step({"a": W.astype(int)}, {"a": W}),
            TypeError,
            "'a' must be a float32 or float64 array, not int64",
        ),
        (lambda: Optimizer().step({"a": [1.0]}, {"a": W}), TypeError, "'a' must be a .* array, not list"),
        (lambda: Optimizer().step({"a": _frozen(np.ones(2))}, {"a": np.ones(2)}), ValueError, "'a' is read-only"),
        (
            lambda: Optimizer("adam").load_state({"m/a": W}, {"b": W}),
            ValueError,
            "'m/a', but there is no parameter 'a'",
        ),
        (lambda: Optimizer("adam").load_state({"m/a": W}, {"a": W[0]}), ValueError, r"shape \(2, 3\), but .* \(3,\)"),
    ],
)
def test_errors_name_the_argument_what_came_and_what_was_expected(action, error, message):
    with pytest.raises(error, match=message):
        action()


def test_a_refused_step_changes_nothing():
    parameters, optimizer = {"a": np.ones(2), "b": np.ones(2)}, Optimizer("sgd", learning_rate=0.1)
    with pytest.raises(ValueError):
        optimizer.step(parameters, {"a": np.ones(2), "b": np.ones(3)}, learning_rate=5)
    with pytest.raises(ValueError, match="learning_rate.* must be a non-negative number, not nan"):
        optimizer.step(parameters, {"a": np.ones(2)}, learning_rate=np.nan)
    assert parameters["a"].tolist() == [1, 1] and optimizer.config == {"learning_rate": 0.1}
