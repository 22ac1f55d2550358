"""What the course's front page shows: lectures and assignments that are there, and the state of this machine."""

import os
import platform
import re
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from cs231n_kit.arrays import device_report
from cs231n_kit.datasets import status
from cs231n_kit.laboratory import course_folder

LECTURES = {
    "01": "Introduction",
    "02": "Image classification",
    "03": "Loss functions and optimisation",
    "04": "Backpropagation and neural networks",
    "05": "Convolutional networks",
    "06": "Training neural networks 1",
    "07": "Training neural networks 2",
    "08": "Hardware and software",
    "09": "Architectures",
    "10": "Recurrent networks",
}
NOTEBOOKS = (  # in the order to solve them
    *("knn", "svm", "softmax", "two_layer_net", "features"),
    *("fully_connected", "normalization", "dropout", "conv_layers", "gpu_kernels"),
    *("architectures", "transfer_learning", "rnn"),
)
ASSIGNMENTS = {
    "assignment1": "Nearest neighbours, linear classifiers, a two-layer network",
    "assignment2": "Deeper networks, normalisation, dropout, convolutions, CUDA",
    "assignment3": "Famous architectures, transfer learning, recurrent networks",
}


def lectures(folder):
    """Return [(number, title, path or None)] of all lectures; the path is None while a lecture is still to come."""
    found = {path.name[:2]: path for path in sorted((folder / "notebooks").glob("[0-9][0-9]_*.ipynb"))}
    return [(number, title, found.get(number)) for number, title in LECTURES.items()]


def assignments(folder):
    """Return [(name, title, paths of its notebooks)] of all assignments; those that a course adds have no title."""
    added = sorted({path.parent.name for path in (folder / "assignments").glob("[!.]*/*.ipynb")} - set(ASSIGNMENTS))

    def place(path):
        return NOTEBOOKS.index(path.stem) if path.stem in NOTEBOOKS else len(NOTEBOOKS), path.stem

    return [
        (name, title, sorted((folder / "assignments" / name).glob("*.ipynb"), key=place))
        for name, title in (ASSIGNMENTS | dict.fromkeys(added, "")).items()
    ]


def _link(text, path, folder):
    target = Path(os.path.relpath(path, folder / "notebooks"))
    return f"[{text}]({target.as_posix()})"


def _unbroken(text):
    return text.replace(" ", "\N{NO-BREAK SPACE}").replace("-", "\N{NON-BREAKING HYPHEN}")


def contents(folder=None):
    """Return the lists of lectures and assignments as Markdown, with links relative to `notebooks/`."""
    from IPython.display import Markdown

    folder = folder or course_folder()
    if folder is None:
        raise FileNotFoundError(f"{Path.cwd()} is not inside the course: start JupyterLab with `cs231n lab`")
    folder = Path(folder)
    lines = ["| | Lecture | |", "|---|:---|:---|"]
    for number, title, path in lectures(folder):
        name = _link(f"**{title}**", path, folder) if path else title
        lines.append(f"| {number} | {name} | {'ready' if path else 'coming'} |")
    lines += ["", "| Assignment | Notebooks |", "|:---|:---|"]
    for name, title, paths in assignments(folder):
        number = re.sub(r"\D", "", name)
        label = f"{number} {title}" if title else name
        links = ", ".join(_link(f"**{path.stem}**", path, folder) for path in paths)
        lines.append(f"| {label} | {links or 'coming'} |")
    return Markdown("\n".join(lines))


def environment():
    """Return what this machine offers as Markdown: Python, packages, GPU, data sets, and what to do about gaps."""
    from IPython.display import Markdown

    device = device_report()
    rows = [("Python", platform.python_version(), "")]
    for package in ("numpy", "numba", "jupyterlab"):
        try:
            rows.append((package, version(package), ""))
        except PackageNotFoundError:
            rows.append((package, "missing", "`cs231n doctor` names the mend"))
    rows.append(("GPU", device.device if device.backend == "cupy" else "none in use", device.advice))
    for data_set in status():
        if data_set.folder or data_set.download_size == 0:
            rows.append((data_set.title, "here" if data_set.present else "missing", ""))
        else:
            megabytes = f"{data_set.download_size / 1e6:,.0f} MB"
            rows.append((data_set.title, "not here yet", f"`cs231n data {data_set.name}` downloads {megabytes}"))
    lines = [
        "| | | |",
        "|:---|:---|:---|",
        *(f"| {_unbroken(name)} | {_unbroken(value)} | {note} |" for name, value, note in rows),
    ]
    return Markdown("\n".join(lines))
