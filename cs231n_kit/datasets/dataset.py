"""What every data set looks like once it is loaded."""

from dataclasses import dataclass

import numpy as np


class DatasetError(Exception):
    """A data set is missing, damaged or could not be downloaded; the message says what to do."""


@dataclass(frozen=True, repr=False, eq=False)
class Dataset:
    """Images and labels in three splits.

    Images are uint8 arrays (N, H, W, C) with intensities 0 to 255, labels int64 arrays (N,) that index
    ``class_names``. ``source`` says in words where the images come from and how many they are.
    """

    name: str
    X_train: np.ndarray
    y_train: np.ndarray
    X_val: np.ndarray
    y_val: np.ndarray
    X_test: np.ndarray
    y_test: np.ndarray
    class_names: tuple[str, ...]
    source: str

    def __repr__(self) -> str:
        return f"Dataset({self.name}: {self.source})"
