"""Text as a sequence of characters, and networks that write it, one character after another   (lecture 10).

A network that reads and writes is, for example,

    Sequential(WordEmbedding(len(vocabulary), 16), LSTM(100), TemporalAffine(len(vocabulary)))

from the numbers of characters (N, T) to scores (N, T, V) for the character after each of them.
"""

import math
from numbers import Real

import numpy as np

from cs231n_kit.layers import lstm_step_forward, rnn_step_forward
from cs231n_kit.losses import temporal_softmax_loss
from cs231n_kit.networks import LSTM, RNN, Dropout, TemporalAffine, WordEmbedding
from cs231n_kit.networks.layer import check_count
from cs231n_kit.networks.paths import layer_of


class Vocabulary:
    """The V different characters of a text, in the order of their code points; each has its place as its number.

    Raises ValueError for an empty text.
    """

    def __init__(self, text: str):
        if not isinstance(text, str):
            raise TypeError(f"text must be a string, not {type(text).__name__}")
        if not text:
            raise ValueError("The text is empty: there are no characters to learn")
        self.characters = "".join(sorted(set(text)))
        self._numbers = {character: number for number, character in enumerate(self.characters)}

    def __len__(self):
        return len(self.characters)

    def __repr__(self):
        return f"Vocabulary({self.characters!r})"

    def encode(self, text: str) -> np.ndarray:
        """The numbers of a text's characters, int64 (L,). Raises ValueError for one that is not in the vocabulary."""
        unknown = next((character for character in text if character not in self._numbers), None)
        if unknown is not None:
            raise ValueError(
                f"The character {unknown!r} is not among the {len(self)} that the vocabulary was made of: "
                f"{self.characters!r}"
            )
        return np.array([self._numbers[character] for character in text], np.int64)

    def decode(self, numbers) -> str:
        """The text with these numbers, any sequence of integers from 0 to V - 1."""
        numbers = np.asarray(numbers, dtype=np.int64).ravel()
        if numbers.size and not 0 <= numbers.min() <= numbers.max() < len(self):
            raise ValueError(
                f"Characters have numbers from 0 to {len(self) - 1}, not {numbers.min()} to {numbers.max()}"
            )
        return "".join(self.characters[number] for number in numbers)


def windows(numbers, length: int, stride: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """All pieces of a sequence to learn from, and what follows each of their characters.

    numbers: integers (L,), as from ``Vocabulary.encode``.
    length: T, characters in a piece.
    stride: from the beginning of one piece to that of the next. 1 takes all, T leaves no two that overlap.

    Returns X and y, (N, T) each, with y[n, t] the character after X[n, t]; views, which cannot be written to.
    Raises ValueError unless there is at least one piece: L > T.
    """
    numbers = np.asarray(numbers)
    check_count("length", length)
    check_count("stride", stride)
    if numbers.ndim != 1 or len(numbers) <= length:
        raise ValueError(
            f"Pieces of {length} characters, and one that follows, need a sequence of at least {length + 1}; "
            f"numbers has the shape {numbers.shape}"
        )
    pieces = np.lib.stride_tricks.sliding_window_view(numbers, length + 1)[::stride]
    return pieces[:, :-1], pieces[:, 1:]


def character_loss(scores, y):
    """The mean cross-entropy of a character: scores (N, T, V), labels y (N, T).

    Returns the loss in nats, for which ``exp`` gives the number of characters that the network wavers between (its
    perplexity), and its gradient (N, T, V).
    """
    length = scores.shape[1]
    loss, gradient = temporal_softmax_loss(scores, y, np.ones(y.shape, bool))
    return loss / length, gradient / length


def probabilities(scores, temperature: float = 1.0):
    """softmax(scores / temperature) along the last axis, in float64.

    Below 1 the likely becomes likelier still, above 1 all become more alike. At temperature 0, the limit, the
    highest score has it all; several share it. Raises FloatingPointError where a score is NaN or infinite.
    """
    scores = np.asarray(scores, np.float64)
    _check_temperature(temperature)
    if not np.isfinite(scores).all():
        raise FloatingPointError("scores hold NaN or infinity: train the network anew, with a smaller learning rate")
    scores = scores - scores.max(axis=-1, keepdims=True)
    weights = np.exp(scores / temperature) if temperature > 0 else (scores == 0).astype(np.float64)
    return weights / weights.sum(axis=-1, keepdims=True)


class Reader:
    """Runs a recurrent network one step at a time; what its RNN and LSTM layers remember goes along.

    ``states`` maps the path of an RNN to h (N, H), that of an LSTM to (h, c); it is empty before the first step, and
    ``states.clear()`` forgets.

    Raises ValueError where the network has a layer that does not treat each step by itself.
    """

    def __init__(self, network):
        self.network, self.states, self._layers = network, {}, []
        for path, layer in enumerate(network.steps):
            if not isinstance(layer, RNN | LSTM | WordEmbedding | TemporalAffine | Dropout):
                raise ValueError(
                    f"Layer {path}, {layer!r}, cannot be run step by step; these can: WordEmbedding, RNN, LSTM, "
                    "TemporalAffine, Dropout"
                )
            keys = [key for key in network.parameters if layer_of(key) == str(path)]
            self._layers.append((str(path), layer, {key.split(".")[-1]: key for key in keys}))

    def read(self, x):
        """The scores (N, V) after one more step x: numbers of characters (N,), or vectors (N, D)."""
        out = np.asarray(x)
        for path, layer, keys in self._layers:
            own = {name: self.network.parameters[key] for name, key in keys.items()}
            if isinstance(layer, RNN):
                h = self.states.get(path, _zeros(out, layer))
                out = self.states[path] = rnn_step_forward(out, h, **own)[0]
            elif isinstance(layer, LSTM):
                h, c = self.states.get(path, (_zeros(out, layer), _zeros(out, layer)))
                self.states[path] = out, _ = lstm_step_forward(out, h, c, **own)[:2]
            elif not isinstance(layer, Dropout):  # which drops nothing now
                out = layer.forward(out[:, None], own, "test")[0][:, 0]
        return out


def next_probabilities(network, vocabulary: Vocabulary, prefix: str, temperature: float = 1.0):
    """How likely each character of the vocabulary is to follow the prefix, float64 (V,).

    Raises ValueError for an empty prefix and for characters that are not in the vocabulary.
    """
    return probabilities(_read(Reader(network), vocabulary, prefix), temperature)


def sample(network, vocabulary: Vocabulary, prefix: str, length: int, temperature: float = 1.0, rng=0) -> str:
    """Let the network write: each character is drawn from its probabilities, and read as the next input.

    prefix: what it reads first, at least one character; not part of the result.
    length: characters to write.
    temperature: see ``probabilities``; at 0 it writes the likeliest character each time.
    rng: a generator or seed.

    Raises ValueError as ``next_probabilities``.
    """
    check_count("length", length)
    _check_temperature(temperature)
    rng, reader = np.random.default_rng(rng), Reader(network)
    scores, written = _read(reader, vocabulary, prefix), []
    while len(written) < length:
        written.append(rng.choice(len(vocabulary), p=probabilities(scores, temperature)))
        scores = reader.read(written[-1:])[0]
    return vocabulary.decode(written)


def hidden_states(network, numbers, path: str) -> np.ndarray:
    """What the RNN or LSTM layer at a path holds after each character of a text: numbers (L,) to h (L, H)."""
    found = {}
    network.forward(np.asarray(numbers)[None], observe=found.__setitem__, cache=False)
    if path not in found:
        raise ValueError(f"the network has no layer {path!r}; it has {', '.join(found)}")
    return found[path][0]


def _read(reader, vocabulary, prefix):
    """Scores after all of a prefix, (V,)."""
    if not prefix:
        raise ValueError("The prefix is empty: the network must read at least one character before it can go on")
    for number in vocabulary.encode(prefix):
        scores = reader.read(number[None])
    return scores[0]


def _zeros(x, layer):
    return np.zeros((len(x), layer.units), x.dtype)


def _check_temperature(temperature):
    if isinstance(temperature, bool) or not isinstance(temperature, Real) or not 0 <= temperature < math.inf:
        raise ValueError(f"temperature must be a number from 0 up, not {temperature!r}")
