"""The CUDA kernels beside PyTorch on the same GPU: ``make bench-gpu``, or ``python -m benchmarks.gpu --help``.

Needs CuPy, PyTorch and NumPy, and nothing else of the course's packages, so that it runs on a bare GPU server.
"""
