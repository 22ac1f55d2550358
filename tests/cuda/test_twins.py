"""What holds for every family of kernels: the same signatures as the definitions, the same bits in any order."""

import importlib
import importlib.resources
import inspect

import numpy as np
import pytest
from backends import BACKENDS, FAMILIES

from cs231n_kit.cuda_emulation import find_compiler, thread_order
from cs231n_kit.kernels import cuda, update_cuda


@pytest.mark.parametrize("family", FAMILIES)
def test_launchers_have_the_names_defaults_and_annotations_of_the_definitions(family):
    definitions, launchers = (importlib.import_module(name) for name in FAMILIES[family])
    functions = inspect.getmembers(launchers, inspect.isfunction)
    own = {n: f for n, f in functions if f.__module__ == launchers.__name__ and not n.startswith("_")}
    assert own
    for name, function in own.items():
        definition = getattr(definitions, name.removesuffix("_direct"))  # of convolution there are two
        assert inspect.signature(function) == inspect.signature(definition), name


def test_every_family_is_listed():
    launchers = importlib.resources.files("cs231n_kit.kernels").glob("*_cuda.py")
    assert {f"cs231n_kit.kernels.{path.stem}" for path in launchers} == {pair[1] for pair in FAMILIES.values()}


def results(order):
    """Everything that the kernels of this session's families compute from the same inputs."""
    rng = np.random.default_rng(0)
    x, dout = rng.normal(size=(2, 37, 41)).astype(np.float32)
    y = rng.integers(0, 41, 37)
    backend = BACKENDS["cuda-on-cpu"]
    activation, losses = backend.family("activation"), backend.family("loss")
    found = []
    with thread_order(order, seed=3), cuda.emulated():
        for name in ("relu", "leaky_relu", "elu", "sigmoid", "tanh"):
            out, cache = getattr(activation, f"{name}_forward")(x)
            found += [out, getattr(activation, f"{name}_backward")(dout, cache)]
        for name in ("softmax_loss", "svm_loss", "squared_hinge_loss"):
            found += getattr(losses, name)(x, y)
        found += backend.family("dropout").dropout(x, 0.4, (1, 2))
        w, config = x.copy(), dict(learning_rate=0.1, beta1=0.9, beta2=0.99, epsilon=1e-8, t=0)
        update_cuda.update("adam", [w], [dout], [config | {"m": np.zeros_like(w), "v": np.zeros_like(w)}])
    return [*found, w]


@pytest.mark.skipif(find_compiler() is None, reason="needs a C++ compiler")
def test_the_order_of_the_threads_does_not_change_a_bit():
    forward = results("forward")
    for order in ("reverse", "shuffled"):
        for one, other in zip(forward, results(order), strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.skipif(find_compiler() is None, reason="needs a C++ compiler")
def test_launches_refuse_what_does_not_fit_the_kernel():
    x, n = np.zeros(4, np.float32), np.int64(4)
    with cuda.emulated():
        with pytest.raises(TypeError, match="x must hold float32"):
            cuda.launch("activation.cu", "relu_forward", (x.astype(float), x, n), "float32", 4)
        with pytest.raises(ValueError, match="x must be contiguous"):
            cuda.launch("activation.cu", "relu_forward", (np.zeros(8, np.float32)[::2], x, n), "float32", 4)
        with pytest.raises(TypeError, match="takes 3 arguments"):
            cuda.launch("activation.cu", "relu_forward", (x, x), "float32", 4)
        with pytest.raises(OverflowError, match="sizes up to 2,147,483,647"):
            cuda.launch("activation.cu", "relu_forward", (x, x, 1 << 31), "float32", 4)
        with pytest.raises(TypeError, match="relu_forward computes in float32 or float64, not in float16"):
            cuda.launch("activation.cu", "relu_forward", (x, x, n), "float16", 4)
