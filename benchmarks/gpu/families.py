"""All races on a GPU, family by family."""

from benchmarks.gpu import activation, convolution, loss, neighbors, normalization, pooling, update

SIZES = {  # large, so that launches count for little
    activation: dict(elements=1 << 26),
    pooling: dict(shape=(256, 64, 56, 56)),
    normalization: dict(vectors=(65_536, 1024), images=(256, 64, 56, 56)),
    loss: dict(N=65_536, C=1000),
    update: dict(layers=80, inputs=256, outputs=512),
    convolution: dict(shape=(64, 64, 32, 32), filters=64, size=3),
    neighbors: dict(
        queries=10_000, training_points=50_000, features=3_072, k=10,
        l1=(2_000, 5_000, 3_072), plane=20_000, votes=1_000_000,
    ),
}  # fmt: skip


def all_races(sizes=SIZES):
    """sizes: for each family the arguments of its ``races``."""
    for family, arguments in sizes.items():
        yield from family.races(**arguments)
