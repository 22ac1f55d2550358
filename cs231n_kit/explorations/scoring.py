"""What lecture 06 compares losses on: the same features of the images, and the same small network for every loss."""

import math

import numpy as np
from threadpoolctl import threadpool_limits

from cs231n_kit.image_features import color_histograms_hsv, hog_features
from cs231n_kit.networks import Affine, ReLU, Sequential
from cs231n_kit.optimizers import Optimizer
from cs231n_kit.preprocessing import Standardize
from cs231n_kit.training import Trainer


def features(images, others):
    """Features of training images and of others, uint8 (N, H, W, C): two float32 arrays (N, D), and what they are.

    Of colour images the oriented gradients and hues of ``cs231n_kit.image_features``, of grey ones the pixels;
    standardised by the training images.
    """
    color = images.shape[-1] == 3

    def described(images):
        if color:
            return np.hstack([hog_features(images), color_histograms_hsv(images)])
        return images.reshape(len(images), -1).astype(np.float32)

    first = described(images)
    scaler = Standardize().fit(first)
    both = (scaler.transform(first), scaler.transform(described(others)))
    return *both, f"{first.shape[1]} {'gradients and hues' if color else 'pixels'}"


BATCH = 100


def trained(X, y, loss, outputs, *, hidden=0, updates=500, regularization=1e-2, learning_rate=2e-3, seed=0):
    """A network from features X (N, D) to so many scores, trained by Adam for a loss (scores, y) -> (loss, gradient).

    Without hidden units the scores are linear, X W + b; with them there is one layer of ReLUs between. So many updates
    are made, rounded up to whole epochs.
    """
    layers = [Affine(hidden), ReLU()] if hidden else []
    network = Sequential(*layers, Affine(outputs))
    network.initialize(X.shape[1], rng=seed)
    trainer = Trainer(
        network,
        loss,
        Optimizer("adam", learning_rate=learning_rate),
        batch_size=BATCH,
        epochs=math.ceil(updates / math.ceil(len(X) / BATCH)),
        regularization=regularization,
        seed=seed,
        metric=None,
        best_by=None,
        progress_bar=False,
        live_plot=False,
    )
    with threadpool_limits(1, user_api="blas"):  # products this small gain nothing from threads, and wait for them
        trainer.fit(X, y)
    return network
