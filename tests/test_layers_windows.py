"""What convolution and pooling layers say of settings that are no dictionary or hold what they do not know."""

import numpy as np
import pytest

from cs231n_kit.layers import average_pool_forward, conv_forward, max_pool_forward

X, W, B = np.zeros((2, 3, 5, 4)), np.zeros((6, 3, 3, 3)), np.zeros(6)
POOL = {"pool_height": 2, "pool_width": 2, "stride": 2}
LAYERS = {
    "conv_param": lambda param: conv_forward(X, W, B, param),
    "pool_param": lambda param: max_pool_forward(X, POOL | param if isinstance(param, dict) else param),
    "pool_param ": lambda param: average_pool_forward(X, POOL | param if isinstance(param, dict) else param),
}
each_layer = pytest.mark.parametrize("name, layer", LAYERS.items(), ids=["convolution", "max pool", "average pool"])


@each_layer
@pytest.mark.parametrize("param", [None, 1, (1, 0)])
def test_settings_that_are_no_dictionary(name, layer, param):
    with pytest.raises(TypeError, match=rf"{name.strip()} must be a dictionary \(of .*stride.*\), not "):
        layer(param)


@each_layer
def test_misspelt_settings(name, layer):
    with pytest.raises(ValueError, match=rf"{name.strip()} has the unknown entry 'strides'; it may have .*stride"):
        layer({"strides": 2})


@each_layer
@pytest.mark.parametrize("stride", [0, -1, 1.0, "2", None, (1,), (1, 2, 3), (1, 0), (1.0, 1)])
def test_settings_of_another_kind(name, layer, stride):
    with pytest.raises(ValueError, match=rf"{name.strip()}\['stride'\] must be (an integer|integers of at least 1)"):
        layer({"stride": stride})


@each_layer
def test_pairs_may_be_lists_and_numpy_integers(name, layer):
    expected, _ = layer({"stride": (2, 1), "pad": 1})
    for stride in ([2, 1], np.array([2, 1])):
        found, _ = layer({"stride": stride, "pad": np.int64(1)})
        assert found.shape == expected.shape
