"""Paths of layers: "0", and inside of arrangements "3.body.0"; an array's key is a path and a name, "3.body.0.w"."""


def layer_of(key: str) -> str:
    """The path of the layer that an array belongs to."""
    return key.rpartition(".")[0]


def paths_around(path: str) -> set[str]:
    """A layer's path and those of the arrangements that it is in: "3.body.0", "3.body" and "3"."""
    parts = path.split(".")
    return {".".join(parts[: i + 1]) for i in range(len(parts))}


def layers_inside(network, paths) -> set[str]:
    """The layers at these paths and inside of them, or all if there are no paths. Raises ValueError for others."""
    around = {path: paths_around(path) for path, _ in network.layers()}
    for path in paths:
        if not any(path in places for places in around.values()):
            raise ValueError(f"There is no layer {path!r}; the network has {', '.join(map(repr, around))}")
    return {path for path, places in around.items() if not paths or places & set(paths)}
