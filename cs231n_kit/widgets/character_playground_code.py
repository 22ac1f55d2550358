"""A character playground as a program: the kit's code that builds the same network and trains it on the same text."""

from cs231n_kit.widgets.character_playground_training import EMBEDDING, WRITTEN, split

CHANGED = """\
# Settings changed while the network in the playground trained. This program trains with the present
# ones from the start, so its numbers are others.
"""
PROGRAM = """\
{changed}from tqdm import trange

from cs231n_kit.characters import Vocabulary, character_loss, sample, windows
from cs231n_kit.networks import {cell}, Sequential, TemporalAffine, WordEmbedding
from cs231n_kit.optimizers import Optimizer
from cs231n_kit.training import Trainer

text = (
{text}
)
vocabulary = Vocabulary(text)
numbers = vocabulary.encode(text)
X, y = windows(numbers[:{cut}], {length})

network = Sequential(
    WordEmbedding(len(vocabulary), {embedding}), {cell}({units}), TemporalAffine(len(vocabulary))
).initialize(({length},), rng={seed})
trainer = Trainer(network, character_loss, Optimizer("{optimizer}", learning_rate={learning_rate!r}),
                  batch_size={batch_size}, epochs=1_000_000,{clip} seed={seed}, best_by=None,
                  progress_bar=False, live_plot=False)
updates = trainer.steps(X, y)
for _ in trange({steps}, desc="Updates"):
    next(updates)

prefix = {prefix!r}
print(prefix + sample(network, vocabulary, prefix, {written}, temperature={temperature!r}, rng={draw}))
"""


def program(state, prefix, steps, changed=False):
    """Source code that builds a playground's network, trains it for so many updates and lets it write.

    prefix: what the network reads first. Run from a fresh start, its ``network`` has the parameters of the
    playground's after these updates, unless settings ``changed`` on the way.
    """
    cut, length = split(state)
    return PROGRAM.format(
        changed=CHANGED if changed else "",
        text="\n".join(f"    {line!r}" for line in state["text"].splitlines(keepends=True)),
        cut=cut,
        length=length,
        embedding=EMBEDDING,
        clip=f" clip_norm={state['clip_norm']!r}," if state["clip_norm"] else "",
        steps=steps,
        prefix=prefix,
        written=WRITTEN,
        **{
            key: state[key]
            for key in ("cell", "units", "seed", "optimizer", "learning_rate", "batch_size", "temperature", "draw")
        },
    )
