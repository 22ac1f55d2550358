"""An exercise under test: its checks, its solution, its known mistakes, and right answers in several styles."""

import importlib.util
import types
import warnings
from functools import cache, cached_property
from pathlib import Path

import nbformat
import numpy as np

from cs231n_kit.checking import outcomes
from cs231n_kit.checking.answer_key import save_key
from cs231n_kit.checking.verdicts import judge
from grader.check import add_mistakes, draw_cases, load_checks
from grader.reference import SKIP_TAG, Reference

ROOT = Path(__file__).parents[1]


class Exercise:
    """The notebook `name` of an assignment, tried with the cases of several seeds."""

    def __init__(self, assignment, name, seeds=2):
        self.name, self.seeds = name, range(seeds)
        self.path = ROOT / "solutions" / assignment / f"{name}.ipynb"
        self.checks = load_checks(name)
        self.reference = Reference.from_notebook(self.path)
        self.functions = [check.function for check in self.checks.checks]
        self.key_of = cache(self._key)
        self.mistaken = cache(self._mistaken)

    @cached_property
    def answers(self):
        """The module of right answers, `tests/answers/<name>.py`."""
        spec = importlib.util.spec_from_file_location(
            f"answers_{self.name}", ROOT / "tests" / "answers" / f"{self.name}.py"
        )
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    @cached_property
    def notebook(self):
        return nbformat.read(self.path, as_version=4)

    def drawn(self, function, seed):
        """The key of a function without its mistakes."""
        return draw_cases(
            self.checks[function], self.reference, lambda p: np.random.default_rng([seed, *p.title.encode()])
        )

    def _key(self, function, seed):
        return add_mistakes(self.drawn(function, seed), self.checks[function], self.reference)

    def _mistaken(self, function, mistake):
        return self.reference.patched(self.mistake(function, mistake).replace)

    def mistake(self, function, name):
        return next(m for m in self.checks[function].mistakes if m.name == name)

    def report(self, function, answer, seed=0):
        """What is found about an answer, a function as if it stood in a notebook."""
        key = self.key_of(function, seed)
        return judge(key, outcomes(key, answer), "")

    def reports(self, function, answer):
        return [self.report(function, answer, seed) for seed in self.seeds]

    def assert_full_points(self, function, answer):
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # what a student warns about must not reach us
            for report in self.reports(function, answer):
                assert report.passed, (answer.__name__, report)

    def assert_recognised(self, function, mistake, lost):
        """A known mistake loses these points for all seeds, and is taken for no other."""
        known = self.mistake(function, mistake)
        for report in self.reports(function, self.mistaken(function, mistake).function(function)):
            assert report.points - report.earned == lost, report
            assert report.mistakes == (mistake,), report
            assert known.hint in repr(report)

    def assert_listed(self, points_lost):
        """points_lost has all functions with all of their mistakes, twelve or more in all."""
        assert {c.function: sorted(m.name for m in c.mistakes) for c in self.checks.checks} == {
            function: sorted(mistakes) for function, mistakes in points_lost.items()
        }
        assert sum(map(len, points_lost.values())) >= 12

    def assert_hints_are_sentences_without_the_repair(self):
        for check in self.checks.checks:
            for mistake in check.mistakes:
                assert mistake.hint.endswith((".", "?", ")")) and len(mistake.hint) > 25, mistake
                for right, _ in mistake.replace:
                    assert right not in mistake.hint

    def assert_cells_are_tagged(self, define):
        """Of the notebook's code cells that are not graded, those called `define` run when grading, no others."""
        plain = [c for c in self.notebook.cells if c.cell_type == "code" and "nbgrader" not in c.metadata]
        assert {c.id for c in plain if SKIP_TAG not in c.metadata.get("tags", [])} == set(define)


class Trials:
    """What is asked of all exercises: derive a ``class TestExercise(Trials)`` that says which one.

    exercise: an `Exercise`. points_lost: {function: {mistake: points}}. largest_key: bytes of one function's cases.
    """

    exercise, points_lost, largest_key = None, {}, 100_000

    def pytest_generate_tests(self, metafunc):
        if "mistake" in metafunc.fixturenames:
            known = [(name, mistake) for name, mistakes in self.points_lost.items() for mistake in mistakes]
            metafunc.parametrize("name, mistake", known)
        elif "name" in metafunc.fixturenames:
            metafunc.parametrize("name", self.exercise.functions)

    def test_reference_earns_everything_and_its_cases_stay_small(self, name):
        self.exercise.assert_full_points(name, self.exercise.reference.function(name))
        assert len(save_key([self.exercise.drawn(name, 0)])) < self.largest_key

    def test_every_known_mistake_is_listed(self):
        self.exercise.assert_listed(self.points_lost)

    def test_known_mistake_is_caught_and_recognised_as_itself(self, name, mistake):
        self.exercise.assert_recognised(name, mistake, self.points_lost[name][mistake])

    def test_hints_are_sentences_and_do_not_contain_the_repair(self):
        self.exercise.assert_hints_are_sentences_without_the_repair()


def beside(function, **others):
    """`function` as if `others` were defined in its notebook."""
    namespace = {**function.__globals__, **others}
    return types.FunctionType(
        function.__code__, namespace, function.__name__, function.__defaults__, function.__closure__
    )


def absent(*arguments):
    raise NotImplementedError
