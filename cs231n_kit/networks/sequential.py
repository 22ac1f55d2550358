"""A network: layers one after another, with the arrays that belong to them."""

from collections.abc import Callable
from numbers import Integral

import numpy as np

from cs231n_kit.arrays import array_module, as_floats
from cs231n_kit.networks import storage
from cs231n_kit.networks.arrangements import Chain
from cs231n_kit.networks.layer import Layer, batch_of, check_count
from cs231n_kit.networks.passes import AuxiliaryScores, Pass
from cs231n_kit.networks.paths import layer_of, layers_inside, paths_around
from cs231n_kit.networks.summary import Summary
from cs231n_kit.networks.trace import Row, Signal

LONG_WORK = 100_000_000_000  # multiply-adds that take about a second and deserve a progress bar


class Sequential(Chain):
    """A network of layers in order: ``Sequential(Convolution(32, 3, pad=1), ReLU(), Flatten(), Affine(10))``.

    Layers name their outputs only; ``initialize`` works out the inputs and makes the arrays. Layers are definitions
    and hold no arrays: one that stands in two places has different parameters there.

    A layer's path is its number, e.g. "0"; inside of arrangements paths grow: "3.body.0", "4.branch1.2". By path and
    name, such as "0.w", are kept

    ``parameters``
        the arrays to train, in a fixed order. An optimiser updates them in place.
    ``trainable``
        those of them that are not frozen.
    ``gradients``
        the same keys as ``trainable``, after ``backward``.
    ``statistics``
        running means and variances, which are saved with the parameters but not trained.
    ``auxiliary``
        after a forward pass in mode "train", the ``(scores, weight)`` of each ``Auxiliary``, by its path.

    ``frozen`` holds the paths of layers that stay as they are: see ``freeze``. ``input_shape`` and ``dtype`` are None
    until ``initialize``.
    """

    def __init__(self, *steps):
        super().__init__(*steps)
        self.input_shape: tuple[int, ...] | None = None
        self.dtype: np.dtype | None = None
        self.frozen: frozenset[str] = frozenset()
        self.parameters: dict[str, np.ndarray] = {}
        self.gradients: dict[str, np.ndarray] = {}
        self.statistics: dict[str, np.ndarray] = {}
        self._generators: dict[str, np.random.Generator] = {}
        self._rows: dict[str, Row] = {}  # of the layers, for input_shape
        self._own_names: dict[str, tuple[str, ...]] = {}
        self._forget_pass()

    def initialize(self, input_shape, rng=0, dtype=np.float32) -> "Sequential":
        """Make all arrays anew, and return the network.

        input_shape: the shape of one example, without the batch axis: (3, 32, 32), (784,), or (T,) for words.
        rng: a generator or seed; the same seed gives the same network.
        dtype: of parameters, and so of all that the network computes: float32 or float64.

        Raises ValueError, with the layer's path, where layers do not fit together, and TypeError for other types.
        """
        if np.dtype(dtype) not in (np.float32, np.float64):
            raise TypeError(f"dtype must be float32 or float64, not {np.dtype(dtype)}")
        rows = {row.path: row for row in self._trace(input_shape) if isinstance(row.layer, Layer)}
        rng = np.random.default_rng(rng)
        parameters, statistics, generators, names = {}, {}, {}, {}
        for path, row in rows.items():
            trained, running = row.layer.parameters(row.input_shape), row.layer.statistics(row.input_shape)
            names[path] = (*trained, *running)
            for made, into in ((trained, parameters), (running, statistics)):
                into |= {f"{path}.{name}": one.make(f"{path}.{name}", rng, dtype) for name, one in made.items()}
            if row.layer.needs_generator:
                generators[path] = np.random.default_rng(int(rng.integers(2**63)))
        self.input_shape, self.dtype = _shape(input_shape), np.dtype(dtype)
        self.parameters, self.statistics, self.gradients = parameters, statistics, {}
        self._generators, self._rows, self._own_names = generators, rows, names
        self._forget_pass()
        return self

    def forward(self, x, mode="test", observe: Callable | None = None, cache=True):
        """The scores for a batch.

        x: (N, *input_shape); converted to the network's dtype, except words. Other heights, widths and lengths are
            welcome where all parameters fit them, as in a network of convolutions.
        mode: "train" drops units, normalises by the batch and asks auxiliary heads for their scores; "test" uses
            running statistics. Frozen layers are always in mode "test".
        observe: called as ``observe(path, array)`` with the output of every layer, and of ``Residual`` and
            ``Parallel`` where their branches meet, and of ``Auxiliary``. It must not change the arrays.
        cache: False keeps nothing for ``backward``, which saves memory. With True, backward works in both modes.

        Raises ValueError where x does not fit, naming the layer that cannot take it.
        """
        self._check_initialized()
        if mode not in ("train", "test"):
            raise ValueError(f'mode must be "train" or "test", not {mode!r}')
        x = self._batch(x)
        self._forget_pass()  # frees memory before more is taken
        run = self._pass(mode=mode, observe=observe, caches={} if cache else None)
        out = self.propagate(x, "", run)
        self._caches, self._output_shape, self.auxiliary = run.caches, out.shape, run.auxiliary
        return out

    def backward(self, dout, input_gradient=False, observe: Callable | None = None, auxiliary: dict | None = None):
        """Fill ``gradients`` for the batch of the last forward pass.

        dout: the loss's gradient with respect to what ``forward`` returned, of the same shape.
        input_gradient: True returns dx, of the shape of x. Otherwise the result is None, and work that only dx needs
            is left out: all layers before the first trainable parameters, and the input gradient of that layer.
        observe: called as ``observe(path, array)`` with the gradient at the output of every layer that takes part.
        auxiliary: the loss's gradients with respect to the scores in ``network.auxiliary``, by the same paths; what is
            left out counts as 0.
        """
        self._check_initialized()
        if self._output_shape is None:
            raise RuntimeError("backward goes the way of a forward pass back: call forward(x) first")
        if self._caches is None:
            raise RuntimeError("the last forward pass kept nothing for backward: call forward without cache=False")
        dout = array_module(dout).asarray(dout, self.dtype)
        if dout.shape != self._output_shape:
            raise ValueError(f"dout must have the shape of the scores, {self._output_shape}, not {dout.shape}")
        run = self._pass(observe=observe, caches=self._caches, auxiliary=self._auxiliary_gradients(auxiliary or {}))
        dx = self.propagate_back(dout, "", run, input_gradient)
        trainable = self.trainable
        idle = {key: w for key, w in trainable.items() if layer_of(key) in run.idle}
        run.gradients |= {key: array_module(w).zeros_like(w) for key, w in idle.items()}
        missing = [key for key in trainable if key not in run.gradients]
        if missing:
            raise RuntimeError(f"no layer's backward returned the gradient of {', '.join(missing)}")
        self.gradients = {key: run.gradients[key] for key in trainable}
        return dx if input_gradient else None

    def scores(self, X, batch_size=200, progress: bool | None = None):
        """``forward`` in test mode for any number of examples, a batch at a time, keeping nothing for ``backward``.

        ``progress`` switches the progress bar on or off; left out, work of more than about a second shows one.
        """
        self._check_initialized()
        check_count("batch_size", batch_size)
        X = array_module(X).asarray(X)
        self._check_shape(X)
        starts = range(0, len(X), batch_size)
        if progress is None:
            progress = len(X) * sum(row.multiply_adds for row in self._rows.values()) > LONG_WORK
        if progress:
            from tqdm.auto import tqdm

            starts = tqdm(starts, desc="Scores", unit="batch")
        batches = [self.forward(X[i : i + batch_size], cache=False) for i in starts]
        return array_module(*batches).concatenate(batches)

    def predict(self, X, batch_size=200, progress: bool | None = None):
        """The number of the class with the highest score for each example; arguments as for ``scores``."""
        return self.scores(X, batch_size, progress).argmax(axis=-1)

    def layers(self):
        """(path, layer) of each layer, arrangements opened, in the order of the forward pass."""
        return self.leaves("")

    @property
    def trainable(self) -> dict[str, np.ndarray]:
        """The parameters of layers that are not frozen."""
        return {key: w for key, w in self.parameters.items() if layer_of(key) not in self.frozen}

    def freeze(self, *paths) -> "Sequential":
        """Let the layers at these paths, and inside of them, stay exactly as they are; returns the network.

        paths: such as "0", or "3" for all of an arrangement; none for the whole network. Before or after
            ``initialize``, which makes new arrays but leaves frozen what is frozen.

        Training moves nothing in frozen layers: ``backward`` gives them no gradients, so that no optimiser updates
        them, and goes no further back than the first layer with something to train, which saves time. They run in
        mode "test" in a training pass too: batch normalisation uses its running statistics and does not update them,
        dropout drops nothing. A file that ``save`` writes does not say what is frozen.

        Raises ValueError for a path that the network has not.
        """
        self.frozen = self.frozen | layers_inside(self, paths)
        return self

    def unfreeze(self, *paths) -> "Sequential":
        """Train the layers at these paths, and inside of them, again; none for all. Arguments as for ``freeze``."""
        self.frozen = self.frozen - layers_inside(self, paths)
        return self

    def summary(self, input_shape=None) -> Summary:
        """A table of all layers: shapes, parameters, multiply-adds, activation memory and receptive field.

        input_shape: as for ``initialize``, and the one given there if left out. No arrays are made: a definition of
        any size can be asked before it is initialised.
        """
        if input_shape is None:
            self._check_initialized("or give the summary an input_shape")
            input_shape = self.input_shape
        itemsize = np.dtype(self.dtype or np.float32).itemsize
        return Summary.of(self._trace(input_shape), _shape(input_shape), itemsize, self.frozen)

    def save(self, path) -> None:
        """Write parameters and statistics to an .npz file, which takes its place in one step or not at all."""
        self._check_initialized()
        storage.save(path, self.parameters | self.statistics)

    def load(self, path) -> "Sequential":
        """Read what ``save`` wrote into this network's arrays, in place, and return the network.

        Raises ValueError, and changes nothing, where the file is damaged, or entries are missing, unknown to this
        network, or of another shape.
        """
        self._check_initialized()
        storage.load(path, self.parameters | self.statistics)
        self._forget_pass()
        return self

    def copy_from(self, other: "Sequential", *paths) -> "Sequential":
        """Copy parameters and statistics of the layers at these paths from another network, in place.

        paths: as for ``freeze``; in both networks they must lead to layers with arrays of the same names and shapes,
            as where ``Sequential(body, Affine(6))`` lends its body, "0", to ``Sequential(body, Affine(4))``.

        Returns this network. Raises ValueError, and changes nothing, where something does not fit.
        """
        chosen, lent = self._arrays(paths), other._arrays(paths)
        storage.fill(chosen, lent, f"What is to be copied of {', '.join(map(repr, paths)) or 'the other network'}")
        self._forget_pass()
        return self

    def random_state(self) -> dict[str, dict]:
        """The states of the generators that dropout draws from, by path: plain numbers and strings."""
        return {path: generator.bit_generator.state for path, generator in self._generators.items()}

    def set_random_state(self, state: dict[str, dict]) -> None:
        """Go on from what ``random_state`` returned."""
        if state.keys() != self._generators.keys():
            raise ValueError(
                f"the random state is for layers {sorted(state)}, but this network draws in {sorted(self._generators)}"
            )
        for path, generator in self._generators.items():
            generator.bit_generator.state = state[path]

    def _trace(self, input_shape) -> list[Row]:
        rows = []
        self.trace(Signal.of_input(_shape(input_shape)), "", rows)
        return rows

    def _pass(self, **settings) -> Pass:
        arrays = self.parameters | self.statistics
        own = {path: {name: arrays[f"{path}.{name}"] for name in names} for path, names in self._own_names.items()}
        for path, generator in self._generators.items():
            own[path]["generator"] = generator
        trained = {place for key in self.trainable for place in paths_around(layer_of(key))}
        return Pass(trained, own, frozen=self.frozen, **settings)

    def _forget_pass(self) -> None:
        self._caches = self._output_shape = None
        self.auxiliary: dict[str, AuxiliaryScores] = {}

    def _auxiliary_gradients(self, given) -> dict[str, np.ndarray]:
        """The gradients of auxiliary scores, checked, as arrays of the network's dtype."""
        gradients = {}
        for path, gradient in given.items():
            if path not in self.auxiliary:
                raise ValueError(
                    f"auxiliary has a gradient for {path!r}, but the last forward pass made auxiliary scores for "
                    f'{list(self.auxiliary)}; only passes in mode "train" make any'
                )
            scores = self.auxiliary[path].scores
            gradients[path] = array_module(gradient).asarray(gradient, self.dtype)
            if gradients[path].shape != scores.shape:
                raise ValueError(
                    f"the gradient of the auxiliary scores {path!r} must have their shape, {scores.shape}, not "
                    f"{gradients[path].shape}"
                )
        return gradients

    def _arrays(self, paths) -> dict[str, np.ndarray]:
        """Parameters and statistics of the layers at these paths and inside of them."""
        self._check_initialized()
        inside = layers_inside(self, paths)
        return {key: array for key, array in (self.parameters | self.statistics).items() if layer_of(key) in inside}

    def _check_initialized(self, otherwise=""):
        if self.input_shape is None:
            raise RuntimeError(
                "this network is only a definition so far: call initialize(input_shape) first"
                + (f", {otherwise}" if otherwise else "")
            )

    def _batch(self, x):
        """x, checked, as an array of the network's dtype; words stay integers."""
        x = array_module(x).asarray(x)
        self._check_shape(x)
        if any(layer.takes_words for _, layer in self.layers()):
            return x
        return as_floats("x", x).astype(self.dtype, copy=False)

    def _check_shape(self, x):
        """Raise ValueError unless every layer can take what reaches it."""
        if x.shape[1:] == self.input_shape and len(x):
            return
        expected = f"The network was initialised for {batch_of(self.input_shape)}, and got x {x.shape}"
        if x.shape == self.input_shape:
            raise ValueError(f"{expected}: a single example is x[None]")
        if 0 in x.shape or x.ndim < 2:
            raise ValueError(f"{expected}: x must be a batch of at least one example")
        try:
            rows = self._trace(x.shape[1:])
        except ValueError as error:
            raise ValueError(f"{expected}. {error}") from None
        for row in rows:
            known = self._rows.get(row.path)
            if known and _shapes(row) != _shapes(known):
                raise ValueError(
                    f"{expected}. Layer {row.path}, {row.layer!r}, would get inputs {batch_of(row.input_shape)}, but "
                    f"its parameters are for {batch_of(known.input_shape)}"
                )


def _shapes(row) -> dict[str, tuple]:
    return {name: parameter.shape for name, parameter in row.layer.parameters(row.input_shape).items()}


def _shape(input_shape) -> tuple[int, ...]:
    shape = tuple(input_shape) if np.iterable(input_shape) and not isinstance(input_shape, str) else (input_shape,)
    if not shape or not all(isinstance(n, Integral) and not isinstance(n, bool) and n > 0 for n in shape):
        raise ValueError(
            f"input_shape must be the shape of one example, such as (3, 32, 32) or (784,), not {input_shape!r}"
        )
    return tuple(map(int, shape))
