"""A training in one npz file, from which it goes on to the same numbers. Arrays and JSON text, no pickle."""

import json
import zipfile
import zlib
from dataclasses import fields
from pathlib import Path

import numpy as np

from cs231n_kit.arrays import array_module
from cs231n_kit.networks import storage
from cs231n_kit.training.history import History
from cs231n_kit.training.interrupts import interrupts_wait
from cs231n_kit.training.progress import Totals
from cs231n_kit.training.snapshot import Snapshot

FORMAT = "cs231n-kit training 1"
HISTORY = [field.name for field in fields(History) if field.default_factory is list]


class CheckpointError(ValueError):
    """A file is no checkpoint, is damaged, or belongs to another network or training."""


def save(trainer, path) -> None:
    """Write all that the trainer and its network consist of, except for data, functions and settings."""
    network, history, totals = trainer.network, trainer.history, trainer.totals
    facts = _made_of(trainer) | {
        "step_count": trainer.step_count,
        "epoch": trainer.epoch,
        "batch": trainer.batch,
        "epoch_of": trainer.epoch_of,
        "totals": [totals.loss, float(totals.metric), totals.samples],
        "best_epoch": history.best_epoch,
        "random_state": network.random_state(),
    }
    groups = {
        "parameters": network.parameters,
        "statistics": network.statistics,
        "optimizer": trainer.optimizer.state(),
        "history": {name: getattr(history, name) for name in HISTORY},
        "update_ratios": history.update_ratios,
    }
    if trainer.best is not None:
        groups |= {"best_parameters": trainer.best.parameters, "best_statistics": trainer.best.statistics}
    _write(path, facts, groups)


def load(trainer, path, epoch_of: dict | None = None) -> None:
    """Bring trainer and network to the state that was saved; both stay as they are where anything does not fit.

    epoch_of: the samples and batch size that the training must have begun with, where they are known.
    """
    network = trainer.network
    facts, groups = _read(path)
    for name, value in _made_of(trainer).items():
        found = facts.get(name, [])  # a file that says nothing of frozen layers is of a training without any
        if found != value:
            raise CheckpointError(f"{path} is of a training with {name} = {found!r}, but here it is {value!r}")
    if epoch_of not in (None, facts["epoch_of"]):
        raise CheckpointError(f"{path} is of a training with {facts['epoch_of']}, but here it is {epoch_of}")
    saved, best = Snapshot(network), None
    _fill(saved, path, groups["parameters"], groups["statistics"])
    if facts["best_epoch"] is not None:
        best = Snapshot(network)
        _fill(best, path, groups["best_parameters"], groups["best_statistics"])
    if facts["random_state"].keys() != saved.random_state.keys():
        raise CheckpointError(f"{path} is of a network whose dropout layers stand in other places")
    saved.random_state = facts["random_state"]
    history = History(facts["metric_name"], best_epoch=facts["best_epoch"])
    for name in HISTORY:
        setattr(history, name, groups["history"][name].tolist())
    history.update_ratios = {name: ratios.tolist() for name, ratios in groups["update_ratios"].items()}
    with interrupts_wait():
        trainer.optimizer.load_state(groups["optimizer"], network.parameters)  # checks before it changes anything
        saved.restore(network)
        trainer.best, trainer.history, trainer.totals = best, history, Totals(*facts["totals"])
        trainer.step_count, trainer.epoch, trainer.batch = facts["step_count"], facts["epoch"], facts["batch"]
        trainer.epoch_of = facts["epoch_of"]


def resume(trainer, path) -> bool:
    """Load the checkpoint, and say so, if there is one. Raises CheckpointError, as ``load``, if it does not fit."""
    if not Path(path).exists():
        return False
    try:
        load(trainer, path, trainer.epoch_of)
    except CheckpointError as error:
        raise CheckpointError(f"{error}. To begin anew, delete the file, or keep this training in another") from error
    state = "is complete" if trainer.epoch >= trainer.epochs else f"goes on after {trainer.step_count:,} updates"
    print(f"The training kept in {path} {state}. To begin anew, delete that file.")
    return True


def _made_of(trainer) -> dict:
    """The settings that must be the same for training to go on to the same numbers, as far as JSON can hold them."""
    return {
        "seed": trainer.seed,
        "batch_size": trainer.batch_size,
        "optimizer": trainer.optimizer.rule.__name__,
        "regularization": trainer.regularization,
        "clip_norm": trainer.clip_norm,
        "best_by": trainer.best_by,
        "metric_name": trainer.history.metric_name,
        "frozen": sorted(trainer.network.frozen),
    }


def _fill(snapshot, path, parameters, statistics):
    """Put saved arrays into a snapshot of the network. Raises CheckpointError where they are of another network."""
    for what, kept, found in (
        ("parameter", snapshot.parameters, parameters),
        ("statistic", snapshot.statistics, statistics),
    ):
        for name in kept.keys() ^ found.keys():
            has, lacks = ("the network", path) if name in kept else (path, "the network")
            raise CheckpointError(f"{path} is of another network: {has} has the {what} {name!r} and {lacks} has not")
        for name, array in kept.items():
            if found[name].shape != array.shape or found[name].dtype != array.dtype:
                raise CheckpointError(
                    f"{path} is of another network: its {what} {name!r} is {found[name].dtype} of shape "
                    f"{found[name].shape}, here it is {array.dtype} of shape {array.shape}"
                )
            array[...] = array_module(array).asarray(found[name])


def _write(path, facts, groups) -> None:
    """Write facts, which JSON can hold, and groups of arrays. The file appears complete or not at all."""
    arrays = {f"{group}/{name}": array for group, named in groups.items() for name, array in named.items()}
    facts = json.dumps({"format": FORMAT, "groups": list(groups), **facts})
    storage.save(path, {"facts": np.array(facts)} | arrays)


def _read(path) -> tuple[dict, dict[str, dict]]:
    """The facts and groups that were written. Raises CheckpointError for any other file."""
    try:
        with np.load(path, allow_pickle=False) as file:
            facts = json.loads(str(file["facts"]))
            groups = {group: {} for group in facts["groups"]}
            for entry in file.files:
                if entry != "facts":
                    group, _, name = entry.partition("/")
                    groups[group][name] = file[entry]
    except (KeyError, TypeError, AttributeError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise CheckpointError(f"{path} is not a checkpoint that Trainer.save wrote, or is damaged: {error}") from error
    if facts.get("format") != FORMAT:
        raise CheckpointError(f"{path} has the format {facts.get('format')!r}; this version reads {FORMAT!r}")
    return facts, groups
