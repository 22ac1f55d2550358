"""VGG: 3 x 3 convolutions only, and many of them   (lecture 09).

Simonyan and Zisserman, "Very deep convolutional networks for large-scale image recognition", 2014. The number is that
of the layers with weights. As in torchvision's networks of the same names there is no batch normalisation.
"""

from collections.abc import Sequence

from cs231n_kit.networks import Affine, Convolution, Dropout, Flatten, MaxPool, ReLU, Sequential

WIDTHS = (64, 128, 256, 512, 512)  # filters, stage by stage; each stage ends with pooling, which halves the image


def vgg11(classes: int = 1000) -> Sequential:
    """VGG-11, configuration A, for images (3, 224, 224); not yet initialised."""
    return vgg((1, 1, 2, 2, 2), classes)


def vgg16(classes: int = 1000) -> Sequential:
    """VGG-16, configuration D, for images (3, 224, 224); not yet initialised."""
    return vgg((2, 2, 3, 3, 3), classes)


def vgg19(classes: int = 1000) -> Sequential:
    """VGG-19, configuration E, for images (3, 224, 224); not yet initialised."""
    return vgg((2, 2, 4, 4, 4), classes)


def vgg(depths: Sequence[int], classes: int = 1000, widths: Sequence[int] = WIDTHS, units: int = 4096) -> Sequential:
    """A network of VGG's kind, not yet initialised.

    depths, widths: the convolutions in each stage, and the filters of each.
    units: of the two hidden layers at the end.
    """
    stages = []
    for depth, width in zip(depths, widths, strict=True):
        stages += [Convolution(width, 3, pad=1), ReLU()] * depth + [MaxPool(2)]
    return Sequential(
        *stages,
        Flatten(),
        *(Affine(units), ReLU(), Dropout(0.5)),
        *(Affine(units), ReLU(), Dropout(0.5)),
        Affine(classes),
    )
