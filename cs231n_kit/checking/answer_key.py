"""The answer key of a notebook: arrays only, in one `.npz` file beside it.

A key holds, for every function a student writes, the cases it is tried on, what it should return, and what it
returns when a well-known mistake was made. It holds no code.
"""

import io
import json
import zipfile
import zlib
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

FORMAT = 1


@dataclass(frozen=True)
class Case:
    """One call: positional `arguments` (arrays, numbers, strings) and the value it should return."""

    arguments: tuple
    expected: tuple[np.ndarray, ...] = ()


@dataclass(frozen=True)
class PropertyKey:
    """What one row of the verdict table is about.

    compare: name of a comparison in `cs231n_kit.checking.comparison.COMPARISONS`, or "no_loops" (looks at the
    source, has no cases). A value passes when |actual - expected| <= atol + rtol |expected|.
    """

    title: str
    points: float
    compare: str
    rtol: float
    atol: float
    cases: tuple[Case, ...]


@dataclass(frozen=True)
class MistakeKey:
    """A known mistake. outputs[i][j] is what it returns for case j of property i; None where it raises."""

    name: str
    hint: str
    outputs: tuple[tuple[tuple[np.ndarray, ...] | None, ...], ...]


@dataclass(frozen=True)
class CheckKey:
    """Everything needed to judge one function."""

    function: str
    parameters: tuple[str, ...]
    properties: tuple[PropertyKey, ...]
    mistakes: tuple[MistakeKey, ...] = field(default=())


def save_key(checks: list[CheckKey]) -> bytes:
    """The bytes of an `.npz` file: numbered arrays, and a JSON text that says where each belongs."""
    arrays: list[np.ndarray] = []

    def pack(value):
        if isinstance(value, np.ndarray):
            arrays.append(value)
            return {"array": len(arrays) - 1}
        return value

    def pack_all(values):
        return None if values is None else [pack(value) for value in values]

    manifest = {
        "format": FORMAT,
        "checks": [
            {
                "function": check.function,
                "parameters": check.parameters,
                "properties": [
                    {
                        **{name: getattr(p, name) for name in ("title", "points", "compare", "rtol", "atol")},
                        "cases": [[pack_all(c.arguments), pack_all(c.expected)] for c in p.cases],
                    }
                    for p in check.properties
                ],
                "mistakes": [
                    {
                        "name": m.name,
                        "hint": m.hint,
                        "outputs": [[pack_all(values) for values in cases] for cases in m.outputs],
                    }
                    for m in check.mistakes
                ],
            }
            for check in checks
        ],
    }
    text = np.frombuffer(json.dumps(manifest).encode(), np.uint8)
    file = io.BytesIO()
    np.savez_compressed(file, manifest=text, **{f"a{i}": a for i, a in enumerate(arrays)})
    return file.getvalue()


def load_key(path: Path) -> list[CheckKey]:
    """Read a key made by `save_key`. Raises ValueError, naming the file and the mend, when it is damaged."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            manifest = json.loads(stored["manifest"].tobytes())
            if manifest["format"] != FORMAT:
                raise ValueError(f"it has format {manifest['format']}, this kit reads format {FORMAT}")
            return [_unpack_check(entry, stored) for entry in manifest["checks"]]
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(
            f"The answer key {path.name} cannot be read ({error}). Get a fresh copy of the assignment's folder; "
            "your notebook can stay as it is."
        ) from error


def _unpack_check(entry: dict, stored) -> CheckKey:
    def unpack(value):
        return stored[f"a{value['array']}"] if isinstance(value, dict) else value

    def unpack_all(values):
        return None if values is None else tuple(unpack(value) for value in values)

    properties = tuple(
        PropertyKey(
            p["title"],
            p["points"],
            p["compare"],
            p["rtol"],
            p["atol"],
            tuple(Case(unpack_all(arguments), unpack_all(expected)) for arguments, expected in p["cases"]),
        )
        for p in entry["properties"]
    )
    mistakes = tuple(
        MistakeKey(
            m["name"],
            m["hint"],
            tuple(tuple(unpack_all(values) for values in cases) for cases in m["outputs"]),
        )
        for m in entry["mistakes"]
    )
    return CheckKey(entry["function"], tuple(entry["parameters"]), properties, mistakes)
