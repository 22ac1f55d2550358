"""Data sets for the lectures and assignments: ``load``, ``download`` and ``status``."""

from cs231n_kit.datasets.dataset import Dataset, DatasetError
from cs231n_kit.datasets.loading import DatasetStatus, download, load, status

__all__ = ["Dataset", "DatasetError", "DatasetStatus", "download", "load", "status"]
