"""The judge: asks a student's notebook for values of hidden cases and forms the verdicts, outside its process."""

import ast
import hashlib
import hmac
import logging
import os
import re
import secrets
import time
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path

import numpy as np
from IPython.core.inputtransformer2 import classic_prompt, ipython_prompt, leading_empty_lines, leading_indent
from nbformat import NotebookNode

from cs231n_kit.checking.answer_key import Case, CheckKey
from cs231n_kit.checking.arguments import launch_of
from cs231n_kit.checking.calling import TEXT_LIMIT, Outcome, in_turn
from cs231n_kit.checking.launching import Launcher
from cs231n_kit.checking.loops import find_loop
from cs231n_kit.checking.verdicts import Report, judge
from cs231n_kit.datasets import load

from .check import Check, NotebookChecks, Property, add_mistakes, draw_cases
from .reference import Reference, is_answer
from .session import Question, Session

SECRET_FILE = ".course-secret"
PUBLIC_SEED = 231
_ONLY_IPYTHON = re.compile(r"^([ \t]*)(?:[%!?,;/].*|[\w., \t]+=\s*[%!].*|.*\?[ \t]*)$", re.MULTILINE)
TEXT_SECONDS = 20.0  # for a function that returns the text of a kernel


def public_generator(function: str) -> Callable[[Property], np.random.Generator]:
    """The generators of the students' answer key: fixed, the same for everybody."""
    return lambda p: np.random.default_rng(_seed(str(PUBLIC_SEED).encode(), function, p.title))


def secret_generator(secret: bytes, *names: str) -> Callable[[Property], np.random.Generator]:
    """Generators that nobody without `secret` can foresee: the same names give the same cases at every regrade."""
    return lambda p: np.random.default_rng(_seed(secret, *names, p.title))


def _seed(secret: bytes, *names: str) -> int:
    digest = hmac.new(secret, "\0".join(names).encode(), hashlib.sha256).digest()
    return int.from_bytes(digest, "big")


def course_secret(root: Path) -> bytes:
    """The course's secret, kept in `root/.course-secret` (readable by its owner only), made when it is missing."""
    path = root / SECRET_FILE
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        secret = bytes.fromhex(path.read_text().strip())
        if len(secret) < 16:
            raise ValueError(f"{path} is damaged: restore it from a backup (regrades need the same secret)") from None
        return secret
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_hex(32))
    return course_secret(root)


def judge_notebook(
    checks: NotebookChecks,
    reference: Reference,
    notebook: NotebookNode,
    session: Session,
    generator: Callable[[str], Callable[[Property], np.random.Generator]],
    log: logging.Logger,
) -> dict[str, Report]:
    """A report for every check. generator(function) gives the generators of that function's hidden cases."""
    sources = function_sources(notebook)
    reports = {}
    for check in checks.checks:
        key = draw_cases(check, reference, generator(check.function))
        ask = _asker(check, key, session)
        with Launcher(partial(_text, check, session), session.run_apart, check.time_limit) as launcher:

            def ask_or_launch(case: Case, keep: bool, counted: bool, ask=ask, launcher=launcher) -> Outcome:
                launch = launch_of(case.arguments)
                return launcher.run(launch) if launch else ask(case, keep, counted)

            outcomes = [
                in_turn(p.cases, partial(ask_or_launch, counted=p.compare == "no_loops")) for p in key.properties
            ]
        loop = find_loop(check.function, sources)
        report = judge(key, outcomes, loop)
        if not report.passed:
            report = judge(add_mistakes(key, check, reference), outcomes, loop)
        reports[check.function] = report
        log.info("%s: %g of %g points", check.function, report.earned, check.points)
    return reports


def _asker(check: Check, key: CheckKey, session: Session) -> Callable[..., Outcome]:
    """Asks the session, within the check's time limit. After a time-out, or when the kernel died twice, it gives up."""
    expected = [v for p in key.properties for case in p.cases for v in case.expected]
    size = 16 * max((v.nbytes for v in expected), default=0) + 2**16
    left, deaths = check.time_limit, 0
    given_up: Outcome | None = None

    def ask(case: Case, keep: bool = False, counted: bool = False) -> Outcome:
        nonlocal left, deaths, given_up
        if given_up is None and not session.ready():
            given_up = Outcome("unanswerable")
        if given_up is not None:
            return given_up
        started = time.monotonic()
        question = Question(case.function or check.function, case.arguments, case.take, keep, counted)
        outcome = session.ask(question, size, started + left)
        left -= time.monotonic() - started
        deaths += outcome.status in ("died", "garbled")
        if outcome.status == "timeout" or deaths == 2:
            given_up = outcome
        return outcome

    return ask


def _text(check: Check, session: Session) -> Outcome:
    """The text of a kernel, of the notebook's function that returns it. What runs it is not the notebook."""
    if not session.ready():
        return Outcome("unanswerable")
    return session.ask(Question(check.function, (), text=True), TEXT_LIMIT, time.monotonic() + TEXT_SECONDS)


@cache
def held_out_images(data_set: str) -> tuple[np.ndarray, np.ndarray]:
    """The test images (N, H, W, C) and labels (N,) of a data set, kept for the next submission.

    Raises DatasetError, which says how to get it, where it is not on this machine: nothing can be judged then.
    """
    data = load(data_set, subset={"train": 0, "val": 0}, download=False)
    return data.X_test, data.y_test


def function_sources(notebook: NotebookNode) -> dict[str, str]:
    """Source text of every function or lambda defined at the top of a cell; of two with one name, the last."""
    sources = {}
    for cell in notebook.cells:
        if not is_answer(cell):
            continue
        try:
            text, tree = _parsed(cell.source)
            lines = re.split(r"\r\n|[\r\n]", text)  # as Python counts them
            for node in tree.body:
                source = "\n".join(lines[node.lineno - 1 : node.end_lineno])
                if isinstance(node, ast.FunctionDef):
                    sources[node.name] = source
                elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Lambda):
                    names = [target.id for target in node.targets if isinstance(target, ast.Name)]
                    sources.update(dict.fromkeys(names, source))
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
    return sources


def _parsed(source: str) -> tuple[str, ast.Module]:
    """A cell's Python text and its tree, with `pass` for what is IPython's alone.

    IPython's own translation reads a cell anew for every such line, and a student may write thousands of them.
    """
    try:
        return source, ast.parse(source)
    except SyntaxError:
        lines = source.splitlines(keepends=True)
        for transform in (leading_empty_lines, leading_indent, classic_prompt, ipython_prompt):
            lines = transform(lines)
        text = _ONLY_IPYTHON.sub(r"\1pass", "".join(lines))
        return text, ast.parse(text)
