"""Prepare data for training   (lecture 06): centre, scale, rotate and whiten it, and draw altered copies of images.

Statistics come from the training data alone and are then applied to all: ``fit(X_train)`` once, ``transform(X)``
everywhere. float32 and float64 keep their type; pixels and other small integers become float32. Statistics are
computed in float64.
"""

from cs231n_kit.preprocessing.augmentation import color_jitter, random_crop, random_flip
from cs231n_kit.preprocessing.centering import ChannelMean, MeanImage, Standardize
from cs231n_kit.preprocessing.principal_components import PCA, Whitening

__all__ = [
    "PCA",
    "ChannelMean",
    "MeanImage",
    "Standardize",
    "Whitening",
    "color_jitter",
    "random_crop",
    "random_flip",
]
