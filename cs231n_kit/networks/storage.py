"""Arrays by name in an .npz file, without pickle."""

import os
import zipfile
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
    fill(arrays, _read(path), path)


def fill(arrays: dict, stored: dict, origin) -> None:
    """Fill the arrays, in place, with the stored ones of the same names.

    Raises ValueError, naming their origin, and changes nothing, unless names and shapes are the same.
    """
    problems = [
        *_some("missing", [name for name in arrays if name not in stored]),
        *_some("additional", [name for name in stored if name not in arrays]),
        *_some("wrong", [_misfit(name, array, stored[name]) for name, array in arrays.items() if name in stored]),
    ]
    if problems:
        raise ValueError(f"{origin} does not fit this network: {'; '.join(problems)}. Nothing was loaded.")
    for name, array in arrays.items():
        array[...] = array_module(array).asarray(stored[name])


def _read(path) -> dict:
    with open(path, "rb") as file:
        try:
            zipfile.ZipFile(file).close()  # np.load reads other kinds of files, too
            file.seek(0)
            with np.load(file, allow_pickle=False) as arrays:
                return {name: np.asarray(arrays[name]) for name in arrays.files}  # bytes where no array was stored
        except Exception as error:  # damage makes zipfile and NumPy raise errors of many kinds
            raise ValueError(f"{path} is damaged, or no saved network ({error}). Nothing was loaded.") from None


def _misfit(name, array, stored) -> str:
    """What is wrong with a stored array, or nothing."""
    if stored.shape != array.shape:
        return f"{name} of shape {stored.shape} instead of {array.shape}"
    if stored.dtype.kind != "f":
        return f"{name} of type {stored.dtype} instead of {array.dtype}"
    return ""


def _some(what, entries) -> list[str]:
    """The entries in words, in a list, which is empty where there are none."""
    entries = [entry for entry in entries if entry]
    more = f" and {len(entries) - LISTED} more" if len(entries) > LISTED else ""
    return [f"{what} {', '.join(entries[:LISTED])}{more}"] if entries else []
