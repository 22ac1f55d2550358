"""GoogLeNet: convolutions of several sizes side by side   (lecture 09)."""

from cs231n_kit.networks import (
    Affine,
    Auxiliary,
    AveragePool,
    BatchNorm,
    Convolution,
    Dropout,
    Flatten,
    GlobalAveragePool,
    MaxPool,
    Parallel,
    ReLU,
    Sequential,
)


def googlenet(classes: int = 1000, auxiliary: bool = True) -> Sequential:
    """GoogLeNet for images (3, 224, 224)   (Szegedy et al., "Going deeper with convolutions", 2014); not initialised.

    auxiliary: with the paper's two classifiers on the way, which help in training; after it they are not needed.

    As in torchvision, convolutions are followed by batch normalisation in place of biases, and what the paper
    describes as 5 x 5 convolutions are of 3 x 3 pixels. Where paper and torchvision let pooling windows hang over the
    right and lower edge of the image (ceil mode), pixels of padding on all sides make maps of the same size.
    """
    first, second = ((classifier(classes),), (classifier(classes),)) if auxiliary else ((), ())
    return Sequential(
        *(*convolution(64, 7, stride=2), MaxPool(3, 2, 1)),
        *(*convolution(64, 1), *convolution(192, 3), MaxPool(3, 2, 1)),
        *(inception(64, 96, 128, 16, 32, 32), inception(128, 128, 192, 32, 96, 64), MaxPool(3, 2, 1)),
        *(inception(192, 96, 208, 16, 48, 64), *first),
        *(inception(160, 112, 224, 24, 64, 64), inception(128, 128, 256, 24, 64, 64)),
        *(inception(112, 144, 288, 32, 64, 64), *second),
        *(inception(256, 160, 320, 32, 128, 128), MaxPool(2)),
        *(inception(256, 160, 320, 32, 128, 128), inception(384, 192, 384, 48, 128, 128)),
        *(GlobalAveragePool(), Dropout(0.6), Affine(classes)),
    )


def classifier(classes: int) -> Auxiliary:
    """One of the two heads that see maps of 14 x 14 pixels; its loss counts 0.3."""
    return Auxiliary(
        *(AveragePool(5, 3), *convolution(128, 1), Flatten()),
        *(Affine(1024), ReLU(), Dropout(0.3), Affine(classes)),
    )


def inception(
    one: int,
    before3: int,
    three: int,
    before5: int,
    five: int,
    pooled: int,
    largest: int = 3,
    batchnorm: bool = True,
) -> Parallel:
    """An Inception block: four branches on the same input, their channels joined.

    one: filters of 1 x 1.
    before3, three: filters of 1 x 1 that narrow, and of 3 x 3 after them; so before5 and five.
    pooled: filters of 1 x 1 after 3 x 3 pooling.
    largest: the size of the windows of ``five``: 5 in the paper, 3 in torchvision.
    batchnorm: after each convolution.
    """

    def filters(*numbers_and_sizes):
        return [layer for number, size in numbers_and_sizes for layer in convolution(number, size, 1, batchnorm)]

    return Parallel(
        filters((one, 1)),
        filters((before3, 1), (three, 3)),
        filters((before5, 1), (five, largest)),
        [MaxPool(3, 1, 1), *filters((pooled, 1))],
    )


def convolution(filters: int, size: int, stride: int = 1, batchnorm: bool = True) -> tuple:
    """A padded convolution, batch normalisation, whose shift stands for the bias, and ReLU."""
    layer = Convolution(filters, size, stride=stride, pad=size // 2, bias=not batchnorm)
    return (layer, BatchNorm(eps=1e-3), ReLU()) if batchnorm else (layer, ReLU())
