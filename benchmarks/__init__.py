"""The kit's speed and memory beside those of its peers: ``make bench``, or ``python -m benchmarks --help``."""
