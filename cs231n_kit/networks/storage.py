"""Arrays by name in an .npz file, without pickle."""

import os
import zipfile
import zlib
from pathlib import Path

import numpy as np

from cs231n_kit.arrays import array_module, to_host

LISTED = 5  # names in an error message; a wrong file can have hundreds


def save(path, arrays: dict) -> None:
    """Write the arrays to ``path``: beside it first, then renamed, so that an interruption leaves what was there."""
    path = Path(path)
    if not path.parent.is_dir():
        raise FileNotFoundError(f"The folder {path.parent} does not exist: create it before saving {path.name} there")
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with open(beside, "wb") as file:
            np.savez(file, **{name: to_host(array) for name, array in arrays.items()})
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)


def load(path, arrays: dict) -> None:
    """Fill the arrays, in place, with those of the same names in the file, once all is known to fit."""
    stored = _read(path)
    problems = _names("lacks", [name for name in arrays if name not in stored])
    problems += _names("has the unknown", [name for name in stored if name not in arrays])
    problems += [
        f"its {name} has the shape {stored[name].shape}, but the network's {array.shape}"
        for name, array in arrays.items()
        if name in stored and stored[name].shape != array.shape
    ][:LISTED]
    problems += [
        f"its {name} holds {stored[name].dtype}, no floating point numbers"
        for name in arrays
        if name in stored and stored[name].dtype.kind != "f"
    ][:LISTED]
    if problems:
        raise ValueError(f"{path} does not fit this network: it {'; '.join(problems)}".replace("it its", "its"))
    for name, array in arrays.items():
        array[...] = array_module(array).asarray(stored[name])


def _read(path) -> dict:
    damage = (zipfile.BadZipFile, zlib.error, ValueError, EOFError, KeyError, NotImplementedError, RuntimeError)
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()  # a checksum says more than what NumPy makes of wrong bytes
        if damaged:
            raise ValueError(f"the checksum of its {damaged} is wrong")
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except damage as error:
        raise ValueError(f"{path} is damaged, or no saved network ({error}). Nothing was loaded.") from None


def _names(verb, names) -> list[str]:
    if not names:
        return []
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return [f"{verb} {', '.join(names[:LISTED])}{more}"]
