"""Update rules, schedules and clipping against torch.optim and torch.nn.utils.

The conventions that differ: PyTorch's momentum adds up gradients and multiplies the learning rate in last, which is
the same while the rate is constant; its AdaGrad has another epsilon. The kit's rules know no weight decay but AdamW's.
"""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch_checks import Form, assert_close, forms, normal, seeds, tensor

from cs231n_kit import optimizers, schedules
from cs231n_kit.clipping import clip_by_norm, clip_by_value
from cs231n_kit.optimizers import Optimizer

STEPS = 25
RULES = {
    "sgd": (torch.optim.SGD, {}, {}),
    "sgd_momentum": (torch.optim.SGD, {"momentum": 0.8}, {"momentum": 0.8}),
    "nesterov": (torch.optim.SGD, {"momentum": 0.8}, {"momentum": 0.8, "nesterov": True}),
    "adagrad": (torch.optim.Adagrad, {}, {"eps": 1e-8}),
    "rmsprop": (torch.optim.RMSprop, {"decay_rate": 0.9, "epsilon": 1e-6}, {"alpha": 0.9, "eps": 1e-6}),
    "adam": (torch.optim.Adam, {"beta1": 0.8, "beta2": 0.95}, {"betas": (0.8, 0.95)}),
    "adamw": (torch.optim.AdamW, {"weight_decay": 0.1, "epsilon": 1e-6}, {"weight_decay": 0.1, "eps": 1e-6}),
}
LARGE = (300, 400)  # more than the 50,000 elements from which on Optimizer runs machine code


def torch_weights(name, start, gradients, rate, dtype=torch.float64, **more):
    """The weights after each step of PyTorch's optimizer."""
    kind, _, config = RULES[name]
    w = torch.tensor(np.array(start), dtype=dtype)
    optimizer = kind([w], lr=rate, **config, **more)
    for gradient in gradients:
        w.grad = torch.tensor(np.array(gradient), dtype=dtype)
        optimizer.step()
        yield w.numpy().copy()


@pytest.mark.parametrize("name", RULES)
@settings(max_examples=20)
@given(st.lists(st.integers(1, 4), min_size=1, max_size=3).map(tuple), st.floats(1e-4, 0.3), seeds, forms)
def test_rules(name, shape, rate, seed, form):
    w, *gradients = (form.of(array) for array in normal(seed, *[shape] * (STEPS + 1)))
    rule, config = getattr(optimizers, name), {"learning_rate": rate, **RULES[name][1]}
    for i, expected in enumerate(torch_weights(name, w, gradients, rate)):
        before = w.copy()
        next_w, config = rule(w, gradients[i], config)
        np.testing.assert_array_equal(w, before, err_msg="w was modified")
        assert_close(next_w, expected, f"w after step {i + 1}", form.dtype)
        assert next_w.dtype == form.dtype
        w = next_w


@pytest.mark.parametrize("name", RULES)
def test_rules_have_the_defaults_of_pytorch(name):
    """As far as they are the same: PyTorch has no default for SGD's momentum, and 1e-10 for AdaGrad's epsilon."""
    kind, _, _ = RULES[name]
    w, *gradients = normal(0, *[(3, 4)] * 6)
    more = {
        "sgd_momentum": {"momentum": 0.9},
        "nesterov": {"momentum": 0.9, "nesterov": True},
        "adagrad": {"eps": 1e-8},
    }
    theirs = tensor(w)
    optimizer = kind([theirs], **({"lr": 0.01} if kind is torch.optim.SGD else {}), **more.get(name, {}))
    config = None
    for gradient in gradients:
        w, config = getattr(optimizers, name)(w, gradient, config)
        theirs.grad = tensor(gradient)
        optimizer.step()
    assert_close(w, theirs)


@pytest.mark.parametrize("form", [Form(np.float32, False), Form(np.float64, False), Form(np.float32, True)], ids=str)
@pytest.mark.parametrize("name", RULES)
def test_optimizer_in_place(name, form):
    """Large arrays, which run through machine code, beside small ones and gradients that are strided and read-only."""
    shapes = {"large": LARGE, "flat": (60_000,), "filters": (64, 100, 3, 3), "small": (3, 5)}
    draws = {key: normal(i, *[shape] * (STEPS + 1)) for i, (key, shape) in enumerate(shapes.items())}
    parameters = {key: arrays[0].astype(form.dtype) for key, arrays in draws.items()}
    expected = {
        key: torch_weights(name, arrays[0].astype(form.dtype), (array.astype(form.dtype) for array in arrays[1:]), 0.02)
        for key, arrays in draws.items()
    }
    optimizer, kept = Optimizer(name, learning_rate=0.02, **RULES[name][1]), dict(parameters)
    for i in range(STEPS):
        gradients = {key: form.of(arrays[i + 1]) for key, arrays in draws.items()}
        optimizer.step(parameters, gradients)
        for key, array in gradients.items():
            np.testing.assert_array_equal(array, form.of(draws[key][i + 1]), err_msg="a gradient was modified")
        for key, weights in expected.items():
            assert_close(parameters[key], next(weights), f"{key} after step {i + 1}", form.dtype)
    for key, array in parameters.items():
        assert array is kept[key] and array.dtype == form.dtype


@pytest.mark.parametrize("name", RULES)
def test_gradients_of_very_different_size(name):
    """Elements from 1e-12 to 1e6, in float32 by machine code: as close to float64 as PyTorch's float32 is."""
    w, *gradients = (array.astype(np.float32) for array in normal(0, *[LARGE] * (STEPS + 1)))
    sizes = 10 ** np.random.default_rng(1).uniform(-12, 6, LARGE).astype(np.float32)
    gradients = [gradient * sizes for gradient in gradients]
    *_, exact = torch_weights(name, w, gradients, 1e-3)
    *_, theirs = torch_weights(name, w, gradients, 1e-3, torch.float32)
    parameters, optimizer = {"w": w.copy()}, Optimizer(name, learning_rate=1e-3, **RULES[name][1])
    for gradient in gradients:
        optimizer.step(parameters, {"w": gradient})
    scale = np.maximum(np.abs(exact), np.abs(exact - w))  # each element on its own
    ours, torchs = (np.abs(found - exact) / scale for found in (parameters["w"], theirs))
    assert np.quantile(ours, 0.999) <= 2 * np.quantile(torchs, 0.999) + 1e-7
    assert_close(parameters["w"], exact, dtype=np.float32)


SCHEDULES = [
    (schedules.constant(0.3), torch.optim.lr_scheduler.ConstantLR, {"factor": 1.0}),
    (schedules.step_decay(0.3, 7, 0.2), torch.optim.lr_scheduler.StepLR, {"step_size": 7, "gamma": 0.2}),
    (schedules.exponential_decay(0.3, 0.05), torch.optim.lr_scheduler.ExponentialLR, {"gamma": np.exp(-0.05)}),
    (schedules.cosine(0.3, 31), torch.optim.lr_scheduler.CosineAnnealingLR, {"T_max": 30}),
    (schedules.cosine(0.3, 31, final=0.02), torch.optim.lr_scheduler.CosineAnnealingLR, {"T_max": 30, "eta_min": 0.02}),
]


def rates(optimizer, scheduler, steps):
    for _ in range(steps):
        yield optimizer.param_groups[0]["lr"]
        optimizer.step()
        scheduler.step()


@pytest.mark.parametrize(
    "schedule, kind, config", SCHEDULES, ids=["constant", "step", "exponential", "cosine", "final"]
)
def test_schedules(schedule, kind, config):
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=0.3)
    expected = list(rates(optimizer, kind(optimizer, **config), 31))
    assert_close([schedule(step) for step in range(31)], expected)


@pytest.mark.parametrize("warm_up", [1, 5])
def test_cosine_with_warm_up(warm_up):
    lr_scheduler = torch.optim.lr_scheduler
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=0.3)
    rise = lr_scheduler.LinearLR(optimizer, 1 / (warm_up + 1), total_iters=warm_up)
    fall = lr_scheduler.CosineAnnealingLR(optimizer, T_max=30 - warm_up, eta_min=0.02)
    both = lr_scheduler.SequentialLR(optimizer, [rise, fall], [warm_up])
    schedule = schedules.cosine(0.3, 31, warm_up=warm_up, final=0.02)
    assert_close([schedule(step) for step in range(31)], list(rates(optimizer, both, 31)))


@settings(max_examples=50)
@given(
    st.lists(st.lists(st.integers(1, 4), min_size=1, max_size=3).map(tuple), min_size=1, max_size=4),
    st.sampled_from([1e-3, 1.0, 50.0]),
    st.sampled_from([1e-6, 1.0, 1e6, 1e25]),
    seeds,
    forms,
)
def test_clipping(shapes, limit, scale, seed, form):
    arrays = normal(seed, *shapes, scale=scale)
    gradients = {f"w{i}": form.of(array) for i, array in enumerate(arrays)}
    clipped, norm = clip_by_norm(gradients, limit)
    theirs = [tensor(array) for array in gradients.values()]
    for parameter in theirs:
        parameter.grad = parameter.clone()
    expected = torch.nn.utils.clip_grad_norm_(theirs, limit)
    assert_close(norm, expected, "the norm", form.dtype)
    added = expected / (expected + 1e-6) if expected > limit else 1  # PyTorch divides by the norm + 1e-6
    if expected > limit or expected + 1e-6 < limit:
        for array, parameter in zip(clipped.values(), theirs, strict=True):
            assert array.dtype == form.dtype
            assert_close(array, parameter.grad / added, "clipped by norm", form.dtype)

    for parameter in theirs:
        parameter.grad = parameter.clone()
    torch.nn.utils.clip_grad_value_(theirs, limit)
    for array, parameter in zip(clip_by_value(gradients, limit).values(), theirs, strict=True):
        assert_close(array, parameter.grad, "clipped by value", form.dtype)
    for array, given_array in zip(arrays, gradients.values(), strict=True):
        np.testing.assert_array_equal(given_array, form.of(array), err_msg="a gradient was modified")
