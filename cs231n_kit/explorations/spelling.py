"""Lecture 10: a network that spells what it sees: image features become h₀ of an RNN that writes letters."""

import numpy as np

from cs231n_kit.characters import Vocabulary
from cs231n_kit.clipping import clip_by_norm
from cs231n_kit.initialization import inverse_sqrt
from cs231n_kit.layers import (
    affine_backward,
    affine_forward,
    rnn_backward,
    rnn_forward,
    temporal_affine_backward,
    temporal_affine_forward,
    word_embedding_backward,
    word_embedding_forward,
)
from cs231n_kit.losses import temporal_softmax_loss
from cs231n_kit.optimizers import Optimizer
from cs231n_kit.plots import RIGHT, WRONG, new_figure, show_image

START, END = "<", ">"
DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
EMBEDDING, UNITS = 8, 64
TITLES = ("right", "another name", "no name")  # what was spelled


def captions_of(names):
    """Words as numbers of letters: "<cat>", filled up with ">" to the longest.

    Returns the ``Vocabulary``, the words as int64 (C, T + 1), and a mask, bool (C, T): which of the T letters after "<"
    belong to a word, its ">" included.
    """
    longest = max(map(len, names)) + 2
    padded = [f"{START}{name}{END}".ljust(longest, END) for name in names]
    vocabulary = Vocabulary("".join(padded))
    mask = np.arange(1, longest) <= np.array([[len(name) + 1] for name in names])
    return vocabulary, np.stack([vocabulary.encode(word) for word in padded]), mask


class Speller:
    """An RNN that begins with h₀ = features · W + b and writes a word; made of the kit's layers one by one.

    features: how many numbers describe an image; characters: the size of the vocabulary. ``parameters`` holds the
    arrays, float32.
    """

    def __init__(self, features, characters, rng=0, dtype=np.float32):
        rng = np.random.default_rng(rng)
        shapes = {
            "W": (features, UNITS),
            "embedding": (characters, EMBEDDING),
            "Wx": (EMBEDDING, UNITS),
            "Wh": (UNITS, UNITS),
            "scores": (UNITS, characters),
        }
        self.parameters = {name: inverse_sqrt(shape, rng, dtype) for name, shape in shapes.items()}
        for name, size in {"W_bias": UNITS, "b": UNITS, "scores_bias": characters}.items():
            self.parameters[name] = np.zeros(size, dtype)

    def loss(self, features, words, mask):
        """The loss of writing words (N, T + 1) for features (N, F), and its gradients by name; mask (N, T) as above.

        Each step reads the right letter before it, not one of its own (teacher forcing).
        """
        p = self.parameters
        h0, affine = affine_forward(features, p["W"], p["W_bias"])
        x, embedding = word_embedding_forward(words[:, :-1], p["embedding"])
        h, recurrent = rnn_forward(x, h0, p["Wx"], p["Wh"], p["b"])
        scores, last = temporal_affine_forward(h, p["scores"], p["scores_bias"])
        loss, dscores = temporal_softmax_loss(scores, words[:, 1:], mask)
        g = {}
        dh, g["scores"], g["scores_bias"] = temporal_affine_backward(dscores, last)
        dx, dh0, g["Wx"], g["Wh"], g["b"] = rnn_backward(dh, recurrent)
        g["embedding"] = word_embedding_backward(dx, embedding)
        _, g["W"], g["W_bias"] = affine_backward(dh0, affine)
        return loss, g

    def fit(self, features, words, mask, updates=400, batch_size=50, seed=0):
        """Train with Adam on random batches of features (N, F), words (N, T + 1), mask (N, T); returns the losses."""
        rng, optimizer, losses = np.random.default_rng(seed), Optimizer("adam", learning_rate=0.003), []
        for _ in range(updates):
            rows = rng.integers(0, len(features), batch_size)
            loss, gradients = self.loss(features[rows], words[rows], mask[rows])
            optimizer.step(self.parameters, clip_by_norm(gradients, 5.0)[0])
            losses.append(loss)
        return losses

    def spell(self, features, vocabulary, longest=12):
        """The words for features (N, F), the likeliest letter each time, fed back as the next input."""
        p = self.parameters
        h, _ = affine_forward(features, p["W"], p["W_bias"])
        letters = np.full(len(features), vocabulary.encode(START)[0])
        written = []
        for _ in range(longest):
            x, _ = word_embedding_forward(letters[:, None], p["embedding"])
            h = rnn_forward(x, h, p["Wx"], p["Wh"], p["b"])[0][:, 0]
            letters = affine_forward(h, p["scores"], p["scores_bias"])[0].argmax(axis=1)
            written.append(letters)
        return [vocabulary.decode(word).split(END)[0] for word in np.stack(written, axis=1)]


def spelling_figure(images, spelled, y, names, columns=8):
    """Images with what was spelled above them: some told right, some called by another name, some by no name at all."""
    kinds = [0 if word == names[label] else 1 if word in names else 2 for word, label in zip(spelled, y, strict=True)]
    rows = {title: [n for n, k in enumerate(kinds) if k == kind][:columns] for kind, title in enumerate(TITLES)}
    rows = {title: row for title, row in rows.items() if row}
    figure, axes = new_figure(1.25 * columns + 1, 1.5 * len(rows), len(rows), columns, squeeze=False)
    for line, (title, row) in zip(axes, rows.items(), strict=True):
        for ax in line:
            ax.axis("off")
        line[0].text(-0.25, 0.5, title, transform=line[0].transAxes, ha="right", va="center", fontsize=11)
        for ax, n in zip(line, row, strict=False):
            show_image(ax, images[n], spelled[n] or "(nothing)", RIGHT if kinds[n] == 0 else WRONG)
    return figure
