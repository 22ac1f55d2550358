"""Normalisation and dropout."""

from dataclasses import dataclass

from cs231n_kit.initialization import zeros
from cs231n_kit.layers import (
    batchnorm_backward,
    batchnorm_forward,
    dropout_backward,
    dropout_forward,
    layernorm_backward,
    layernorm_forward,
    spatial_batchnorm_backward,
    spatial_batchnorm_forward,
    spatial_groupnorm_backward,
    spatial_groupnorm_forward,
)
from cs231n_kit.networks.convolution import check_image
from cs231n_kit.networks.layer import Layer, Parameter, check_count, ones


@dataclass(frozen=True, repr=False)
class BatchNorm(Layer):
    """Each feature of vectors (D,), or each channel of images (C, H, W), normalised over the batch.

    momentum: the share of the running statistics that stays at each batch in training. Mode "test" uses them.
    Arrays gamma and beta, statistics running_mean and running_var, which start at 0 and 1; all (D,) or (C,).
    """

    momentum: float = 0.9
    eps: float = 1e-5

    def __post_init__(self):
        if not 0 <= self.momentum <= 1:
            raise ValueError(f"momentum must be from 0 to 1, not {self.momentum!r}")
        check_eps(self.eps)

    def output_shape(self, shape):
        if len(shape) not in (1, 3):
            raise ValueError("it takes vectors, (N, D), or images, (N, C, H, W)")
        return shape

    def parameters(self, shape):
        return {"gamma": Parameter(shape[:1], ones), "beta": Parameter(shape[:1], zeros)}

    def statistics(self, shape):
        return {"running_mean": Parameter(shape[:1], zeros), "running_var": Parameter(shape[:1], ones)}

    def forward(self, x, own, mode):
        bn_param = {"mode": mode, "momentum": self.momentum, "eps": self.eps}
        running = {name: own[name] for name in ("running_mean", "running_var")}
        bn_param |= running
        normalize = batchnorm_forward if x.ndim == 2 else spatial_batchnorm_forward
        result = normalize(x, own["gamma"], own["beta"], bn_param)
        for name, array in running.items():
            array[...] = bn_param[name]
        return result

    def backward(self, dout, cache, input_gradient):
        gradients = batchnorm_backward if dout.ndim == 2 else spatial_batchnorm_backward
        dx, dgamma, dbeta = gradients(dout, cache)
        return dx, {"gamma": dgamma, "beta": dbeta}


@dataclass(frozen=True, repr=False)
class LayerNorm(Layer):
    """Vectors (D,), each normalised over its features. Arrays gamma (D,) and beta (D,)."""

    eps: float = 1e-5

    def __post_init__(self):
        check_eps(self.eps)

    def output_shape(self, shape):
        if len(shape) != 1:
            raise ValueError("it takes vectors, (N, D); for images take GroupNorm(1)")
        return shape

    def parameters(self, shape):
        return {"gamma": Parameter(shape, ones), "beta": Parameter(shape, zeros)}

    def forward(self, x, own, mode):
        return layernorm_forward(x, own["gamma"], own["beta"], {"eps": self.eps})

    def backward(self, dout, cache, input_gradient):
        dx, dgamma, dbeta = layernorm_backward(dout, cache)
        return dx, {"gamma": dgamma, "beta": dbeta}


@dataclass(frozen=True, repr=False)
class GroupNorm(Layer):
    """Images (C, H, W), each normalised over the channels of a group. Arrays gamma and beta, (1, C, 1, 1)."""

    groups: int
    eps: float = 1e-5

    def __post_init__(self):
        check_count("groups", self.groups)
        check_eps(self.eps)

    def output_shape(self, shape):
        if check_image(shape)[0] % self.groups:
            raise ValueError(f"the number of channels must be a multiple of the {self.groups} groups")
        return shape

    def parameters(self, shape):
        channels = (1, shape[0], 1, 1)
        return {"gamma": Parameter(channels, ones), "beta": Parameter(channels, zeros)}

    def forward(self, x, own, mode):
        return spatial_groupnorm_forward(x, own["gamma"], own["beta"], self.groups, {"eps": self.eps})

    def backward(self, dout, cache, input_gradient):
        dx, dgamma, dbeta = spatial_groupnorm_backward(dout, cache)
        return dx, {"gamma": dgamma, "beta": dbeta}


@dataclass(frozen=True, repr=False)
class Dropout(Layer):
    """In training each unit stays with probability p, divided by p, and becomes 0 otherwise.

    **p is the probability of KEEPING a unit**, as in the course's notes; PyTorch's is 1 - p.
    """

    needs_generator = True
    p: float = 0.5

    def __post_init__(self):
        if not 0 < self.p <= 1:
            raise ValueError(f"p, the probability of keeping a unit, must be 0 < p <= 1, not {self.p!r}")

    def forward(self, x, own, mode):
        seed = int(own["generator"].integers(2**63)) if mode == "train" else None  # CuPy takes no NumPy generator
        return dropout_forward(x, {"mode": mode, "p": self.p, "seed": seed})

    def backward(self, dout, cache, input_gradient):
        return dropout_backward(dout, cache), {}


def check_eps(eps):
    if not 0 < eps < float("inf"):
        raise ValueError(f"eps must be finite and greater than 0, not {eps!r}")
