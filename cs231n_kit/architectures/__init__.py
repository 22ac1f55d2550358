"""Famous networks as definitions, built from the layers of ``cs231n_kit.networks``   (lecture 09).

``ARCHITECTURES["ResNet-18"].build()`` or ``resnet18()`` is a network without arrays: ``summary(input_shape)`` counts it
at no cost, ``initialize(input_shape)`` makes its parameters.
"""

from cs231n_kit.architectures.alexnet import alexnet
from cs231n_kit.architectures.architecture import ARCHITECTURES, Architecture
from cs231n_kit.architectures.googlenet import googlenet
from cs231n_kit.architectures.lenet import lenet5
from cs231n_kit.architectures.resnet import resnet18, resnet34, resnet50
from cs231n_kit.architectures.small import alexnet_small, inception_small, resnet_cifar, vgg_small
from cs231n_kit.architectures.vgg import vgg11, vgg16, vgg19

__all__ = [
    "ARCHITECTURES",
    "Architecture",
    "alexnet",
    "alexnet_small",
    "googlenet",
    "inception_small",
    "lenet5",
    "resnet18",
    "resnet34",
    "resnet50",
    "resnet_cifar",
    "vgg11",
    "vgg16",
    "vgg19",
    "vgg_small",
]
