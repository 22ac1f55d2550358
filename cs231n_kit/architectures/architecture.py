"""The famous networks by name, with where they come from."""

from collections.abc import Callable
from dataclasses import dataclass

from cs231n_kit.architectures.alexnet import alexnet
from cs231n_kit.architectures.googlenet import googlenet
from cs231n_kit.architectures.lenet import lenet5
from cs231n_kit.architectures.resnet import resnet18, resnet34, resnet50
from cs231n_kit.architectures.vgg import vgg11, vgg16, vgg19
from cs231n_kit.networks import Sequential


@dataclass(frozen=True)
class Architecture:
    """A network to be built with ``build()``, and its paper.

    ``build(classes=...)`` returns the definition, a ``Sequential`` without arrays, for images of ``input_shape``.
    """

    name: str
    build: Callable[..., Sequential]
    input_shape: tuple[int, int, int]
    year: int
    authors: str
    paper: str
    url: str
    idea: str  # what was new, in a sentence

    @property
    def source(self) -> str:
        """The paper in a line."""
        return f'{self.authors}, "{self.paper}", {self.year}'


IMAGENET = (3, 224, 224)
VGG = {
    "input_shape": IMAGENET,
    "year": 2014,
    "authors": "Simonyan and Zisserman",
    "paper": "Very deep convolutional networks for large-scale image recognition",
    "url": "https://arxiv.org/abs/1409.1556",
    "idea": "3 x 3 convolutions only: two see as much as one of 5 x 5, with fewer parameters and a ReLU more.",
}
RESNET = {
    "input_shape": IMAGENET,
    "year": 2015,
    "authors": "He, Zhang, Ren and Sun",
    "paper": "Deep residual learning for image recognition",
    "url": "https://arxiv.org/abs/1512.03385",
    "idea": "Blocks add to their input what they compute, so that depth no longer hurts training.",
}
ARCHITECTURES: dict[str, Architecture] = {
    architecture.name: architecture
    for architecture in (
        Architecture(
            name="LeNet-5",
            build=lenet5,
            input_shape=(1, 32, 32),
            year=1998,
            authors="LeCun, Bottou, Bengio and Haffner",
            paper="Gradient-based learning applied to document recognition",
            url="https://doi.org/10.1109/5.726791",
            idea="Convolution and pooling in turn, all learned by gradient descent.",
        ),
        Architecture(
            name="AlexNet",
            build=alexnet,
            input_shape=IMAGENET,
            year=2012,
            authors="Krizhevsky, Sutskever and Hinton",
            paper="ImageNet classification with deep convolutional neural networks",
            url="https://papers.nips.cc/paper/4824-imagenet-classification-with-deep-convolutional-neural-networks",
            idea="The same on a larger scale: ReLU, dropout, augmented data, and GPUs to train it.",
        ),
        Architecture(name="VGG-11", build=vgg11, **VGG),
        Architecture(name="VGG-16", build=vgg16, **VGG),
        Architecture(name="VGG-19", build=vgg19, **VGG),
        Architecture(
            name="GoogLeNet",
            build=googlenet,
            input_shape=IMAGENET,
            year=2014,
            authors="Szegedy, Liu, Jia and others",
            paper="Going deeper with convolutions",
            url="https://arxiv.org/abs/1409.4842",
            idea="Branches with windows of several sizes, narrowed by 1 x 1 convolutions; a mean in place of the dense "
            "layers; and two more classifiers in training.",
        ),
        Architecture(name="ResNet-18", build=resnet18, **RESNET),
        Architecture(name="ResNet-34", build=resnet34, **RESNET),
        Architecture(name="ResNet-50", build=resnet50, **RESNET),
    )
}
