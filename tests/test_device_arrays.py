"""The kit on arrays of a device: the same numbers as on the host, and nothing crosses over on the quiet."""

import sys

import fake_cupy
import numpy as np
import pytest

from cs231n_kit import clipping, layers, losses, optimizers
from cs231n_kit.kernels import distance, update_cuda
from cs231n_kit.neighbors import KNearestNeighbor

SIZES = {"pool_height": 3, "pool_width": 2, "stride": 2, "pad": 1}


@pytest.fixture(autouse=True)
def cupy(monkeypatch):
    module = fake_cupy.module()
    monkeypatch.setitem(sys.modules, "cupy", module)
    fake_cupy.transfers.clear()
    fake_cupy.launches.clear()
    update_cuda._table.cache_clear()
    return module


def normal(*shape, dtype=np.float32):
    return np.random.default_rng(list(shape)).normal(size=shape).astype(dtype)


def on_device(value):
    """The value with fresh device copies for its arrays; nothing is counted."""
    if isinstance(value, np.ndarray):
        return fake_cupy.ndarray(value.copy())
    if isinstance(value, dict):
        return {key: on_device(item) for key, item in value.items()}
    return type(value)(map(on_device, value)) if isinstance(value, list | tuple) else value


def assert_same(found, expected):
    """Device arrays where there were host arrays, of the same type, with the same numbers."""
    if isinstance(expected, np.ndarray):
        assert type(found) is fake_cupy.ndarray and found.dtype == expected.dtype
        np.testing.assert_allclose(found._memory, expected, rtol=1e-5, atol=1e-6)
    elif isinstance(expected, dict):
        assert found.keys() == expected.keys()
        for key in expected:
            assert_same(found[key], expected[key])
    elif isinstance(expected, list | tuple):
        for one, other in zip(found, expected, strict=True):
            assert_same(one, other)
    elif isinstance(expected, float):
        assert found == pytest.approx(expected, rel=1e-5)
    else:
        assert found == expected


LAYERS = {
    "affine": [normal(4, 2, 3), normal(6, 5), normal(5)],
    "temporal_affine": [normal(2, 3, 4), normal(4, 5), normal(5)],
    "word_embedding": [np.array([[1, 2, 1], [0, 0, 4]]), normal(5, 3)],
    "relu": [normal(4, 5)],
    "leaky_relu": [normal(4, 5)],
    "elu": [normal(4, 5)],
    "sigmoid": [normal(4, 5)],
    "tanh": [normal(4, 5)],
    "maxout": [normal(4, 5, 3)],
    "conv": [normal(2, 3, 7, 6), normal(4, 3, 3, 2), normal(4), {"stride": 2, "pad": 1, "dilation": (1, 2)}],
    "max_pool": [normal(2, 3, 7, 6), SIZES],
    "average_pool": [normal(2, 3, 7, 6), SIZES],
    "global_average_pool": [normal(2, 3, 4, 5)],
    "batchnorm": [normal(6, 4), normal(4), normal(4), {"mode": "train"}],
    "layernorm": [normal(6, 4), normal(4), normal(4), {}],
    "spatial_batchnorm": [normal(3, 4, 2, 3), normal(4), normal(4), {"mode": "train"}],
    "spatial_groupnorm": [normal(3, 4, 2, 3), normal(1, 4, 1, 1), normal(1, 4, 1, 1), 2, {}],
    "dropout": [normal(40, 50), {"mode": "train", "p": 0.6, "seed": 3}],
    "rnn_step": [normal(3, 4), normal(3, 5), normal(4, 5), normal(5, 5), normal(5)],
    "rnn": [normal(3, 2, 4), normal(3, 5), normal(4, 5), normal(5, 5), normal(5)],
    "lstm": [normal(3, 2, 4), normal(3, 5), normal(4, 20), normal(5, 20), normal(20)],
}
NORMALIZE, SUMS = ["split_moments", "join_moments", "normalize"], ["split_sums", "join_sums"]
KERNELS = {  # that the layers launch, forward and backward; what is left out computes with CuPy alone
    **{name: [f"{name}_forward", f"{name}_backward"] for name in ("relu", "leaky_relu", "elu", "sigmoid", "tanh")},
    "maxout": ["maxout_forward", "maxout_backward"],
    "conv": ["unfold", "add_bias", "unfold", "fold"],
    "max_pool": ["max_pool", "max_pool_gradient"],
    "average_pool": ["average_pool", "average_pool_gradient"],
    "dropout": ["dropout"],
    "lstm": ["sigmoid_forward", "sigmoid_forward"],
    **{name: [*NORMALIZE, *SUMS, "input_gradient"] for name in ("batchnorm", "spatial_batchnorm")},
    **{name: [*NORMALIZE, *SUMS, *SUMS, "input_gradient"] for name in ("layernorm", "spatial_groupnorm")},
}
CHECKED_BY_VALUE = {"word_embedding": [(), ()]}  # the smallest and the largest word


def test_every_layer_is_listed():
    pairs = {name.removesuffix("_forward") for name in layers.__all__ if name.endswith("_forward")}
    assert pairs == {*LAYERS, "lstm_step"}


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_layers_stay_on_the_device(name, dtype):
    forward, backward = getattr(layers, f"{name}_forward"), getattr(layers, f"{name}_backward")
    arguments = [a.astype(dtype) if isinstance(a, np.ndarray) and a.dtype.kind == "f" else a for a in LAYERS[name]]
    copies = on_device(arguments)
    out, cache = forward(*arguments)
    device_out, device_cache = forward(*copies)
    assert_same(device_out, out)
    dout = np.random.default_rng(1).normal(size=out.shape).astype(dtype)
    assert_same(backward(on_device(dout), device_cache), backward(dout, cache))
    assert_same(copies, arguments)
    assert fake_cupy.launches == KERNELS.get(name, [])
    assert fake_cupy.transfers["to_host"] == CHECKED_BY_VALUE.get(name, [])
    assert fake_cupy.transfers["to_device"] == []


def test_lstm_step_stays_on_the_device():
    arguments = [normal(3, 4), normal(3, 5), normal(2, 3, 5)[0], normal(4, 20), normal(5, 20), normal(20)]
    h, c, cache = layers.lstm_step_forward(*arguments)
    device_h, device_c, device_cache = layers.lstm_step_forward(*on_device(arguments))
    assert_same([device_h, device_c], [h, c])
    gradients = layers.lstm_step_backward(h, c, cache)
    assert_same(layers.lstm_step_backward(device_h, device_c, device_cache), gradients)
    assert not any(fake_cupy.transfers.values())


def test_batch_statistics_stay_on_the_device():
    x, ones = normal(6, 4), np.ones(4, np.float32)
    host, device = {"mode": "train"}, {"mode": "train"}
    for mode in ("train", "test"):
        host["mode"] = device["mode"] = mode
        out, cache = layers.batchnorm_forward(x, ones, ones, host)
        device_out, device_cache = layers.batchnorm_forward(*on_device([x, ones, ones]), device)
        assert_same(device_out, out)
        assert_same(layers.batchnorm_backward(device_out, device_cache), layers.batchnorm_backward(out, cache))
    assert_same(device, host)
    assert not any(fake_cupy.transfers.values())


NEIGHBORS = {  # function, arguments and what is launched
    "l1": (distance.l1_distances, [normal(5, 20), normal(7, 20)], "l1_distances"),
    "l2": (distance.l2_distances, [normal(5, 20), normal(7, 20)], "l2_from_products"),
    "l2 of few features": (distance.l2_distances, [normal(5, 3), normal(7, 3)], "l2_distances"),
    "k smallest": (distance.k_smallest, [normal(5, 7), 3], "k_smallest"),
    "votes": (distance.count_votes, [np.array([[0, 2, 0], [1, 1, 2]]), 3], "count_votes"),
}


@pytest.mark.parametrize("name", NEIGHBORS)
def test_neighbors_stay_on_the_device(name):
    function, arguments, kernel = NEIGHBORS[name]
    assert_same(function(*on_device(arguments)), function(*arguments))
    assert fake_cupy.launches == [kernel]
    assert not any(fake_cupy.transfers.values())


@pytest.mark.parametrize("metric", ["l1", "l2"])
@pytest.mark.parametrize("dtype", [np.float32, np.uint8])
def test_the_classifier_stays_on_the_device(metric, dtype):
    points, queries, labels = (
        (100 * normal(50, 30)).astype(dtype),
        (100 * normal(9, 30)).astype(dtype),
        LABELS.repeat(13),
    )
    host = KNearestNeighbor(5, metric).fit(points, labels[:50])
    device = KNearestNeighbor(5, metric).fit(*on_device([points, labels[:50]]))
    assert_same(device.kneighbors(on_device(queries)), host.kneighbors(queries))
    assert_same(device.predict(on_device(queries)), host.predict(queries))
    assert set(fake_cupy.transfers["to_host"]) <= {()}, "whether all are finite"
    assert fake_cupy.transfers["to_device"] == []


LABELS = np.array([2, 0, 1, 2])
LOSSES_WITH_KERNELS = ("softmax_loss", "svm_loss", "squared_hinge_loss")
LOSSES = {
    "softmax_loss": [normal(4, 3), LABELS],
    "svm_loss": [normal(4, 3), LABELS],
    "squared_hinge_loss": [normal(4, 3), LABELS],
    "temporal_softmax_loss": [normal(2, 3, 5), np.array([[0, 1, 2], [3, 4, 0]]), np.array([[1, 1, 0], [1, 0, 0]])],
    "binary_hinge_loss": [normal(4, 3), (normal(4, 3) > 0).astype(int)],
    "logistic_loss": [normal(4, 3), (normal(4, 3) > 0).astype(int)],
    "l2_loss": [normal(4, 3), normal(4, 3)[::-1].copy()],
    "l1_loss": [normal(4, 3), normal(4, 3)[::-1].copy()],
    "huber_loss": [normal(4, 3), normal(4, 3)[::-1].copy()],
}


@pytest.mark.parametrize("name", LOSSES)
def test_losses_leave_the_gradient_on_the_device(name):
    loss = getattr(losses, name)
    assert_same(loss(*on_device(LOSSES[name])), loss(*LOSSES[name]))
    assert fake_cupy.launches == ([name] if name in LOSSES_WITH_KERNELS else [])
    assert set(fake_cupy.transfers["to_host"]) == {()}  # the loss, and what says that labels are right
    assert len(fake_cupy.transfers["to_host"]) <= 5
    assert fake_cupy.transfers["to_device"] == []


@pytest.mark.parametrize("rule", optimizers.RULES)
def test_updates_stay_on_the_device(rule):
    parameters = {"w": normal(300, 200), "b": normal(200)}
    gradients = {name: array[::-1].copy() for name, array in parameters.items()}
    device_parameters, device_gradients = on_device([parameters, gradients])
    host, device = optimizers.Optimizer(rule), optimizers.Optimizer(rule)
    kept = device_parameters["w"]
    for _ in range(3):
        host.step(parameters, gradients)
        device.step(device_parameters, device_gradients)
    assert device_parameters["w"] is kept
    assert_same(device_parameters, parameters)
    assert_same(device.configs, host.configs)
    assert len(fake_cupy.launches) == 3, "one for each step, of all parameters"
    assert fake_cupy.transfers["to_host"] == []
    assert fake_cupy.transfers["to_device"] == [(4 * 2 + 2 + 2 * 16,)], "where the arrays lie, at the first step"


def test_an_optimizer_goes_on_from_its_saved_memory():
    parameters = on_device({"w": normal(3, 2)})
    gradients = on_device({"w": normal(3, 2)})
    first, second = optimizers.Optimizer("adam"), optimizers.Optimizer("adam")
    first.step(parameters, gradients)
    second.load_state(first.state(), parameters)
    copies = {"w": parameters["w"].copy()}
    first.step(parameters, gradients)
    second.step(copies, gradients)
    np.testing.assert_array_equal(copies["w"]._memory, parameters["w"]._memory)


def test_clipping_reads_a_single_number():
    gradients = {"w": normal(3, 2), "b": normal(2)}
    found, norm = clipping.clip_by_norm(on_device(gradients), 0.5)
    expected, expected_norm = clipping.clip_by_norm(gradients, 0.5)
    assert_same(found, expected)
    assert norm == pytest.approx(expected_norm)
    assert_same(clipping.clip_by_value(on_device(gradients), 0.1), clipping.clip_by_value(gradients, 0.1))
    assert set(fake_cupy.transfers["to_host"]) == {()} and not fake_cupy.transfers["to_device"]


def test_mixed_memories_are_refused():
    x, w, b = on_device([normal(4, 6), normal(6, 5), normal(5)])
    with pytest.raises(TypeError, match="different memories"):
        layers.affine_forward(x, w._memory, b)
    with pytest.raises(TypeError, match="different memories"):
        losses.softmax_loss(x, LABELS)


def test_the_stand_in_refuses_what_cupy_refuses(cupy):
    array = cupy.asarray(normal(3))
    with pytest.raises(TypeError, match="Implicit conversion"):
        np.asarray(array)
    with pytest.raises(TypeError, match="Unsupported type"):
        array + normal(3)
    with pytest.raises(TypeError, match="Unsupported type"):
        cupy.maximum(array, normal(3))
    float(array[0]), array.get(), bool(array.sum() > 0)
    assert fake_cupy.transfers == {"to_device": [(3,)], "to_host": [(), (3,), ()]}
