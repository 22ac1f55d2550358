"""Kernels, one module an operation family."""
