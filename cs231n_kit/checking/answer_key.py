"""The answer key of a notebook: arrays only, in one `.npz` file beside it.

A key holds, for every function a student writes, the cases it is tried on, what it should return, and what it
returns when a well-known mistake was made. It holds no code.
"""

import io
import json
import math
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from .arguments import pack, unpack
from .calling import Take, as_take

FORMAT = 2
_PLAIN = ("title", "points", "compare", "rtol", "atol", "outputs")  # of a property: all but its cases


@dataclass(frozen=True)
class Case:
    """One call: positional `arguments` (arrays, numbers, strings, see also `arguments`) and what it should return.

    function: another function of the notebook, or a method ("Class.method"), that is called instead of the one that
    is checked. take: which parts of what it returns are looked at, see `cs231n_kit.checking.calling.call`; None: all.
    """

    arguments: tuple
    expected: tuple[np.ndarray, ...] = ()
    function: str = ""
    take: Take = None


@dataclass(frozen=True)
class PropertyKey:
    """What one row of the verdict table is about.

    compare: name of a comparison in `cs231n_kit.checking.comparison.COMPARISONS`, of a relation between calls in
    `cs231n_kit.checking.relations.RELATIONS`, or "no_loops" (see `cs231n_kit.checking.loops`). outputs: which of the
    returned values are compared, all when empty. A value passes when |actual - expected| <= atol + rtol |expected|.
    """

    title: str
    points: float
    compare: str
    rtol: float
    atol: float
    cases: tuple[Case, ...]
    outputs: tuple[int, ...] = ()


@dataclass(frozen=True)
class MistakeKey:
    """A known mistake. outputs[i][j] is what it returns for case j of property i; None where it raises, and where it is
    a kernel at fault the name of the finding.
    """

    name: str
    hint: str
    outputs: tuple[tuple[tuple[np.ndarray, ...] | str | None, ...], ...]


@dataclass(frozen=True)
class CheckKey:
    """Everything needed to judge one function."""

    function: str
    parameters: tuple[str, ...]
    properties: tuple[PropertyKey, ...]
    mistakes: tuple[MistakeKey, ...] = field(default=())


@dataclass(frozen=True)
class OnData:
    """What a trained result has to be on one data set: the accuracies that earn its steps, and its arrays' shapes.

    shapes: by name; -n in the place of a size allows any size up to n, such as a number of hidden units. mirrored:
    whether mirror images keep their labels, as photographs do and digits do not. classes: the labels of the images that
    it is measured on, all where it is empty.
    """

    accuracies: tuple[float, ...]
    shapes: Mapping[str, tuple[int, ...]]
    mirrored: bool = False
    classes: tuple[int, ...] = ()


@dataclass(frozen=True)
class TrainedCheck:
    """How a trained result is judged, the arrays in the file `<function>.npz`.

    function: the check's name. classifier: the notebook's function that is called as `classifier(images, **arrays)`
    with uint8 images (N, H, W, C) and returns their labels (N,). steps: the points of each accuracy that is reached.
    data: by the name of the data set that it may be trained on.
    """

    function: str
    classifier: str
    steps: tuple[float, ...]
    data: Mapping[str, OnData]

    @property
    def points(self) -> float:
        return sum(self.steps)

    @property
    def file(self) -> str:
        return f"{self.function}.npz"


def save_key(checks: list[CheckKey], trained: list[TrainedCheck] = ()) -> bytes:
    """The bytes of an `.npz` file: all arrays in one row of bytes, and a JSON text that says where each belongs.

    (An array of its own for each of the thousands would make the file five times as large and slow to read. Bytes that
    are there already, such as what a mistake leaves right, are not stored again.)
    """
    contents, starts = bytearray(), {}

    def put(value):
        order = "F" if value.flags.f_contiguous and not value.flags.c_contiguous else "C"
        content = value.tobytes(order)
        start = starts.setdefault(content, len(contents))
        if start == len(contents):
            contents.extend(content)
        return {"dtype": value.dtype.str, "shape": value.shape, "order": order, "start": start}

    def pack_all(values):
        return [pack(value, put) for value in values] if isinstance(values, tuple | list) else values

    manifest = {
        "format": FORMAT,
        "checks": [
            {
                "function": check.function,
                "parameters": check.parameters,
                "properties": [
                    {
                        **{name: getattr(p, name) for name in _PLAIN},
                        "cases": [
                            [
                                pack_all(c.arguments),
                                pack_all(c.expected),
                                c.function,
                                *([] if c.take is None else [c.take]),
                            ]
                            for c in p.cases
                        ],
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
        "trained": [asdict(check) for check in trained],
    }
    text = np.frombuffer(json.dumps(manifest).encode(), np.uint8)
    file = io.BytesIO()
    np.savez_compressed(file, manifest=text, contents=np.frombuffer(contents, np.uint8))
    return file.getvalue()


def load_key(path: Path) -> list[CheckKey | TrainedCheck]:
    """Read a key made by `save_key`. Raises ValueError, naming the file and the mend, when it is damaged."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            manifest = json.loads(stored["manifest"].tobytes())
            if manifest["format"] != FORMAT:
                raise ValueError(f"it has format {manifest['format']}, this kit reads format {FORMAT}")
            trained = [_unpack_trained(entry) for entry in manifest["trained"]]
            contents = stored["contents"].tobytes()
            return [*(_unpack_check(entry, contents) for entry in manifest["checks"]), *trained]
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(
            f"The answer key {path.name} cannot be read ({error}). Get a fresh copy of the assignment's folder; "
            "your notebook can stay as it is."
        ) from error


def _unpack_trained(entry: dict) -> TrainedCheck:
    data = {
        name: OnData(
            tuple(on["accuracies"]),
            {label: tuple(shape) for label, shape in on["shapes"].items()},
            on["mirrored"],
            tuple(on.get("classes", ())),
        )
        for name, on in entry["data"].items()
    }
    return TrainedCheck(entry["function"], entry["classifier"], tuple(entry["steps"]), data)


def _unpack_check(entry: dict, contents: bytes) -> CheckKey:
    def get(value):
        dtype, count = np.dtype(value["dtype"]), math.prod(value["shape"])
        flat = np.frombuffer(contents, dtype, count, value["start"]) if count else np.empty(0, dtype)
        return flat.reshape(value["shape"], order=value["order"])

    def unpack_all(values):
        return tuple(unpack(value, get) for value in values) if isinstance(values, list) else values

    properties = tuple(
        PropertyKey(
            p["title"],
            p["points"],
            p["compare"],
            p["rtol"],
            p["atol"],
            tuple(
                Case(unpack_all(arguments), unpack_all(expected), name, *map(as_take, more))
                for arguments, expected, name, *more in p["cases"]
            ),
            tuple(p["outputs"]),
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
