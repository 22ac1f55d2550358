"""Checks that answer back: `check("softmax_loss", softmax_loss)` tells what holds, what is off, and often why."""

from collections.abc import Callable
from pathlib import Path

from .answer_key import Case, CheckKey, PropertyKey, TrainedCheck, load_key
from .arguments import launch_of
from .calling import Outcome, call_for_text, call_named, in_turn, namespace_of
from .launching import Launcher, start_here
from .loops import find_loop, sources_beside
from .trained import judge_trained, save_trained, validation_images
from .verdicts import Report, judge

__all__ = ["check", "save_trained"]


def check(name: str, function: Callable, folder: str | Path = ".") -> Report:
    """Try `function` on the cases of the answer key beside the notebook and report, property by property.

    Where `name` is that of a trained result, `function` classifies the validation images with it.

    name: the function's name in the assignment. folder: where the answer key is (default: the notebook's folder).
    The report shows itself as a table at the end of a notebook cell; `.passed` and `.verdicts` are there for code.

    Raises FileNotFoundError when no answer key is beside the notebook, KeyError when no key knows `name`,
    TypeError when `function` cannot be called, and RuntimeError when a kernel is to be run and there is no compiler.
    """
    if not callable(function):
        raise TypeError(
            f"check({name!r}, ...) needs the function itself, but got {type(function).__name__}. "
            f"Write check({name!r}, {name}), without brackets after the second {name}."
        )
    key = _find_key(name, Path(folder))
    if isinstance(key, TrainedCheck):
        return judge_trained(key, Path(folder), function, validation_images, hidden=False)
    return judge(key, outcomes(key, function), find_loop(name, _sources(name, function)))


def outcomes(key: CheckKey, function: Callable) -> list[list[Outcome]]:
    """What `function` does in every case of every property of `key`."""
    namespace = {**namespace_of(function), key.function: function}

    with Launcher(lambda: call_for_text(namespace, key.function), start_here) as launcher:

        def ask(p: PropertyKey, case: Case) -> Outcome:
            if launch := launch_of(case.arguments):
                return launcher.run(launch)
            counted = p.compare == "no_loops"
            return call_named(namespace, case.function or key.function, case.arguments, case.take, counted)

        return [in_turn(p.cases, lambda case, keep, p=p: ask(p, case)) for p in key.properties]


def _sources(name: str, function: Callable) -> dict[str, str]:
    if not hasattr(function, "__globals__"):
        return {}
    sources = sources_beside(function)
    return {**sources, name: sources[function.__name__]} if function.__name__ in sources else sources


def _find_key(name: str, folder: Path) -> CheckKey | TrainedCheck:
    """The key of function `name`; an instructor's solutions/assignmentN finds it in assignments/assignmentN."""
    here = folder.resolve()
    paths = sorted(here.glob("*_key.npz")) or sorted((here.parent.parent / "assignments" / here.name).glob("*_key.npz"))
    if not paths:
        raise FileNotFoundError(
            f"No answer key (*_key.npz) in {here}. Open the notebook from its own folder in the course, "
            "with the files that came with it."
        )
    keys = {key.function: key for path in paths for key in load_key(path)}
    if name not in keys:
        raise KeyError(f"no check is called {name!r}; this folder has {', '.join(sorted(keys))}")
    return keys[name]
