"""Update rules over the many arrays of a network: in one launch, against a loop over the arrays."""

from benchmarks.gpu.race import DeviceRace, memory_bound, normal, tensor
from benchmarks.harness import PYTORCH, torch
from cs231n_kit.kernels import update_cuda

RATE = 0.1  # so large that a wrong step is seen
RULES = {  # hyperparameters, memory, PyTorch's optimizer and its hyperparameters
    "sgd": ({}, (), "SGD", {}),
    "sgd_momentum": ({"momentum": 0.9}, ("velocity",), "SGD", {"momentum": 0.9}),
    "nesterov": ({"momentum": 0.9}, ("velocity",), "SGD", {"momentum": 0.9, "nesterov": True}),
    "adagrad": ({"epsilon": 1e-8}, ("cache",), "Adagrad", {"eps": 1e-8}),
    "rmsprop": ({"decay_rate": 0.99, "epsilon": 1e-8}, ("cache",), "RMSprop", {"alpha": 0.99, "eps": 1e-8}),
    "adam": ({"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8}, ("m", "v"), "Adam", {}),
    "adamw": (
        {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8, "weight_decay": 0.01},
        ("m", "v"),
        "AdamW",
        {"weight_decay": 0.01},
    ),
}
FUSED = ("sgd", "sgd_momentum", "nesterov", "adagrad", "adam", "adamw")  # in PyTorch


def races(layers, inputs, outputs):
    """layers: matrices of inputs x outputs, 1 to 4 times as many inputs by turns, each with a vector of biases."""
    shapes = [shape for i in range(layers) for shape in ((inputs * (1 + i % 4), outputs), (outputs,))]
    elements = sum(rows * columns for rows, columns in shapes[::2]) + layers * outputs
    for rule, (_, memory, *_) in RULES.items():
        work = f"{rule} over {len(shapes)} arrays ({elements:,} numbers)"
        numbers = (3 + 2 * len(memory)) * elements  # read all, write all but the gradient
        looped = f"{PYTORCH}, an array at a time"
        yield DeviceRace(work, looped, _sides(rule, shapes, foreach=False), 0.5, bytes=4 * numbers)
        yield DeviceRace(work, "own kernel, an array at a time", _loop(rule, shapes), 0.5, bytes=4 * numbers)
        fused = {"fused": True} if rule in FUSED else {"foreach": True}
        peer = f"{PYTORCH}, {next(iter(fused))}"
        yield memory_bound(work, _sides(rule, shapes, **fused), numbers, peer=peer)


def _sides(rule, shapes, **how):
    _, _, name, settings = RULES[rule]

    def build():
        ours, copies, gradients = _ours(rule, shapes)
        weights = [tensor(array, gradient=True) for array in copies]
        for weight, gradient in zip(weights, gradients, strict=True):
            weight.grad = tensor(gradient)
        optimizer = getattr(torch.optim, name)(weights, lr=RATE, **settings, **how)

        def theirs():
            optimizer.step()
            return tuple(weights)

        return ours, theirs

    return build


def _loop(rule, shapes):
    def build():
        ours, weights, gradients = _ours(rule, shapes)
        configs = [_config(rule, array) for array in weights]

        def theirs():
            for weight, gradient, config in zip(weights, gradients, configs, strict=True):
                update_cuda.update(rule, [weight], [gradient], [config])
            return tuple(weights)

        return ours, theirs

    return build


def _ours(rule, shapes):
    """The update in one launch, and copies of the weights for the peer, with the gradients of both."""
    weights = [normal(*shape, seed=i) for i, shape in enumerate(shapes)]
    gradients = [normal(*shape, seed=len(shapes) + i) for i, shape in enumerate(shapes)]
    copies, configs = [array.copy() for array in weights], [_config(rule, array) for array in weights]

    def ours():
        update_cuda.update(rule, weights, gradients, configs)
        return tuple(weights)

    return ours, copies, gradients


def _config(rule, array):
    hyperparameters, memory, *_ = RULES[rule]
    count = {"t": 0} if rule.startswith("adam") else {}
    return {"learning_rate": RATE, **hyperparameters, **count, **{name: array * 0 for name in memory}}
