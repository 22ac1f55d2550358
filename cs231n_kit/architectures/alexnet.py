"""AlexNet, with which deep learning won the ImageNet challenge of 2012   (lecture 09)."""

from cs231n_kit.networks import Affine, Convolution, Dropout, Flatten, MaxPool, ReLU, Sequential


def alexnet(classes: int = 1000) -> Sequential:
    """AlexNet for images (3, 224, 224)   (Krizhevsky, Sutskever and Hinton, "ImageNet classification with deep
    convolutional neural networks", 2012).

    This is the single column of Krizhevsky, "One weird trick for parallelizing convolutional neural networks", 2014,
    which torchvision has, too, and not the two halves on two GPUs of 2012; there is no local response normalisation.

    Returns the definition, not yet initialised.
    """
    return Sequential(
        *(Convolution(64, 11, stride=4, pad=2), ReLU(), MaxPool(3, 2)),
        *(Convolution(192, 5, pad=2), ReLU(), MaxPool(3, 2)),
        *(Convolution(384, 3, pad=1), ReLU()),
        *(Convolution(256, 3, pad=1), ReLU()),
        *(Convolution(256, 3, pad=1), ReLU(), MaxPool(3, 2)),
        Flatten(),
        *(Dropout(0.5), Affine(4096), ReLU()),
        *(Dropout(0.5), Affine(4096), ReLU()),
        Affine(classes),
    )
