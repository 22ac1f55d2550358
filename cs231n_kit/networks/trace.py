"""What a network does to shapes and receptive fields, found without any arrays."""

from dataclasses import dataclass

from cs231n_kit.networks.receptive_field import ReceptiveField


@dataclass(frozen=True)
class Signal:
    """The shape of one example somewhere in a network and, where the input is an image, what a unit there sees."""

    shape: tuple[int, ...]
    seen: ReceptiveField | None

    @classmethod
    def of_input(cls, shape):
        return cls(shape, ReceptiveField(shape[1:]) if len(shape) == 3 else None)


@dataclass(frozen=True)
class Row:
    """A place in a network: a layer, or where the branches of an arrangement meet. Shapes are those of one example."""

    path: str
    layer: object
    input_shape: tuple[int, ...]
    output: Signal
    multiply_adds: int = 0
    passed_on: bool = False  # whether the output is the input itself, and takes no memory
    auxiliary: bool = False  # whether it belongs to a head that only works in training
