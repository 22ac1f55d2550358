"""One way through a network, forward or back."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np


class AuxiliaryScores(NamedTuple):
    """What the head of an ``Auxiliary`` made of a batch, and how much their loss counts."""

    scores: np.ndarray
    weight: float


@dataclass
class Pass:
    """A forward or backward pass: what layers find and what they leave, by path."""

    trained: set[str]  # layers and arrangements with parameters to train
    own: dict[str, dict]  # each layer's arrays by name
    mode: str = "test"
    caches: dict | None = None  # None: a forward pass that keeps none
    observe: Callable | None = None
    frozen: frozenset[str] = frozenset()  # layers that run in mode "test" in any case
    gradients: dict = field(default_factory=dict)
    auxiliary: dict = field(default_factory=dict)  # forward: AuxiliaryScores; back: the gradients of those scores
    idle: set[str] = field(default_factory=set)  # layers of heads that no gradient came to

    def show(self, path, array) -> None:
        if self.observe is not None:
            self.observe(path, array)
