"""The student's side of checks: calling, comparing, recognising mistakes, and the words a student reads."""

import json
import re
import sys
import warnings

import numpy as np
import pytest

from cs231n_kit.checking import check
from cs231n_kit.checking.answer_key import Case, CheckKey, MistakeKey, PropertyKey, load_key, save_key
from cs231n_kit.checking.arguments import Kept, Network
from cs231n_kit.checking.calling import PRINTED_LIMIT, call, in_turn
from cs231n_kit.checking.comparison import compare
from cs231n_kit.checking.loops import find_loop, sources_beside
from cs231n_kit.checking.rendering import html, text
from cs231n_kit.checking.verdicts import FAILED, NOT_IMPLEMENTED, PASSED, judge

HALVES = np.array([[1.5, 2.5, 0.5], [3.5, 0.25, 4.5]])
SCALE = np.array([2.0, 4.0])


def double(X):
    return 2 * X


def make_key(*, function="double", compare="values", expected=2 * HALVES, mistakes=(), points=2.0):
    """A key with one property about f(X) and, for mistakes, (name, hint, output) triples."""
    p = PropertyKey("Doubles", points, compare, 1e-6, 1e-8, (Case((HALVES,), (expected,)),))
    known = tuple(
        MistakeKey(name, hint, (((output,) if output is not None else None,),)) for name, hint, output in mistakes
    )
    return CheckKey(function, ("X",), (p,), known)


def report_on(function, key=None, loop=""):
    key = key or make_key()
    outcomes = [[call(function, case.arguments) for case in p.cases] for p in key.properties]
    return judge(key, outcomes, loop)


def words(function, key=None):
    return repr(report_on(function, key))


# Calling


def test_call_passes_fresh_copies_and_tells_which_were_changed():
    X, y = HALVES.copy(), np.arange(3)

    def spoil(X, y):
        X[0] = 0
        return X

    outcome = call(spoil, (X, y))
    assert outcome.status == "returned" and outcome.changed == (0,)
    np.testing.assert_array_equal(X, HALVES)


def test_call_passes_fresh_lists():
    sizes, network = [4, [3]], Network("Sized", {"sizes": [2, 1]}, {})

    class Sized:
        def __init__(self, sizes):
            self.params = {"count": np.array(len(sizes))}
            sizes.clear()

    def total(sizes, network):
        sizes.append(sizes[1].pop())
        return network.params["count"]

    for _ in range(2):
        assert call(total, (sizes, network), namespace={"Sized": Sized}).values == (2,)
    assert sizes == [4, [3]] and network.settings == {"sizes": [2, 1]}


def test_what_a_call_returned_stays_when_a_later_call_changes_it():
    def more(total):
        total += 1
        return total

    first, second = in_turn([Case((HALVES,)), Case((Kept(0, 0),))], lambda case, keep: call(more, case.arguments))
    np.testing.assert_array_equal(first.values[0], HALVES + 1)
    np.testing.assert_array_equal(second.values[0], HALVES + 2)


def test_call_sees_no_change_where_nan_stays():
    assert call(lambda X: X, (np.array([np.nan, 1]),)).changed == ()


def test_call_keeps_memory_order():
    assert call(lambda X: np.array([X.flags.f_contiguous, X.flags.c_contiguous]), (np.asfortranarray(HALVES),)).values[
        0
    ].tolist() == [True, False]


def test_call_captures_output_and_silences_warnings(capsys):
    def noisy(X):
        print("hello")
        print("there", file=sys.stderr)
        warnings.warn("odd", stacklevel=1)
        return X

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        outcome = call(noisy, (HALVES,))
    assert outcome.status == "returned" and outcome.printed == "hello\nthere\n"
    assert capsys.readouterr() == ("", "")


def test_call_keeps_only_the_first_characters_printed():
    assert call(lambda X: print("x" * 10 * PRINTED_LIMIT), (1,)).printed == "x" * PRINTED_LIMIT


@pytest.mark.parametrize("function", [lambda: None, lambda: (_ for _ in ()).throw(NotImplementedError)])
def test_call_calls_a_template_nothing(function):
    assert call(function, ()).status == "nothing"


def test_call_quotes_the_students_own_line_not_the_librarys():
    def wrong(X):
        return np.linalg.inv(X)  # needs a square matrix

    outcome = call(wrong, (HALVES,))
    assert outcome.raised.type == "LinAlgError"
    assert outcome.raised.line == "return np.linalg.inv(X)  # needs a square matrix"
    assert outcome.raised.line_number == wrong.__code__.co_firstlineno + 1


def test_call_quotes_the_line_of_a_students_helper():
    outcome = call(asks_a_helper, (HALVES,))
    assert outcome.raised.line == "return X[:, 9]"


def asks_a_helper(X):
    return helper(X)


def helper(X):
    return X[:, 9]


def test_call_survives_exits_recursion_and_odd_exceptions():
    def endless(X):
        return endless(X)

    class Odd(Exception):
        def __str__(self):
            return "!" * 10_000

    def odd(X):
        raise Odd

    assert call(lambda X: sys.exit(3), (1,)).raised.type == "SystemExit"
    assert call(endless, (1,)).raised.type == "RecursionError"
    assert len(call(odd, (1,)).raised.message) == 500


def test_call_lets_the_students_interrupt_through():
    def interrupted(X):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        call(interrupted, (1,))


@pytest.mark.parametrize(
    "value, expected",
    [
        (3, [3]),
        (3.5, [3.5]),
        (np.float32(2), [2]),
        ([1, 2], [[1, 2]]),
        ((1, np.ones(2)), [1, [1, 1]]),
        (True, [True]),
    ],
)
def test_call_takes_numbers_lists_matrices_and_tuples(value, expected):
    outcome = call(lambda: value, ())
    assert outcome.status == "returned"
    assert [v.tolist() for v in outcome.values] == expected


@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")
def test_call_takes_a_matrix():
    assert call(lambda: np.matrix([[1, 2]]), ()).values[0].tolist() == [[1, 2]]


@pytest.mark.parametrize("value", [{"a": 1}, object(), lambda: 1, [[1], [1, 2]], (1, {2})])
def test_call_names_what_is_no_array(value):
    outcome = call(lambda: value, ())
    assert outcome.status == "object" and outcome.returned_type


# Comparing


def test_equal_values_agree_and_the_error_is_the_largest():
    difference = compare("values", HALVES, HALVES + 1e-9, 1e-6, 1e-8)
    assert difference.agrees and difference.error == pytest.approx(1e-9, rel=1e-3)


def test_tolerance_is_absolute_plus_relative():
    expected = np.array([0.0, 1000.0])
    assert compare("values", expected, expected + np.array([0.9e-3, 0.9]), 1e-3, 1e-3).agrees
    assert not compare("values", expected, expected + np.array([1.1e-3, 0]), 1e-3, 1e-3).agrees
    assert not compare("values", expected, expected + np.array([0, 1.1]), 1e-3, 1e-3).agrees


def test_difference_names_the_worst_place_and_both_values():
    actual = HALVES.copy()
    actual[1, 2] = 9
    difference = compare("values", HALVES, actual, 1e-6, 1e-8)
    assert difference.message == "values differ"
    assert difference.details == "1 of 6 values differ, most at [1, 2]: expected 4.5, got 9"
    assert difference.error == 4.5


@pytest.mark.parametrize("shape", [(6,), (3, 2), (2, 3, 2), ()])
def test_another_shape_is_said(shape):
    difference = compare("values", HALVES, np.zeros(shape), 1e-6, 1e-8)
    assert (difference.message, difference.details) == ("wrong shape", f"returned shape {shape}, expected (2, 3)")


@pytest.mark.parametrize("shape", [(2, 1), (1, 2), (2, 1, 1)])
def test_extra_axes_of_length_one_are_accepted_with_a_note(shape):
    difference = compare("values", SCALE, SCALE.reshape(shape), 1e-6, 1e-8)
    assert difference.agrees and "(accepted)" in difference.note and str(len(shape)) in difference.note


@pytest.mark.parametrize("value, name", [(np.nan, "NaN"), (np.inf, "infinity"), (-np.inf, "infinity")])
def test_nan_and_infinity_are_said_with_place_and_count(value, name):
    actual = HALVES.copy()
    actual[1, :2] = value
    difference = compare("values", HALVES, actual, 1e-6, 1e-8)
    assert difference.message == f"returns {name}"
    assert difference.details == f"2 of 6 values are {name}, the first at [1, 0]"


@pytest.mark.parametrize("expected", [np.inf, -np.inf, np.nan])
def test_infinity_and_nan_agree_with_their_own_kind_only(expected):
    for actual in (np.inf, -np.inf, np.nan, 0.0, 1e300):
        alike = actual == expected or (np.isnan(actual) and np.isnan(expected))
        difference = compare("values", np.array([expected, 1.0]), np.array([actual, 1.0]), 1e-3, 1e-3)
        assert difference.agrees == alike, actual


def test_of_a_single_number_no_place_is_named():
    assert compare("values", np.float64(2.5), np.float64(4), 1e-6, 1e-8).details == "expected 2.5, got 4"
    difference = compare("values", np.float64(2.5), np.float64(np.inf), 1e-6, 1e-8)
    assert (difference.message, difference.details) == ("returns infinity", "")


def test_whole_numbers_where_decimals_were_expected_are_said():
    difference = compare("values", HALVES, HALVES.astype(int), 1e-6, 1e-8)
    assert difference.message == "returns whole numbers (int64): the decimals are cut off"


@pytest.mark.parametrize(
    "actual, message",
    [(np.array(["a", "b"]), "text"), (SCALE + 1j, "complex"), (np.array([None, 1]), "Python objects")],
)
def test_wrong_kinds_of_array_are_said(actual, message):
    assert message in compare("values", SCALE, actual, 1e-6, 1e-8).message


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int32, np.int64, np.uint64, np.float16, np.float64, bool])
def test_labels_of_any_numeric_dtype_agree(dtype):
    labels = np.array([0, 1, 1, 0])
    assert compare("labels", labels, labels.astype(dtype), 0, 0).agrees


def test_unequal_labels_name_the_first():
    difference = compare("labels", np.array([3, 7, 42]), np.array([3, 42, 7]), 0, 0)
    assert difference.details == "2 of 3 labels differ, the first at [1]: expected 7, got 42"


def test_order_ignores_the_scale_and_sees_one_exchange():
    assert compare("order", HALVES, HALVES**2 - 7, 1e-6, 1e-8).agrees
    exchanged = HALVES[:, [1, 0, 2]]
    assert compare("order", HALVES, exchanged, 1e-6, 1e-8).message == "the order is wrong"


def test_empty_arrays_agree():
    assert compare("values", np.zeros((0, 3)), np.zeros((0, 3)), 1e-6, 1e-8).agrees


# Verdicts, in the words a student reads


def test_right_answer():
    report = report_on(double)
    assert report.passed and report.earned == 2
    assert words(double) == "double: all 1 properties hold, 2 of 2 points\n  ✓ Doubles  2/2"


def test_calls_of_which_nothing_is_looked_at_are_right_when_they_return():
    p = PropertyKey("Runs", 1.0, "values", 1e-6, 1e-8, (Case((HALVES,), (), take=()), Case((HALVES,), (2 * HALVES,))))
    key = CheckKey("double", ("X",), (p,))

    def report(function):
        return judge(key, [[call(function, case.arguments, case.take) for case in p.cases]], "")

    assert report(double).passed
    assert report(lambda X: 3 * X).earned == 0


def not_yet(X):
    raise NotImplementedError


@pytest.mark.parametrize("function", [not_yet, lambda X: None, lambda X: np.zeros((2, 3)), lambda X: 0])
def test_untouched_template_and_zeros_are_not_implemented_yet(function):
    report = report_on(function)
    assert [v.status for v in report.verdicts] == [NOT_IMPLEMENTED] and report.earned == 0
    assert words(function).startswith("double: not implemented yet")


def test_none_on_one_path_only_asks_for_the_return():
    once = PropertyKey("Once", 1, "values", 1e-6, 1e-8, (Case((HALVES,), (2 * HALVES,)),))
    twice = PropertyKey("Twice", 1, "values", 1e-6, 1e-8, (Case((-HALVES,), (-2 * HALVES,)),))
    report = report_on(lambda X: 2 * X if X[0, 0] > 0 else None, CheckKey("double", ("X",), (once, twice)))
    assert [v.status for v in report.verdicts] == [PASSED, FAILED]
    assert report.verdicts[1].message == "returns nothing here (None): is a return missing on this path?"


def test_exception_quotes_the_line_its_number_and_the_message():
    def wrong(X):
        return X[:, 7]

    said = words(wrong)
    line = wrong.__code__.co_firstlineno + 1
    assert f"raises IndexError in line {line}: return X[:, 7]" in said
    assert "index 7 is out of bounds for axis 1 with size 3" in said


def test_name_removed_from_numpy_is_reported_with_its_replacement():
    def old(X):
        return X.astype(np.int) * 2

    assert "removed from NumPy: use the plain Python type" in words(old)


@pytest.mark.parametrize(
    "function, said",
    [
        (lambda X: X[0], "wrong shape\n      returned shape (3,), expected (2, 3)"),
        (lambda X: X / (X - 3.5), "returns infinity\n      1 of 6 values are infinity, the first at [1, 0]"),
        (lambda X: np.where(X > 4, np.nan, X), "returns NaN\n      1 of 6 values are NaN, the first at [1, 2]"),
        (lambda X: (2 * X).astype(str), "returns text, not numbers"),
        (lambda X: X.astype(np.int32), "returns whole numbers (int32): the decimals are cut off"),
        (lambda X: {"out": X}, "returns a dict, not an array of numbers"),
        (lambda X: (X, X), "returns 2 values, 1 expected"),
        (lambda X: 2 * X + 1, "values differ; largest error 1.0e+00\n      6 of 6 values differ, most at"),
    ],
)
def test_each_failure_has_its_own_line(function, said):
    report = report_on(function)
    assert report.earned == 0
    assert said in words(function)


def test_failure_says_in_which_call():
    assert "      in double(X: float64 (2, 3))" in words(lambda X: X)


def test_printing_costs_nothing_and_is_shown():
    def chatty(X):
        print("X is", X.shape)
        return 2 * X

    assert report_on(chatty).passed
    assert "your function printed:\n    X is (2, 3)" in words(chatty)


def test_changed_input_costs_nothing_and_is_noted():
    def greedy(X):
        X *= 2
        return X

    assert report_on(greedy).passed
    assert "note: changes its input X (work on a copy: the caller still needs it)" in words(greedy)


def test_column_costs_nothing_and_is_noted():
    key = make_key(expected=SCALE)
    function = lambda X: SCALE.reshape(2, 1)  # noqa: E731
    assert report_on(function, key).passed
    assert "note: returns an array with 2 axes, the text asks for 1 (accepted)" in words(function, key)


@pytest.mark.parametrize(
    "status, said", [("timeout", "too long"), ("died", "Python process"), ("undefined", "not defined")]
)
def test_what_only_the_judge_sees_has_its_line_too(status, said):
    from cs231n_kit.checking.calling import Outcome

    report = judge(make_key(), [[Outcome(status)]], "")
    assert said in repr(report) and report.earned == 0


# Known mistakes


def test_known_mistake_is_recognised_and_hinted():
    key = make_key(mistakes=[("squared", "You square it.", HALVES**2), ("halved", "You halve it.", HALVES / 2)])
    report = report_on(lambda X: X / 2, key)
    assert report.mistakes == ("halved",) and report.verdicts[0].hint == "You halve it."
    assert "hint: You halve it." in repr(report)


def test_unknown_mistake_gets_no_hint():
    key = make_key(mistakes=[("squared", "You square it.", HALVES**2)])
    assert report_on(lambda X: X + 1, key).mistakes == ()


@pytest.mark.parametrize("turn", [1, -1])
def test_mistake_that_explains_more_wins(turn):
    a, b = HALVES, -HALVES
    first = PropertyKey("First", 1, "values", 1e-6, 1e-8, (Case((a,), (2 * a,)),))
    second = PropertyKey("Second", 1, "values", 1e-6, 1e-8, (Case((b,), (2 * b,)),))
    mistakes = (
        MistakeKey("absolute", "Absolute.", (((np.abs(a),),), ((np.abs(b),),))),
        MistakeKey("identity", "Identity.", (((a,),), ((b,),))),
    )
    report = report_on(lambda X: X, CheckKey("double", ("X",), (first, second), mistakes[::turn]))
    assert report.mistakes == ("identity",)
    assert [v.hint for v in report.verdicts] == ["Identity.", "Identity."]
    assert repr(report).count("Identity.") == 1 and "hint: the same as above." in repr(report)


def test_of_two_mistakes_that_explain_as_much_the_first_wins():
    key = make_key(mistakes=[("one", "First.", HALVES), ("other", "Second.", HALVES)])
    assert report_on(lambda X: X, key).mistakes == ("one",)


def test_exceptions_alone_are_no_mistake_recognised_unless_the_rest_agrees():
    a = PropertyKey("A", 1, "values", 1e-6, 1e-8, (Case((HALVES,), (2 * HALVES,)),))
    b = PropertyKey("B", 1, "values", 1e-6, 1e-8, (Case((SCALE,), (2 * SCALE,)),))
    mistakes = (MistakeKey("needs two axes", "Any number of axes.", (((2 * HALVES,),), (None,))),)
    key = CheckKey("double", ("X",), (a, b), mistakes)

    def needs_two_axes(X):
        return 2 * X[:, :]

    def always_raises(X):
        raise ValueError

    assert report_on(needs_two_axes, key).mistakes == ("needs two axes",)
    assert report_on(always_raises, key).mistakes == ()


def test_nan_of_a_mistake_may_stand_elsewhere_where_rounding_decides():
    expected = np.arange(1.0, 9.0)
    known, actual, other = expected.copy(), expected.copy(), expected.copy()
    known[[0, 3]] = np.nan
    actual[[3, 5]] = np.nan
    other[[0, 3]], other[7] = np.nan, 80
    key = make_key(expected=expected, mistakes=[("nan", "Clip it.", known)])
    assert report_on(lambda X: actual, key).mistakes == ("nan",)
    assert report_on(lambda X: other, key).mistakes == ()
    assert report_on(lambda X: np.full(8, np.nan), key).mistakes == ()


# Loops


def loops_with_for(X):
    for _ in X:
        pass


def loops_in_a_helper(X):
    return loops_with_for(X)


def has_no_loop(X):
    return np.sum(X) + _also_none(X)


def _also_none(X):
    return X.max() if X.size else has_no_loop(X)


@pytest.mark.parametrize(
    "source, found",
    [
        ("def f(X):\n    for x in X: pass", "for in f"),
        ("def f(X):\n    while True: pass", "while in f"),
        ("def f(X):\n    return [x for x in X]", "a list comprehension in f"),
        ("def f(X):\n    return sum(x for x in X)", "a generator expression in f"),
        ("def f(X):\n    return list(map(abs, X))", "map in f"),
        ("def f(X):\n    return np.vectorize(abs)(X)", "vectorize in f"),
        ("def f(X):\n    return X @ X.T  # for all", ""),
        ("f = lambda X: [x for x in X]", "a list comprehension in f"),
        ("(lambda X: X,", ""),
    ],
)
def test_loops_and_loops_in_disguise_are_found(source, found):
    assert find_loop("f", {"f": source}) == found


def test_loops_are_found_in_functions_that_are_called():
    assert find_loop("loops_in_a_helper", sources_beside(loops_in_a_helper)) == "for in loops_with_for"
    assert find_loop("has_no_loop", sources_beside(has_no_loop)) == ""


def loop_key():
    style = PropertyKey("No loop", 1, "no_loops", 0, 0, ())
    return CheckKey("double", ("X",), (*make_key().properties, style))


def test_style_earns_its_point_only_where_something_is_right():
    assert report_on(double, loop_key()).earned == 3
    assert report_on(double, loop_key(), loop="for in double").earned == 2
    assert report_on(lambda X: X + 5, loop_key()).earned == 0
    assert "uses a Python loop: for in double" in repr(report_on(double, loop_key(), loop="for in double"))


# Rendering


def test_hidden_cases_stay_hidden_without_details():
    key = make_key(mistakes=[("halved", "You halve it.", HALVES / 2)])

    def half(X):
        print("secret", X)
        return X / 2

    for rendered in (text(report_on(half, key), details=False), html(report_on(half, key), details=False)):
        for revealed in ("expected", "secret", "most at", "float64", "[1, 2]", "4.5"):
            assert revealed not in rendered
        assert "values differ" in rendered and "You halve it." in rendered


def test_html_escapes_what_students_write():
    def hostile(X):
        print("<script>alert(1)</script>")
        raise ValueError("<img src=x onerror=alert(2)>")

    page = report_on(hostile)._repr_html_()
    assert "<script" not in page and "<img" not in page
    assert "&lt;script&gt;" in page and "&lt;img" in page


def test_html_needs_nothing_from_elsewhere():
    page = html(report_on(lambda X: X))
    assert not re.search(r"(src|href|url|class|http|<style|<script)\s*[=(:]", page)


def test_an_exception_everywhere_is_told_once():
    p = make_key().properties[0]
    key = CheckKey("double", ("X",), (p, p, p))
    said = words(lambda X: X[:, 7], key)
    assert said.count("raises IndexError in line") == 1 and said.count("index 7 is out of bounds") == 1
    assert said.count("raises IndexError, as above") == 2


def test_labels_have_no_size_of_error():
    key = make_key(compare="labels", expected=np.array([3, 7]))
    assert "largest error" not in words(lambda X: np.array([3, 42]), key)


def test_long_output_is_cut():
    def chatty(X):
        print("\n".join(map(str, range(1000, 1100))))
        return 2 * X

    assert "1019" in words(chatty) and "1020" not in words(chatty)


# The answer key


def stored(tmp_path, *keys, name="knn_key.npz"):
    path = tmp_path / name
    path.write_bytes(save_key(list(keys)))
    return path


def full_key():
    p = PropertyKey(
        "Everything", 1.5, "labels", 0.1, 0.2, (Case((HALVES, SCALE.astype(np.uint8), 3, 0.5, "l2"), (SCALE, HALVES)),)
    )
    style = PropertyKey("Style", 0.5, "no_loops", 0, 0, ())
    mistakes = (MistakeKey("bad", "Mind — x².", (((SCALE, HALVES),), ())), MistakeKey("raises", "Oh?", ((None,), ())))
    return CheckKey("f", ("X", "y", "k", "reg", "metric"), (p, style), mistakes)


def test_key_comes_back_as_it_was(tmp_path):
    (loaded,) = load_key(stored(tmp_path, full_key()))
    np.testing.assert_equal(vars_of(loaded), vars_of(full_key()))
    arguments = loaded.properties[0].cases[0].arguments
    assert arguments[1].dtype == np.uint8 and [type(a) for a in arguments[2:]] == [int, float, str]


def vars_of(value):
    if hasattr(value, "__dataclass_fields__"):
        return {name: vars_of(getattr(value, name)) for name in value.__dataclass_fields__}
    return [vars_of(v) for v in value] if isinstance(value, tuple) else value


def test_key_holds_no_pickles(tmp_path):
    with np.load(stored(tmp_path, full_key()), allow_pickle=False) as arrays:
        assert {arrays[name].dtype.kind for name in arrays} <= set("biuf")


def cut(data):
    return data[: len(data) // 2]


def flip(data):
    middle = len(data) // 2
    return data[:middle] + bytes(255 - b for b in data[middle : middle + 50]) + data[middle + 50 :]


@pytest.mark.parametrize("damage", [cut, flip, lambda data: b"", lambda data: b"not an archive"])
def test_damaged_key_is_named_with_the_mend(tmp_path, damage):
    path = stored(tmp_path, full_key())
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ValueError, match=r"knn_key\.npz cannot be read.*fresh copy.*your notebook can stay"):
        load_key(path)


def test_key_of_another_format_and_without_manifest_are_refused(tmp_path):
    path = tmp_path / "knn_key.npz"
    np.savez(path, manifest=np.frombuffer(json.dumps({"format": 99, "checks": []}).encode(), np.uint8))
    with pytest.raises(ValueError, match="format 99"):
        load_key(path)
    np.savez(path, a=np.ones(2))
    with pytest.raises(ValueError, match="cannot be read"):
        load_key(path)


def test_key_with_objects_inside_is_refused_and_not_unpickled(tmp_path):
    class Bomb:
        def __reduce__(self):
            return (pytest.fail, ("unpickled",))

    path = tmp_path / "knn_key.npz"
    np.savez(path, manifest=np.array([Bomb()], dtype=object))
    with pytest.raises(ValueError, match="cannot be read"):
        load_key(path)


# check()


def test_check_finds_the_key_and_reports(tmp_path):
    stored(tmp_path, make_key())
    assert check("double", double, tmp_path).passed


def test_check_looks_in_the_current_folder(tmp_path, monkeypatch):
    stored(tmp_path, make_key())
    monkeypatch.chdir(tmp_path)
    assert check("double", double).passed


def test_check_in_the_solutions_uses_the_assignments_key(tmp_path):
    solutions, assignments = tmp_path / "solutions" / "assignment1", tmp_path / "assignments" / "assignment1"
    solutions.mkdir(parents=True), assignments.mkdir(parents=True)
    stored(assignments, make_key())
    assert check("double", double, solutions).passed


def test_check_chooses_among_several_keys(tmp_path):
    stored(tmp_path, make_key(function="other"), name="a_key.npz")
    stored(tmp_path, make_key(), name="b_key.npz")
    assert check("double", double, tmp_path).passed


def test_check_of_a_result_instead_of_a_function_says_how_to_write_it(tmp_path):
    stored(tmp_path, make_key())
    with pytest.raises(TypeError, match=r"Write check\(\'double\', double\), without brackets"):
        check("double", double(HALVES), tmp_path)


def test_check_without_a_key_says_where_it_looked(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"No answer key .*Open the notebook from its own folder"):
        check("double", double, tmp_path)


def test_check_of_an_unknown_name_lists_the_known_ones(tmp_path):
    stored(tmp_path, make_key(function="affine_forward"), make_key(function="affine_backward"))
    with pytest.raises(KeyError, match="affine_backward, affine_forward"):
        check("afine_forward", double, tmp_path)


def test_check_of_a_class_or_builtin_does_not_stumble_over_missing_source(tmp_path):
    key = loop_key()
    stored(tmp_path, key)
    assert check("double", np.vectorize(lambda x: 2 * x), tmp_path).verdicts[0].status == PASSED
    assert check("double", np.negative, tmp_path).earned == 0
