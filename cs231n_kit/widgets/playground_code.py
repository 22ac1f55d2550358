"""A network playground as a program: the kit's code that makes the same data, network and training."""

from functools import partial
from textwrap import fill

from cs231n_kit.widgets.playground_data import FEATURES
from cs231n_kit.widgets.playground_state import ACTIVATIONS, GENERATING, INITIALIZATIONS, is_preset, state_to_string
from cs231n_kit.widgets.playground_training import keep, make_optimizer

WIDTH = 100
CHANGED = """\
# Settings or data changed while the network in the playground trained. This program trains with the
# present ones from the start, so its numbers are others.
"""
EVALUATION = """\
    scores = network.scores(X_part)
    loss, _ = softmax_loss(scores, y_part)
    right = (scores.argmax(axis=1) == y_part).mean()
    print(f"{name}: loss {loss:.4f}, {right:.1%} right")
"""


def program(state, steps, changed=False):
    """Source code that trains a playground's network for so many steps, and prints loss and accuracy.

    Run from a fresh start, its ``network`` has the parameters of the playground's after these steps, bit by bit,
    unless settings or data ``changed`` on the way.
    """
    parts = [_imports(state), _data(state), _network(state), _training(state, steps), _evaluation(state)]
    origin = fill(f'NetworkPlayground(state="{state_to_string(state)}")', 10**6)
    return (CHANGED if changed else "") + f"# {origin}\n" + "\n".join(parts)


def _imports(state):
    layers = {
        "Affine",
        "Sequential",
        *(_name(layer) for layer in state["layers"]),
        *(["Dropout"] if _drops(state) else []),
    }
    used = {layer["initialize"] for layer in state["layers"]} | {state["output_initialize"]}
    functions = sorted({_function(INITIALIZATIONS[name]).__name__ for name in used})
    lines = ["from functools import partial", ""] if "large_normal" in used else []
    lines += [
        "import numpy as np",
        "",
        f"from cs231n_kit.initialization import {', '.join(functions)}",
        "from cs231n_kit.losses import softmax_loss",
        f"from cs231n_kit.networks import {', '.join(sorted(layers - {''}))}",
        "from cs231n_kit.optimizers import Optimizer",
    ]
    if is_preset(state):
        lines.append("from cs231n_kit.widgets.playground_data import split")
        lines.append("from cs231n_kit.widgets.presets import preset_points")
    return _lines(lines)


def _data(state):
    if is_preset(state):
        settings = ", ".join(f"{key}={state[key]!r}" for key in GENERATING[1:])
        lines = [
            f'points, y = preset_points("{state["preset"]}", {settings})',
            f"test = split(y, share={state['test_share']!r}, seed={state['seed']!r})",
        ]
    else:
        flat = [value for point in state["points"] for value in point]
        lines = [
            f"points = np.array([{_listed(flat)}]).reshape(-1, 2)",
            f"y = np.array([{_listed(state['labels'])}])",
            f"test = np.array([{_listed(map(int, state['test']))}]) == 1",
        ]
    features = ", ".join(FEATURES[name].code for name in state["features"])
    lines += [
        "x1, x2 = points.T",
        f"X = np.stack([{features}], axis=1).astype(np.float32)",
        "X_train, y_train, X_test, y_test = X[~test], y[~test], X[test], y[test]",
    ]
    return _lines(lines)


def _network(state):
    lines = ["network = Sequential("]
    for layer in state["layers"]:
        lines.append(f"    Affine({layer['units']}, initialize={_written(layer['initialize'])}),")
        if _name(layer):
            lines.append(f"    {_name(layer)}(),")
        if _drops(state):
            lines.append(f"    Dropout({keep(state)!r}),  # p is the probability of keeping a unit")
    lines += [
        f"    Affine({state['classes']}, initialize={_written(state['output_initialize'])}),",
        ")",
        f"network.initialize({len(state['features'])}, rng={state['network_seed']})",
    ]
    settings = "".join(f", {key}={value!r}" for key, value in make_optimizer(state).config.items())
    return _lines([*lines, f'optimizer = Optimizer("{state["optimizer"]}"{settings})'])


def _training(state, steps):
    l1, l2 = state["l1"], 0 if state["optimizer"] == "adamw" else state["l2"]
    size = state["batch_size"]
    lines = [
        f"rng = np.random.default_rng({state['network_seed']})",
        "rows = []  # what is left of the epoch",
        f"for step in range({steps}):",
        "    if not len(rows):",
        "        rows = rng.permutation(len(X_train))",
        f"    batch, rows = rows[:{size}], rows[{size}:]",
        '    scores = network.forward(X_train[batch], mode="train")',
        "    loss, dscores = softmax_loss(scores, y_train[batch])",
        "    network.backward(dscores)",
    ]
    if l1 or l2:
        terms = ([f"2 * {l2!r} * w"] if l2 else []) + ([f"{l1!r} * np.sign(w)"] if l1 else [])
        lines += [
            "    for name, w in network.parameters.items():",
            '        if name.endswith(".w"):  # biases are not regularised',
            f"            network.gradients[name] = network.gradients[name] + {' + '.join(terms)}",
        ]
    return _lines([*lines, "    optimizer.step(network.parameters, network.gradients)"])


def _evaluation(state):
    parts = '("training", X_train, y_train)' + (', ("test", X_test, y_test)' if any(state["test"]) else ",")
    return f"for name, X_part, y_part in ({parts}):\n{EVALUATION}"


def _drops(state):
    return state["dropout"] and state["layers"]


def _name(layer):
    activation = ACTIVATIONS[layer["activation"]]
    return activation.__name__ if activation else ""


def _function(initialize):
    return initialize.func if isinstance(initialize, partial) else initialize


def _written(initialize):
    function = INITIALIZATIONS[initialize]
    if not isinstance(function, partial):
        return function.__name__
    settings = ", ".join(f"{key}={value!r}" for key, value in function.keywords.items())
    return f"partial({function.func.__name__}, {settings})"


def _listed(values):
    text = ", ".join(map(str, values))
    return (
        text
        if len(text) < WIDTH - 30
        else "\n" + fill(text, WIDTH, initial_indent="    ", subsequent_indent="    ") + "\n"
    )


def _lines(lines):
    return "\n".join(lines) + "\n"
