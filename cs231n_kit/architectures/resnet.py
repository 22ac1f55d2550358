"""ResNet: blocks that add to their input what they compute   (lecture 09).

He, Zhang, Ren and Sun, "Deep residual learning for image recognition", 2015. The number is that of the layers with
weights, shortcuts not counted.
"""

from collections.abc import Callable, Sequence

from cs231n_kit.networks import (
    Affine,
    BatchNorm,
    Convolution,
    GlobalAveragePool,
    MaxPool,
    ReLU,
    Residual,
    Sequential,
)


def resnet18(classes: int = 1000) -> Sequential:
    """ResNet-18 for images (3, 224, 224): 2, 2, 2 and 2 basic blocks; not yet initialised."""
    return resnet(basic_block, (2, 2, 2, 2), (64, 128, 256, 512), classes)


def resnet34(classes: int = 1000) -> Sequential:
    """ResNet-34 for images (3, 224, 224): 3, 4, 6 and 3 basic blocks; not yet initialised."""
    return resnet(basic_block, (3, 4, 6, 3), (64, 128, 256, 512), classes)


def resnet50(classes: int = 1000) -> Sequential:
    """ResNet-50 for images (3, 224, 224): 3, 4, 6 and 3 bottleneck blocks; not yet initialised.

    This is the version "1.5", which torchvision has, too: where a stage halves the image, the 3 x 3 convolution of
    the block has the stride, and not the 1 x 1 convolution before it, as in the paper, which skips 3 of 4 pixels.
    """
    return resnet(bottleneck_block, (3, 4, 6, 3), (256, 512, 1024, 2048), classes)


def resnet(block: Callable, depths: Sequence[int], widths: Sequence[int], classes: int) -> Sequential:
    """A network of ResNet's kind, not yet initialised.

    block: ``basic_block`` or ``bottleneck_block``, or a function like them.
    depths, widths: the blocks in each stage, and the channels that they put out.
    """
    steps = [*convolution(64, 7, stride=2), ReLU(), MaxPool(3, 2, 1)]
    before = 64
    for stage, (depth, width) in enumerate(zip(depths, widths, strict=True)):
        for i in range(depth):
            stride = 2 if stage and i == 0 else 1
            steps += [block(before, width, stride), ReLU()]
            before = width
    return Sequential(*steps, GlobalAveragePool(), Affine(classes))


def basic_block(before: int, width: int, stride: int = 1) -> Residual:
    """Two 3 x 3 convolutions around which a shortcut goes: ``before`` channels to ``width``. A ReLU comes after it."""
    body = *convolution(width, 3, stride), ReLU(), *convolution(width, 3)
    return Residual(*body, shortcut=projection(before, width, stride))


def bottleneck_block(before: int, width: int, stride: int = 1) -> Residual:
    """A 3 x 3 convolution on a quarter of the ``width`` channels, between 1 x 1 convolutions that narrow and widen."""
    narrow = width // 4
    body = *convolution(narrow, 1), ReLU(), *convolution(narrow, 3, stride), ReLU(), *convolution(width, 1)
    return Residual(*body, shortcut=projection(before, width, stride))


def projection(before: int, width: int, stride: int) -> tuple:
    """The shortcut's layers: none, the identity, where the shape stays (option B of the paper)."""
    return () if before == width and stride == 1 else convolution(width, 1, stride)


def convolution(filters: int, size: int, stride: int = 1) -> tuple:
    """A padded convolution, and the batch normalisation whose shift stands for its bias."""
    return Convolution(filters, size, stride=stride, pad=size // 2, bias=False), BatchNorm()
