"""What the launchers must refuse: a kernel that gets other than it expects reads and writes anywhere in the memory."""

import importlib
import importlib.resources
import inspect
import re
import sys

import fake_cupy
import numpy as np
import pytest

from cs231n_kit.kernels import cuda, update_cuda

X = np.random.default_rng(0).normal(size=(6, 4))
IMAGES = np.random.default_rng(1).normal(size=(2, 4, 5, 6))
GAMMA = np.ones(4)
LABELS = np.array([0, 3, 1, 2, 2, 0])
FILTERS, LAYOUT = np.ones((3, 4, 3, 2)), ((2, 1), (1, 0), (1, 2))
DOUT = np.ones((2, 3, 3, 4))
POOLED, WINDOW = np.ones((2, 4, 3, 3)), ((3, 2), (2, 2), (1, 0))
BY_CHANNEL, BY_GROUP = np.ones((1, 4, 1, 1)), np.ones((2, 2, 1))
PLAIN = ("relu", "sigmoid", "tanh")

GOOD = {  # a call of every launcher
    "activation_cuda": {
        **{f"{name}_forward": (X,) for name in PLAIN},
        **{f"{name}_backward": (X, X) for name in PLAIN},
        "leaky_relu_forward": (X, 0.1),
        "leaky_relu_backward": (X, (X, 0.1)),
        "elu_forward": (X, 1.0),
        "elu_backward": (X, (X, 1.0)),
        "maxout_forward": (X,),
        "maxout_backward": (GAMMA, (np.zeros(4, np.int64), 3)),
    },
    "convolution_cuda": {
        "convolution": (IMAGES, FILTERS, np.ones(3), *LAYOUT),
        "convolution_direct": (IMAGES, FILTERS, np.ones(3), *LAYOUT),
        "convolution_gradients": (DOUT, IMAGES, FILTERS, *LAYOUT, True),
    },
    "distance_cuda": {
        "l1_distances": (X, X),
        "l2_distances": (np.ones((3, 20)), np.ones((4, 20))),
        "k_smallest": (X, 4),
        "count_votes": (LABELS.reshape(2, 3), 4),
    },
    "dropout_cuda": {"dropout": (X, 0.5, (1, 2))},
    "loss_cuda": {
        "softmax_loss": (X, LABELS),
        "svm_loss": (X, LABELS, 1.0),
        "squared_hinge_loss": (X, LABELS, 1.0),
    },
    "normalization_cuda": {
        "batch_normalization": (IMAGES, GAMMA, GAMMA, 1e-5),
        "batch_normalization_gradients": (IMAGES, IMAGES, GAMMA, *[BY_CHANNEL] * 3),
        "group_normalization": (IMAGES, GAMMA, GAMMA, 2, 1e-5),
        "group_normalization_gradients": (IMAGES, IMAGES, GAMMA, *[BY_GROUP] * 3),
    },
    "pooling_cuda": {
        "max_pool": (IMAGES, *WINDOW),
        "max_pool_gradient": (POOLED, POOLED.astype(np.uint8), IMAGES.shape, *WINDOW),
        "average_pool": (IMAGES, *WINDOW),
        "average_pool_gradient": (POOLED, IMAGES.shape, *WINDOW),
    },
}
CALLS = [(module, name) for module, calls in GOOD.items() for name in calls]
OF_ANY_SHAPE = {*(f"{name}_forward" for name in (*PLAIN, "leaky_relu", "elu")), "dropout"}
OF_ANY_SIZE = {"maxout_forward", "convolution", "convolution_direct", "max_pool", "average_pool", "count_votes"}
OF_ANY_SIZE |= {"batch_normalization", "group_normalization"}
ARRAYS, NUMBERS = np.ndarray, (int, float)


def launcher(module, name):
    return getattr(importlib.import_module(f"cs231n_kit.kernels.{module}"), name)


def with_another(arguments, kind, change):
    """For each array, or number, of the arguments, and in tuples of them: its argument's place, all with it changed."""
    for place, argument in enumerate(arguments):
        if isinstance(argument, tuple):
            changed = [(place, changed) for _, changed in with_another(argument, kind, change)]
        elif isinstance(argument, kind) and not isinstance(argument, bool):
            changed = [(place, change(argument))]
        else:
            changed = []
        for _, one in changed:
            yield place, (*arguments[:place], one, *arguments[place + 1 :])


def assert_refused(module, name, place, arguments):
    """It is refused, with the name of the argument or, of tuples with several things in them, some name."""
    parameter = list(inspect.signature(launcher(module, name)).parameters)[place]
    expected = r"\w" if parameter == "cache" else rf"\b{parameter}\b"
    with cuda.emulated(), pytest.raises((TypeError, ValueError)) as caught:
        launcher(module, name)(*arguments)
    assert re.search(expected, str(caught.value)), caught.value


def test_every_launcher_is_listed():
    for path in sorted(importlib.resources.files("cs231n_kit.kernels").glob("*_cuda.py")):
        module = importlib.import_module(f"cs231n_kit.kernels.{path.stem}")
        functions = inspect.getmembers(module, inspect.isfunction)
        names = {n for n, f in functions if f.__module__ == module.__name__ and not n.startswith("_")}
        assert names == set(GOOD.get(path.stem, ["update"])), path.stem


@pytest.fixture
def no_launch(monkeypatch):
    monkeypatch.setattr(cuda, "launch", lambda *args, **settings: pytest.fail(f"{args[1]} was launched"))


@pytest.mark.parametrize(("module", "name"), CALLS)
def test_arrays_of_another_type(module, name, no_launch):
    for change in (lambda array: array.astype(complex), lambda array: array.astype(str)):
        for place, arguments in with_another(GOOD[module][name], ARRAYS, change):
            assert_refused(module, name, place, arguments)


@pytest.mark.parametrize(("module", "name"), [call for call in CALLS if call[1] not in OF_ANY_SHAPE])
def test_arrays_of_another_shape(module, name, no_launch):
    others = list(with_another(GOOD[module][name], ARRAYS, lambda array: array[0]))  # an axis less
    if name not in OF_ANY_SIZE:
        others += with_another(GOOD[module][name], ARRAYS, lambda array: array[..., :-1])
    for _, arguments in others:
        with cuda.emulated(), pytest.raises(ValueError, match=r"shape|label|columns|must be .N"):
            launcher(module, name)(*arguments)


@pytest.mark.parametrize(("module", "name"), CALLS)
@pytest.mark.parametrize("number", [float("nan"), float("inf"), -1, "2"])
def test_numbers_that_are_none(module, name, number, no_launch):
    for _, arguments in with_another(GOOD[module][name], NUMBERS, lambda _: number):
        with cuda.emulated(), pytest.raises((TypeError, ValueError)):
            launcher(module, name)(*arguments)


@pytest.mark.parametrize(("module", "name"), CALLS)
def test_arrays_in_several_memories(module, name, no_launch, cupy):
    mixed = list(with_another(GOOD[module][name], ARRAYS, fake_cupy.ndarray))
    if len(mixed) > 1:
        for _, arguments in mixed:
            with pytest.raises(TypeError, match="different memories"):
                launcher(module, name)(*arguments)


@pytest.mark.parametrize(("module", "name"), CALLS)
def test_arrays_of_another_gpu(module, name, cupy):
    """On the device all of them, one after the other with one array on the next GPU."""
    on_device = on_gpu(GOOD[module][name])
    launcher(module, name)(*on_device)
    assert fake_cupy.launches
    fake_cupy.launches.clear()
    for _, arguments in with_another(on_device, fake_cupy.ndarray, lambda array: fake_cupy.ndarray(array.get(), GPU_1)):
        with pytest.raises(ValueError, match=r" runs on GPU 0, the current one, but there is .* on GPU 1\. Bring all"):
            launcher(module, name)(*arguments)


def test_the_array_of_another_gpu_is_named(cupy):
    x, y = on_gpu((X, X))
    x.device = GPU_1
    with pytest.raises(ValueError, match=r"l1_distances runs on GPU 0, .* there is X on GPU 1\. Bring all"):
        launcher("distance_cuda", "l1_distances")(x, y)
    with GPU_1:  # and the result lies there
        out, _ = launcher("activation_cuda", "relu_forward")(x)
    assert out.device.id == 1


def test_weights_of_another_gpu(cupy):
    (w, dw), config = on_gpu((X, X)), {"learning_rate": 0.1}
    dw.device = GPU_1
    with pytest.raises(ValueError, match="runs on GPU 0, the current one, but there is dw on GPU 1"):
        update_cuda.update("sgd", [w], [dw], [config])


@pytest.mark.parametrize(
    ("weights", "rate", "error", "says"),
    [
        ([X, X], 0.1, ValueError, "there are 2 weights, 1 gradients and 1 configs"),
        ([X], float("nan"), ValueError, r'config\["learning_rate"\] must be a non-negative number, not nan'),
        ([X], float("inf"), ValueError, r'config\["learning_rate"\] must be a non-negative number, not inf'),
        ([X.astype(complex)], 0.1, TypeError, "w must hold float32 or float64 numbers, not complex128"),
        ([X[0]], 0.1, ValueError, r"dw must have the shape of w, \(4,\), not \(6, 4\)"),
    ],
)
def test_updates_that_do_not_fit(weights, rate, error, says, no_launch):
    with cuda.emulated(), pytest.raises(error, match=says):
        update_cuda.update("sgd", weights, [X.astype(weights[0].dtype)], [{"learning_rate": rate}])


def test_an_update_of_several_memories(no_launch, cupy):
    with pytest.raises(TypeError, match="different memories"):
        update_cuda.update("sgd", [X], [fake_cupy.ndarray(X)], [{"learning_rate": 0.1}])


GPU_1 = fake_cupy.Device(1)


def on_gpu(value):
    if isinstance(value, tuple):
        return tuple(map(on_gpu, value))
    return fake_cupy.ndarray(value.copy()) if isinstance(value, np.ndarray) else value


@pytest.fixture
def cupy(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", fake_cupy.module())
    fake_cupy.launches.clear()
