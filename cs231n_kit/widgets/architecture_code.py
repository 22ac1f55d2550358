"""An architecture playground as a program: the kit's code that builds the same network and trains it."""

from cs231n_kit.widgets.architecture_state import state_to_string
from cs231n_kit.widgets.architecture_training import make_optimizer, regularization

CHANGED = """\
# Settings changed while the network in the playground trained. This program trains with the present
# ones from the start, so its numbers are others.
"""
PROGRAM = """\
# ArchitecturePlayground(data, state="{origin}")
{changed}from tqdm import trange

{load}from cs231n_kit.networks import parse
from cs231n_kit.optimizers import Optimizer
from cs231n_kit.preprocessing import ChannelMean
from cs231n_kit.training import Trainer

{data}
mean = ChannelMean().fit(X_train)
scale = X_train.std(dtype="float64").astype("float32")


def inputs(images):
    return (mean.transform(images.astype("float32")) / scale).transpose(0, 3, 1, 2).copy()


network = parse("{architecture}", classes={classes}, filters={filters}, units={units})
network.initialize({input_shape}, rng={seed})
print(network.summary())

optimizer = Optimizer("{optimizer}"{settings})
trainer = Trainer(network, optimizer=optimizer, batch_size={batch_size}, epochs=1_000_000,{penalty}
                  seed={seed}, best_by=None, progress_bar=False, live_plot=False)
updates = trainer.steps(inputs(X_train), y_train)
for _ in trange({steps}, desc="Updates"):
    next(updates)
print(trainer.evaluate(inputs(X_val), y_val))
"""


def program(data, state, steps, changed=False, name=None):
    """Source code that builds a playground's network, trains it for so many updates and evaluates it.

    Run from a fresh start, its ``network`` has the parameters of the playground's after these updates, unless
    settings ``changed`` on the way. ``name`` is that of the data set, for ``cs231n_kit.datasets.load``; without one
    the program expects the user's own arrays.
    """
    arrays = "X_train, y_train, X_val, y_val"
    if name:
        subset = f'{{"train": {len(data.X_train)}, "val": {len(data.X_val)}}}'
        parts = ", ".join(f"data.{part.strip()}" for part in arrays.split(","))
        lines = f'data = load("{name}", {subset})\n{arrays} = {parts}'
    else:
        shape = ", ".join(map(str, data.image_shape))
        lines = f"# {arrays}: your own arrays; images are uint8 (N, {shape}).\n"
    settings = make_optimizer(state).config
    penalty = regularization(state)
    return PROGRAM.format(
        origin=state_to_string(state),
        changed=CHANGED if changed else "",
        load="from cs231n_kit.datasets import load\n" if name else "",
        data=lines,
        classes=len(data.class_names),
        input_shape=data.input_shape,
        settings="".join(f", {key}={value!r}" for key, value in settings.items()),
        penalty=f" regularization={penalty!r}," if penalty else "",
        steps=steps,
        **{key: state[key] for key in ("architecture", "filters", "units", "seed", "optimizer", "batch_size")},
    )
