import numpy as np
import pytest
from layer_checks import awkward

from cs231n_kit.gradients import (
    check_gradient,
    compare_gradients,
    numeric_gradient,
    numeric_gradients,
    relative_error,
    sparse_gradient_check,
)

RNG = np.random.default_rng(0)
X, A = RNG.normal(size=(3, 4)), RNG.normal(size=(4, 2))


def test_gradients_of_numbers_and_of_arrays():
    np.testing.assert_allclose(numeric_gradient(lambda x: np.sin(x).sum(), X), np.cos(X), atol=1e-9)
    dout = RNG.normal(size=(3, 2))
    np.testing.assert_allclose(numeric_gradient(lambda x: x @ A, X, dout), dout @ A.T, atol=1e-9)
    dx, da = numeric_gradients(lambda x, a: x @ a, X, A, dout=dout)
    np.testing.assert_allclose(dx, dout @ A.T, atol=1e-9)
    np.testing.assert_allclose(da, X.T @ dout, atol=1e-9)
    assert numeric_gradient(lambda x: x**3, 2.0) == pytest.approx(12)
    assert numeric_gradient(lambda x: np.array([x[0] * x[1]]), [2, 5]) == pytest.approx([5, 2])


@pytest.mark.parametrize("size", [1e-6, 1.0, 1e6])
def test_steps_fit_the_size_of_each_element(size):
    """With one step for all, either the cube of 1e6 loses its digits or that of 1e-6 its smallness."""
    x = np.array([1.0, -2.0, 3.0]) * size
    np.testing.assert_allclose(numeric_gradient(lambda x: (x**3).sum(), x), 3 * x**2, rtol=1e-8, atol=1e-9)


def test_a_given_step_is_used():
    assert numeric_gradient(lambda x: x**3, np.array(0.0), h=0.5) == pytest.approx(0.25)
    rounded = np.array([1000.0], np.float32)  # whose neighbours are 6e-5 away
    assert numeric_gradient(lambda x: 3 * float(x[0]), rounded, h=1e-4) == pytest.approx(3, rel=1e-6)
    with pytest.raises(ValueError, match="h must be a positive number, not 0"):
        numeric_gradient(lambda x: x, 1.0, h=0)
    with pytest.raises(ValueError, match="h = 1e-20 is too small to move the element 1 in float64"):
        numeric_gradient(lambda x: x, 1.0, h=1e-20)


def test_float32():
    x = X.astype(np.float32)
    gradient = numeric_gradient(lambda x: np.sin(x).sum(), x)
    assert gradient.dtype == np.float32
    np.testing.assert_allclose(gradient, np.cos(X), atol=3e-3)


def test_x_is_moved_in_place_and_put_back():
    """f may ignore its argument and read the array from a model that holds it."""
    model = {"W": X.copy()}
    gradient = numeric_gradient(lambda _: (model["W"] ** 2).sum(), model["W"])
    np.testing.assert_allclose(gradient, 2 * X, atol=1e-9)
    np.testing.assert_array_equal(model["W"], X)
    calls = []

    def fails(x):
        calls.append(x)
        if len(calls) == 6:
            raise RuntimeError("the sixth call fails")
        return x.sum()

    with pytest.raises(RuntimeError, match="sixth"):
        numeric_gradient(fails, model["W"])
    np.testing.assert_array_equal(model["W"], X)


def test_inputs_that_cannot_be_moved_are_copied():
    frozen = X.copy()
    frozen.flags.writeable = False
    np.testing.assert_allclose(numeric_gradient(lambda x: (x**2).sum(), frozen), 2 * X, atol=1e-9)
    np.testing.assert_allclose(numeric_gradients(lambda a, b: (a * b).sum(), frozen, X)[1], X, atol=1e-9)
    np.testing.assert_allclose(numeric_gradient(lambda x: (x**2).sum(), X[:, ::2].T), 2 * X[:, ::2].T, atol=1e-9)
    assert numeric_gradient(lambda x: (x**2).sum(), np.array([1, 2])) == pytest.approx([2, 4])


@pytest.mark.parametrize("dtype, tolerance", [(np.float64, 1e-9), (np.float32, 1e-2)])
@pytest.mark.parametrize("shape", [(), (1,), (1, 1, 3), (3, 4)])
def test_any_shape_type_and_layout(shape, dtype, tolerance):
    x = awkward(np.random.default_rng(0).normal(size=shape), dtype) if shape else np.array(0.5, dtype)
    before = x.copy()
    gradient = numeric_gradient(lambda x: (x**3).sum(dtype=float), x)
    assert gradient.shape == shape and gradient.dtype == dtype
    np.testing.assert_allclose(gradient, 3 * before.astype(float) ** 2, rtol=tolerance, atol=tolerance)
    np.testing.assert_array_equal(x, before)


def test_a_function_that_returns_its_own_buffer():
    buffer = np.empty_like(X)
    gradient = numeric_gradient(lambda x: np.multiply(x, x, out=buffer), X, np.ones_like(X))
    np.testing.assert_allclose(gradient, 2 * X, atol=1e-9)


def test_relative_error():
    assert relative_error([1.0, 2.0], [1.0, 3.0]) == pytest.approx(0.2)
    assert relative_error([1.0], [-1.0]) == 1
    assert relative_error([0.0, 1e-12], [0.0, 0.0]) == pytest.approx(1e-4)
    assert relative_error([np.nan], [1.0]) == relative_error([np.inf], [np.inf]) == np.inf
    assert relative_error(np.ones((0, 2)), np.ones((0, 2))) == 0
    with pytest.raises(ValueError, match=r"not \(3,\) and \(3, 1\)"):
        relative_error(np.ones(3), np.ones((3, 1)))


def test_a_right_gradient_passes_and_the_report_finds_a_wrong_element():
    good = np.cos(X)
    report = check_gradient(lambda x: np.sin(x).sum(), X, good)
    assert report and report.passed and "All gradients agree" in repr(report)
    bad = good.copy()
    bad[2, 1] += 0.01
    report = check_gradient(lambda x: np.sin(x).sum(), X, bad)
    assert not report
    (row,) = report.rows
    assert (row.index, row.checked) == ((2, 1), 12)
    assert row.analytic == bad[2, 1] and row.numeric == pytest.approx(good[2, 1])
    header, line, verdict = repr(report).splitlines()
    assert header.split() == ["gradient", "worst", "at", "analytic", "numeric", "error", "checked"]
    assert "[2, 1]" in line and f"{bad[2, 1]:.6g}" in line and line.endswith("WRONG")
    assert verdict == "Some gradients differ (tolerance 1e-05)."


def test_elements_far_smaller_than_the_others_do_not_raise_false_alarms():
    numeric = {"w": np.array([1.0, 1e-9]), "unused": np.array([3e-12])}
    assert compare_gradients({"w": np.array([1.0, 0.0]), "unused": np.zeros(1)}, numeric)
    assert not compare_gradients({"w": np.array([1.0, 1e-4]), "unused": np.zeros(1)}, numeric)
    assert not compare_gradients({"w": np.array([1e-7])}, {"w": np.array([2e-7])})


def test_rounding_of_a_large_loss_is_no_error():
    """Differences of numbers around 1,000 are uncertain by 1e-8, and these gradients are 1e-6."""
    x, f = 1 + RNG.random(20), lambda x: 1000 / 3 + 1e-6 * np.exp(x).sum()
    assert np.abs(numeric_gradient(f, x) - 1e-6 * np.exp(x)).max() > 1e-10
    assert check_gradient(f, x, 1e-6 * np.exp(x))
    assert not check_gradient(f, x, 1.1e-6 * np.exp(x))


def test_the_report_of_several_gradients():
    numeric = {"W": np.ones((2, 2)), "b": np.array(1.0), "n": np.ones(2)}
    analytic = {"W": np.ones((2, 2)), "b": np.array(1.5), "n": np.array([1.0, np.nan])}
    report = compare_gradients(analytic, numeric)
    assert [row.error <= report.tolerance for row in report.rows] == [True, False, False]
    assert report.rows[1].index == () and report.rows[2].index == (1,)
    assert compare_gradients(analytic, numeric, tolerance=0.5).rows[1].error == pytest.approx(0.2)
    lines = repr(report).splitlines()
    assert lines[2].startswith("b ") and "[]" in lines[2] and "nan" in lines[3] and lines[1].endswith("ok")


def test_a_sparse_check_looks_at_some_elements_of_a_large_array():
    x, calls = RNG.normal(size=(300, 400)), []

    def f(x):
        calls.append(1)
        return (x[::100] ** 2).sum() + (x**2).mean()

    gradient = 2 * x / x.size
    gradient[::100] += 2 * x[::100]
    report = sparse_gradient_check(f, x, gradient, samples=12, rng=3)
    assert report and report.rows[0].checked == 12 and len(calls) == 24
    report = sparse_gradient_check(f, x, gradient * 1.01, samples=12, rng=3)
    assert not report and report.rows[0].analytic == gradient[report.rows[0].index] * 1.01
    assert sparse_gradient_check(lambda x: x @ A, X, np.ones((3, 2)) @ A.T, dout=np.ones((3, 2))).rows[0].checked == 10
    assert sparse_gradient_check(np.sum, X, np.ones((3, 4)), samples=99).rows[0].checked == 12


@pytest.mark.parametrize(
    "action, error, message",
    [
        (lambda: numeric_gradient(lambda x: (x.sum(), None), X), TypeError, r"not a tuple: .* f\(x\)\[0\]"),
        (
            lambda: numeric_gradient(lambda x: None, X),
            TypeError,
            "but returns nothing: is its return statement missing",
        ),
        (lambda: numeric_gradient(lambda x: x, X), ValueError, r"array of shape \(3, 4\): give its upstream"),
        (lambda: numeric_gradient(lambda x: x, X, X[0]), ValueError, r"dout must .* \(3, 4\), not \(4,\)"),
        (lambda: numeric_gradient(lambda x: x, ["a"]), TypeError, "x must hold real numbers, not <U1"),
        (lambda: check_gradient(np.sum, X, X.T), ValueError, r"gradient must .* \(3, 4\), not \(4, 3\)"),
        (lambda: sparse_gradient_check(np.sum, X, X, samples=0), ValueError, "samples must be a positive integer"),
        (lambda: compare_gradients({"a": X}, {"b": X}), ValueError, r"\['a'\] and \['b'\]"),
        (lambda: compare_gradients({"a": X}, {"a": X.T}), ValueError, r"'a' must .* not \(3, 4\) and \(4, 3\)"),
        (lambda: compare_gradients({"a": X[:0]}, {"a": X[:0]}), ValueError, "'a' is empty"),
    ],
)
def test_errors_name_the_argument_what_came_and_what_was_expected(action, error, message):
    with pytest.raises(error, match=message):
        action()
