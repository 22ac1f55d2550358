"""All races, family by family."""

from benchmarks import convolution, layers, neighbors, pooling, training
from benchmarks.harness import PYTORCH, torch


def all_races():
    """Those against PyTorch only where it is installed."""
    for family in (convolution, pooling, layers, training, neighbors):
        for race in family.races():
            if torch or not race.peer.startswith(PYTORCH):
                yield race
