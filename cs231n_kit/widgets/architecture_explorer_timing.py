"""How long each layer of a network takes on this machine, measured beside the notebook in a thread."""

import platform
import statistics
import threading
import time

import numpy as np

from cs231n_kit.kernels.parallel import available_cores
from cs231n_kit.networks import Sequential
from cs231n_kit.networks.timing import timed_pass
from cs231n_kit.widgets.guarded_call import printing_kept

RUNS = 5  # of which the median counts
LONGEST = 12.0  # seconds after which no further run begins
LARGEST = {"parameters": 200_000_000, "multiply_adds": 60_000_000_000, "memory": 1_000_000_000}  # memory in bytes


class _Stopped(Exception):
    pass


class _TooLarge(Exception):
    pass


class Measurement:
    """Times by network, and the measuring that is under way.

    Args:
        changed: called without arguments, in the measuring thread, whenever there is something new.

    ``results`` maps names to {path: seconds}, the median over several forward passes of one example in mode "test";
    ``runs`` to how many they were. ``progress`` says in words what is being done, or what went wrong, or is "".
    """

    def __init__(self, changed):
        self._changed = changed
        self.results, self.runs = {}, {}
        self.progress, self.done = "", 0.0
        self._thread = None

    @property
    def running(self):
        return self._thread is not None

    def start(self, networks):
        """Measure ``Explored`` networks, one after the other; nothing where that is under way."""
        if self._thread is None:
            thread = threading.Thread(target=self._measure, args=(list(networks),), name="layer times", daemon=True)
            self._thread, self.done, self.progress = thread, 0.0, "Making the parameters …"
            thread.start()

    def stop(self):
        """End the measuring after the pass that is under way; networks that are done keep their times."""
        self._thread, self.progress = None, ""

    def wait(self):
        """Wait until the measuring ends; an interrupt stops it."""
        thread = self._thread
        try:
            while thread is not None and thread.is_alive():
                thread.join(0.1)
        except BaseException:
            self.stop()
            raise

    def forget(self, name):
        """Forget the times of a network that has become another one."""
        self.results.pop(name, None)

    def _measure(self, networks):
        with printing_kept():
            try:
                for i, explored in enumerate(networks):
                    self._one(explored, i / len(networks), 1 / len(networks))
                self._say("", 1.0)
            except _Stopped:
                return
            except (_TooLarge, MemoryError) as error:
                self.progress = f"That is too large to be measured here: {error}."
            except Exception as error:  # of a layer that a student wrote
                self.progress = f"This network does not run: {error}"
            finally:
                if self._is_current():
                    self._thread = None
                    self._changed()

    def _one(self, explored, before, share):
        self._say(f"{explored.name}: making the parameters …", before)
        _check_size(explored)
        network = Sequential(*explored.network.steps).initialize(explored.input_shape, rng=0)
        x = np.random.default_rng(0).standard_normal((1, *explored.input_shape), dtype=np.float32)
        if any(layer.takes_words for _, layer in network.layers()):
            x = np.zeros(x.shape, np.int64)
        self._say(f"{explored.name}: a first pass, which does not count …", before + 0.3 * share)
        timed_pass(network, x)
        taken, start = [], time.monotonic()
        while len(taken) < RUNS and (not taken or time.monotonic() - start < LONGEST):
            done = before + share * (0.5 + 0.5 * len(taken) / RUNS)
            self._say(f"{explored.name}: pass {len(taken) + 1} of {RUNS} …", done)
            taken.append(timed_pass(network, x))
        self.results[explored.name] = {path: statistics.median(run[path] for run in taken) for path in taken[0]}
        self.runs[explored.name] = len(taken)

    def _say(self, words, done):
        if not self._is_current():
            raise _Stopped
        self.progress, self.done = words, done
        self._changed()

    def _is_current(self):
        return self._thread is threading.current_thread()


def _check_size(explored):
    for quantity, most in LARGEST.items():
        amount = explored.block.amount(quantity)
        if amount > most:
            name = {"memory": "bytes of outputs"}.get(quantity, quantity.replace("_", "-"))
            raise _TooLarge(f"{explored.name} has {amount:,} {name}, at most {most:,} are tried")


def machine():
    """This machine in words: "2 cores, x86_64"."""
    usable = available_cores()
    return f"{usable} core{'s' * (usable > 1)}, {platform.machine() or 'unknown processor'}"
