"""The CS231n helper kit."""

__version__ = "0.1.0"
