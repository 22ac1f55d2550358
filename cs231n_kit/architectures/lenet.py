"""LeNet-5: the network that read cheques   (lecture 09)."""

from cs231n_kit.initialization import inverse_sqrt
from cs231n_kit.networks import Affine, AveragePool, Convolution, Flatten, Sequential, Tanh


def lenet5(classes: int = 10) -> Sequential:
    """LeNet-5 for grey images (1, 32, 32)   (LeCun et al., "Gradient-based learning applied to document recognition",
    1998), as it is built today: 61,706 parameters for ten classes.

    The paper has 60,000: it connects each filter of the second convolution to a chosen part of the six channels, gives
    each pooled channel a weight and a bias, scales the hyperbolic tangent, and ends in fixed prototypes of the digits.

    Returns the definition, not yet initialised. Weights start with variance 1/n, which suits the hyperbolic tangent
    (LeCun et al., "Efficient BackProp", 1998).
    """

    def convolution(filters):
        return Convolution(filters, 5, initialize=inverse_sqrt), Tanh()

    return Sequential(
        *(*convolution(6), AveragePool(2)),
        *(*convolution(16), AveragePool(2)),
        *(*convolution(120), Flatten()),
        *(Affine(84, initialize=inverse_sqrt), Tanh(), Affine(classes, initialize=inverse_sqrt)),
    )
