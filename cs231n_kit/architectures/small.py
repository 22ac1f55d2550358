"""Small versions of the famous networks, for images of 32 x 32 pixels, that train on a laptop   (lecture 09).

``lenet5`` is small enough as it is. Every function returns a definition, not yet initialised.
"""

from dataclasses import dataclass

from cs231n_kit.architectures.googlenet import convolution, inception
from cs231n_kit.architectures.vgg import vgg
from cs231n_kit.arrays import array_module
from cs231n_kit.networks import (
    Affine,
    Auxiliary,
    AveragePool,
    BatchNorm,
    Convolution,
    Dropout,
    Flatten,
    GlobalAveragePool,
    Layer,
    MaxPool,
    ReLU,
    Residual,
    Sequential,
)
from cs231n_kit.networks.convolution import check_image
from cs231n_kit.networks.layer import check_count
from cs231n_kit.networks.receptive_field import Reach


def alexnet_small(classes: int = 10, width: int = 24, units: int = 128) -> Sequential:
    """AlexNet's five convolutions and three dense layers, with small windows and without the large stride.

    width: filters of the first convolution; the others have as many for each of them as AlexNet's.
    """
    widths = [width * filters // 64 for filters in (64, 192, 384, 256, 256)]
    return Sequential(
        *(Convolution(widths[0], 5, stride=2, pad=2), ReLU(), MaxPool(3, 2, 1)),
        *(Convolution(widths[1], 3, pad=1), ReLU(), MaxPool(3, 2, 1)),
        *(Convolution(widths[2], 3, pad=1), ReLU()),
        *(Convolution(widths[3], 3, pad=1), ReLU()),
        *(Convolution(widths[4], 3, pad=1), ReLU(), MaxPool(3, 2, 1)),
        Flatten(),
        *(Dropout(0.5), Affine(units), ReLU()),
        *(Dropout(0.5), Affine(units), ReLU()),
        Affine(classes),
    )


def vgg_small(classes: int = 10, width: int = 16, units: int = 128) -> Sequential:
    """Three stages of VGG with two 3 x 3 convolutions each, of ``width``, twice and four times as many filters."""
    return vgg((2, 2, 2), classes, (width, 2 * width, 4 * width), units)


def inception_small(
    classes: int = 10, width: int = 16, blocks: int = 2, auxiliary: bool = True, batchnorm: bool = True
) -> Sequential:
    """Three stages of Inception blocks at 16 x 16, 8 x 8 and 4 x 4 pixels, with windows up to 5 x 5.

    width: filters of 1 x 1 in each block of the first stage, which puts out four times as many channels; the second
        stage has twice, the third three times as many.
    blocks: in each stage.
    auxiliary: with a classifier after the first and after the second stage, for training.
    batchnorm: as GoogLeNet is built today, or without, as in its paper.
    """

    def stage(w):
        widths = {"one": w, "before3": 3 * w // 2, "three": 2 * w, "before5": w // 4, "five": w // 2, "pooled": w // 2}
        return [inception(**widths, largest=5, batchnorm=batchnorm)] * blocks

    def head(size):
        """Scores from means over windows, four of them in all."""
        narrowed = convolution(2 * width, 1, batchnorm=batchnorm)
        return [Auxiliary(AveragePool(size), *narrowed, Flatten(), Affine(classes))] if auxiliary else []

    return Sequential(
        *(*convolution(2 * width, 3, batchnorm=batchnorm), MaxPool(3, 2, 1)),
        *(*stage(width), *head(8), MaxPool(3, 2, 1)),
        *(*stage(2 * width), *head(4), MaxPool(3, 2, 1)),
        *(*stage(3 * width), GlobalAveragePool(), Affine(classes)),
    )


def resnet_cifar(
    depth: int, classes: int = 10, width: int = 16, residual: bool = True, batchnorm: bool = True
) -> Sequential:
    """The networks for CIFAR-10 of section 4.2 of He et al., "Deep residual learning", 2015: three stages of blocks.

    depth: the layers with weights, 6 n + 2 for n blocks of two convolutions in each stage: 8, 14, 20, 32, 44, 56, ...
    width: filters in the first stage; 16 in the paper. The second has twice, the third four times as many.
    residual: with shortcuts, or as a plain network of the same layers. The shortcuts have no parameters (the paper's
        option A), so that both have the same number.
    batchnorm: after each convolution, as in the paper.

    Raises ValueError for other depths.
    """
    check_count("depth", depth)
    blocks, rest = divmod(depth - 2, 6)
    if rest or blocks < 1:
        raise ValueError(f"depth must be 6 n + 2, such as 8, 14 or 20, not {depth}")

    def normalized(filters, stride=1):
        layer = Convolution(filters, 3, stride=stride, pad=1, bias=not batchnorm)
        return (layer, BatchNorm()) if batchnorm else (layer,)

    steps = [*normalized(width), ReLU()]
    for stage in range(3):
        filters = width * 2**stage
        for i in range(blocks):
            stride = 2 if stage and i == 0 else 1
            body = *normalized(filters, stride), ReLU(), *normalized(filters)
            shortcut = Subsample(filters) if stride == 2 else ()
            steps += [Residual(*body, shortcut=shortcut), ReLU()] if residual else [*body, ReLU()]
    return Sequential(*steps, GlobalAveragePool(), Affine(classes))


@dataclass(frozen=True, repr=False)
class Subsample(Layer):
    """Every second pixel along height and width, and channels of zeros up to ``filters``: the shortcut of option A.

    (C, H, W) to (filters, ⌈H/2⌉, ⌈W/2⌉), as a padded 3 x 3 convolution with stride 2 has it.
    """

    filters: int

    def __post_init__(self):
        check_count("filters", self.filters)

    def output_shape(self, shape):
        channels, height, width = check_image(shape)
        if channels > self.filters:
            raise ValueError(f"it can add channels up to {self.filters}, but takes none away")
        return (self.filters, (height + 1) // 2, (width + 1) // 2)

    def reach(self):
        return Reach(stride=(2, 2))

    def forward(self, x, own, mode):
        out = array_module(x).zeros((len(x), *self.output_shape(x.shape[1:])), x.dtype)
        out[:, : x.shape[1]] = x[:, :, ::2, ::2]
        return out, x.shape

    def backward(self, dout, cache, input_gradient):
        dx = array_module(dout).zeros(cache, dout.dtype)
        dx[:, :, ::2, ::2] = dout[:, : cache[1]]
        return dx, {}
