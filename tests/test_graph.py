"""The engine: values and gradients against formulas, complex steps and centred differences, order, and errors."""

import cmath
import math
from functools import reduce

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from scipy.special import expit

from cs231n_kit import graph
from cs231n_kit.gradients import check_gradient
from cs231n_kit.graph import ExpressionError, Node, parse, topological_order
from cs231n_kit.graph.expression import MAX_CHARACTERS, MAX_OPERATIONS, read

# --- examples of the lecture


def test_the_first_example():
    f = parse("q = x + y; f = q * z", x=-2, y=5, z=-4)
    assert f.forward() == -12
    assert f.backward() == {"x": -4, "y": -4, "z": 3}
    assert [(node.name, float(node.value), float(node.grad)) for node in f.operations] == [("q", 3, -4), ("f", -12, 1)]


def test_the_sigmoid_neuron():
    values = {"w0": 2.0, "x0": -1.0, "w1": -3.0, "x1": -2.0, "w2": -3.0}
    long = parse("1 / (1 + exp(-(w0*x0 + w1*x1 + w2)))", **values)
    short = parse("sigmoid(w0*x0 + w1*x1 + w2)", **values)
    out = expit(1.0)
    slope = out * (1 - out)
    expected = {"w0": -slope, "x0": 2 * slope, "w1": -2 * slope, "x1": -3 * slope, "w2": slope}
    for neuron in (long, short):
        assert neuron.forward() == pytest.approx(out, rel=1e-15)
        assert neuron.backward() == pytest.approx(expected, rel=1e-14)


def test_the_staged_example():
    f = parse("(x + sigmoid(y)) / (sigmoid(x) + (x + y)**2)", x=3, y=-4)
    s, t = expit(3.0), expit(-4.0)
    top, bottom = 3 + t, s + 1
    assert f.forward() == pytest.approx(top / bottom, rel=1e-15)
    dx = 1 / bottom - top / bottom**2 * (s * (1 - s) - 2)
    dy = t * (1 - t) / bottom + 2 * top / bottom**2
    assert f.backward() == pytest.approx({"x": dx, "y": dy}, rel=1e-14)


# --- operations, against numeric gradients

BINARY = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "**": lambda a, b: a**b,
    "max": graph.maximum,
    "min": graph.minimum,
}
UNARY = ["exp", "log", "sqrt", "square", "absolute", "sin", "cos", "tanh", "sigmoid", "relu"]
DEFINITIONS = {"absolute": abs, "sigmoid": expit, "relu": lambda a: np.where(a > 0, a, 0)}


def positive(*shape):
    """Different values, so that no max is a tie."""
    rng = np.random.default_rng(len(shape))
    return rng.permutation(np.linspace(0.3, 2.1, math.prod(shape))).reshape(shape)


def grad_at(function, values, which):
    nodes = [Node(value) for value in values]
    function(*nodes).sum().backward()
    return nodes[which].grad


@pytest.mark.parametrize("name", BINARY)
@pytest.mark.parametrize(
    "shapes", [((), ()), ((3, 2), (3, 2)), ((3, 2), ()), ((2,), (3, 2)), ((3, 1), (4, 1, 2))], ids=str
)
def test_operations_of_two_broadcast(name, shapes):
    function, values = BINARY[name], [positive(*shape) for shape in shapes]
    values[1] = values[1] + 0.017
    plain = {"max": np.maximum, "min": np.minimum}.get(name, function)
    np.testing.assert_array_equal(function(*map(Node, values)).value, plain(*values))
    for which in range(2):

        def total(x, which=which):
            return plain(*(x if i == which else value for i, value in enumerate(values))).sum()

        found = grad_at(function, values, which)
        assert found.shape == values[which].shape
        assert check_gradient(total, values[which], found)


@pytest.mark.parametrize("name", UNARY)
def test_operations_of_one(name):
    function = getattr(graph, name)
    plain = DEFINITIONS.get(name) or getattr(np, name)
    x = positive(3, 2) if name in ("log", "sqrt") else positive(3, 2) - 1.2
    np.testing.assert_allclose(function(Node(x)).value, plain(x), rtol=1e-15)
    assert check_gradient(lambda x: plain(x).sum(), x, grad_at(function, [x], 0))


@pytest.mark.parametrize("axis, keepdims", [(None, False), (0, False), (1, True), (-1, False), ((0, 1), False)])
def test_sum(axis, keepdims):
    x, weights = positive(3, 4), positive(3, 4).sum(axis=axis, keepdims=keepdims)
    node = Node(x)
    out = node.sum(axis, keepdims)
    np.testing.assert_allclose(out.value, x.sum(axis=axis, keepdims=keepdims))
    (out * weights).sum().backward()
    assert check_gradient(lambda x: (x.sum(axis=axis, keepdims=keepdims) * weights).sum(), x, node.grad)


def test_matrix_product():
    W, X, dD = positive(5, 4), positive(4, 3), positive(5, 3)
    w, x = Node(W), Node(X)
    (w @ x * dD).sum().backward()
    np.testing.assert_allclose(w.grad, np.einsum("nm,km->nk", dD, X))
    np.testing.assert_allclose(x.grad, np.einsum("nk,nm->km", W, dD))
    assert check_gradient(lambda W: ((W @ X) * dD).sum(), W, w.grad)


def test_constants_may_stand_on_either_side():
    x, A = Node(positive(2, 2)), positive(2, 2)
    for made, expected in [
        (2 + x, 2 + x.value), (x - 2, x.value - 2), (2 - x, 2 - x.value), (3 * x, 3 * x.value), (1 / x, 1 / x.value),
        (2**x, 2**x.value), (A @ x, A @ x.value), (x @ A, x.value @ A), (A * x, A * x.value), (-x, -x.value),
        (np.float64(2) * x, 2 * x.value),
    ]:  # fmt: skip
        assert isinstance(made, Node)
        np.testing.assert_array_equal(made.value, expected)
        assert made.value.dtype == np.float64


# --- kinks, ties and limits


def test_kinks_and_ties():
    zero = Node(0.0)
    for function, expected in ((graph.relu, 0.0), (graph.absolute, 0.0)):
        function(zero).backward()
        assert zero.grad == expected
    a, b, c = Node([1.0, 2.0, 2.0]), Node([1.0, 0.0, 2.0]), Node([0.0, 5.0, 2.0])
    graph.maximum(a, b, c).sum().backward()
    np.testing.assert_allclose([a.grad, b.grad, c.grad], [[1 / 2, 0, 1 / 3], [1 / 2, 0, 1 / 3], [0, 1, 1 / 3]])


def test_sigmoid_neither_overflows_nor_loses_digits():
    x = Node([-700.0, -40.0, 0.0, 40.0, 1000.0])
    out = graph.sigmoid(x)
    np.testing.assert_allclose(out.value, expit(x.value), rtol=1e-13)
    out.sum().backward()
    assert np.isfinite(x.grad).all()


def test_powers_of_zero_and_of_negative_numbers():
    a, b = Node([0.0, 0.0, -2.0, 3.0]), Node([0.0, 2.0, 3.0, 0.0])
    (a**b).sum().backward()
    np.testing.assert_allclose(a.grad, [0, 0, 12, 0])
    np.testing.assert_allclose(b.grad[[1, 3]], [0, math.log(3)])
    assert np.isnan(b.grad[[0, 2]]).all()


# --- the order of the backward pass


def test_one_step_after_the_other():
    """Reverse topological order: a node's gradient is complete before the node sends it on, and forks add."""
    f = parse("a = x * y; b = a + x; c = a * b; f = max(c, b)", x=2, y=3)
    assert [node.name for node in f.forward_steps()] == ["a", "b", "c", "f"]
    seen = []
    grads = {name: [] for name in ("x", "a", "b", "c")}
    by_name = f.inputs | {node.name: node for node in f.operations}
    for node in f.backward_steps():
        seen.append(node.name)
        for name, history in grads.items():
            history.append(float(by_name[name].grad))
    assert seen == ["f", "c", "b", "a"]
    # a = 6, b = 8, c = 48. max routes to c; c sends 8 to a, 6 to b; b sends 6 to a (8 + 6) and to x; a sends 14 * 3.
    assert grads == {"c": [1, 1, 1, 1], "b": [0, 6, 6, 6], "a": [0, 8, 14, 14], "x": [0, 0, 6, 48]}
    a = by_name["a"]
    assert [float(local) for local in a.local_gradients()] == [3, 2]
    assert [float(share) for share in a.shares()] == [42, 28]


def test_backward_starts_afresh_each_time():
    x = Node(3.0)
    f = x * x
    f.backward()
    f.backward()
    assert x.grad == 6 and f.grad == 1


def test_order_and_depth():
    x = node = Node(1.0)
    for _ in range(5000):  # deeper than Python's recursion
        node = node + x
    order = topological_order(node)
    place = {each: i for i, each in enumerate(order)}
    assert len(order) == len(place) == 5001
    assert all(place[parent] < place[each] for each in order for parent in each.parents)
    node.backward()
    assert x.grad == 5001


def test_local_gradients_of_arrays():
    product = Node(positive(2, 2)) @ Node(positive(2, 2))
    with pytest.raises(TypeError, match="no elementwise local gradient"):
        product.local_gradients()
    with pytest.raises(TypeError, match="An input"):
        Node(1.0).local_gradients()
    with pytest.raises(ValueError, match=r"two matrices, not arrays of shapes \(\) and \(2, 2\); for numbers write \*"):
        Node(1.0) @ Node(positive(2, 2))


def test_repr():
    assert repr(Node()) == "Node(?)"
    x = Node(2)
    assert repr(x) == "Node(2.0)"
    (x * 3).backward()
    assert repr(x) == "Node(2.0, grad=3.0)"


# --- expressions

COMPLEX = {
    "exp": cmath.exp,
    "log": cmath.log,
    "sqrt": cmath.sqrt,
    "square": lambda a: a * a,
    "sin": cmath.sin,
    "cos": cmath.cos,
    "tanh": cmath.tanh,
    "sigmoid": lambda a: 1 / (1 + cmath.exp(-a)),
    "relu": lambda a: a if a.real > 0 else 0 * a,
    "abs": lambda a: a if a.real > 0 else -a,
    "max": lambda *values: max(values, key=lambda a: a.real),
    "min": lambda *values: min(values, key=lambda a: a.real),
    "sum": lambda a: a,
    "pi": math.pi,
}

leaves = st.sampled_from(["x", "y", "z", "2", "0.5", "3e-1", "pi"])
expressions = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds("({} {} {})".format, inner, st.sampled_from(["+", "-", "*", "/"]), inner),
        st.builds("{}({})".format, st.sampled_from(["exp", "sin", "cos", "tanh", "sigmoid", "relu", "square"]), inner),
        st.builds("({} ** {})".format, inner, st.sampled_from(["2", "3", "-1"])),
        st.builds("max({}, {})".format, inner, inner),
        st.builds("min({}, {}, 0.7)".format, inner, inner),
        st.builds("(-{})".format, inner),
    ),
    max_leaves=10,
)
numbers = st.floats(-3, 3).map(lambda value: round(value, 3))


@settings(max_examples=150)
@given(expressions, st.tuples(numbers, numbers, numbers))
@example("((x + y) * (x + y))", (1.0, 2.0, 0.0))
@example("max(x, y)", (1.0, 2.0, 0.0))
def test_drawn_expressions(text, values):
    """Python's own complex arithmetic knows the derivative without any difference: Im f(x + ih) / h."""
    point = dict(zip("xyz", values, strict=True))
    used = {name: value for name, value in point.items() if name in text.replace("exp", "").replace("max", "")}
    try:
        found = parse(text, **used)
        grads = found.backward()
    except ExpressionError as error:
        said = str(error)
        assert any(word in said for word in ("division", "overflow", "no input", "computes nothing", "derivative")), (
            said
        )
        assert error.text[error.start : error.end]
        return
    assert set(grads) == set(used)
    h = 1e-30
    largest = max(1.0, *(abs(float(node.value)) for node in found.operations))
    steepest = max(1.0, *(abs(float(node.grad)) for node in found.operations))
    assume(largest < 1e6 and steepest < 1e6)  # beyond, both ways only differ in rounding
    for name, grad in grads.items():
        moved = {**COMPLEX, **used, name: complex(used[name], h)}
        try:
            out = eval(text, {"__builtins__": {}}, moved)
        except (OverflowError, ZeroDivisionError):
            assume(False)
        assert found.forward() == pytest.approx(out.real if isinstance(out, complex) else out, rel=1e-9, abs=1e-9)
        if not _has_tie(found):
            expected = out.imag / h if isinstance(out, complex) else 0.0
            assert grad == pytest.approx(expected, rel=1e-7, abs=1e-7 * max(1, steepest))


def _has_tie(found):
    """Where two operands are equal, or a kink is met, one-sided slopes differ."""
    for node in found.operations:
        values = [float(parent.value) for parent in node.parents]
        if node.operation.name in ("max", "min") and np.ptp(sorted(values)[:2] + sorted(values)[-2:]) < 1e-9:
            return True
        if node.operation.name in ("max", "min") and len(set(values)) < len(values):
            return True
        if node.operation.name in ("relu", "abs") and abs(values[0]) < 1e-9:
            return True
    return False


@pytest.mark.parametrize("name", sorted(set(COMPLEX) - {"pi", "max", "min"}))
def test_every_function_can_be_typed(name):
    f = parse(f"{name}(x * y)", x=0.4, y=1.5)
    h = 1e-30
    assert f.forward() == pytest.approx(COMPLEX[name](0.6 + 0j).real, rel=1e-14)
    assert f.backward()["y"] == pytest.approx(COMPLEX[name](complex(0.6, 0.4 * h)).imag / h, rel=1e-14)


def test_what_else_can_be_typed():
    assert parse("σ(π * x)", x=0.1).forward() == pytest.approx(expit(0.1 * math.pi))
    assert parse("+x - -y\n", x=1, y=2).forward() == 3
    assert parse("2 ** -1 * x", x=3).forward() == 1.5
    assert parse(" a = x * x   # squared\n   b = a + 1\n b * a ", x=2).backward() == {"x": pytest.approx(2 * 2 * 9)}
    f = parse("x = -2; y = 5; f = x * y")
    assert f.values == {"x": -2, "y": 5} and f.backward() == {"x": 5, "y": -2}
    assert f.set(x=4).forward() == 20
    assert parse("x + y + z").values == {"x": 2, "y": -1, "z": 3}


def test_arrays():
    W, X = positive(5, 4), positive(4, 3)
    f = parse("sum(relu(W @ X - 1))", W=W, X=X)
    assert f.forward() == pytest.approx(np.maximum(W @ X - 1, 0).sum())
    assert check_gradient(lambda W: np.maximum(W @ X - 1, 0).sum(), W, f.backward()["W"])
    with pytest.raises(ExpressionError, match="matmul|mismatch"):
        parse("a = x + 1; a @ W", x=X, W=W)


def test_equal_subexpressions_are_one_node():
    f = parse("(x + y) * (x + y) + exp(x + y) / exp(x+y)", x=1, y=2)
    assert [f.source(node) for node in f.operations][:2] == ["x + y", "(x + y) * (x + y)"]
    assert len(f.operations) == 5
    product = f.operations[1]
    assert product.parents[0] is product.parents[1]
    named = parse("q = x + y; r = x + y; q * r", x=1, y=2)
    assert [node.name for node in named.operations] == ["q", ""]
    assert len(parse("x * 2 + x * 2.0 + x * 3").operations) == 4


@pytest.mark.parametrize(
    "text, reason, place",
    [
        ("", "type an expression", ""),
        ("x", "computes nothing", "x"),
        ("x = 1", "computes nothing", "x = 1"),
        ("1 / 2", "there is no input", "1 / 2"),
        ("x + ", "an operator, a number or a bracket missing", None),
        ("2x", r"write 2 \* x", "2"),
        ("(x + y", "brackets do not match", "("),
        ("x^2 + 1", r"write \*\*", "^"),
        ("x // y", "the operators are", "x // y"),
        ("y + sn(x)", "unknown function sn; did you mean sin", "sn"),
        ("y + foo(x)", "unknown function foo; there are exp, log", "foo"),
        ("x(y)", "unknown function x", "x"),
        ("2(x)", r"a product needs its \*", "2"),
        ("exp + 1", r"exp is a function: it needs brackets", "exp"),
        ("max(x)", "max takes two expressions or more, got 1", "max(x)"),
        ("exp(x, y)", "exp takes one expression, got 2", "exp(x, y)"),
        ("exp(x=1)", "nothing else", "exp(x=1)"),
        ("max(*x, y)", "nothing else", "max(*x, y)"),
        ("x / (y - y)", "division by zero", "x / (y - y)"),
        ("x ** 2 + 0 ** -x", "division by zero: 0 to a negative power", "0 ** -x"),
        ("1 + exp(1000 * x)", "overflow", "exp(1000 * x)"),
        ("log(x - 5)", r"log needs a number above 0, got -3", "log(x - 5)"),
        ("sqrt(x - 5)", r"sqrt needs a number of at least 0, got -3", "sqrt(x - 5)"),
        ("(-x) ** 0.5", r"only whole powers, got \(-2.0\) \*\* 0.5", "(-x) ** 0.5"),
        ("1 / 0 * x", "division by zero", "1 / 0"),
        ("1e999 * x", "too large", "1e999"),
        ("1j * x", "not a real number", "1j"),
        ("True * x", "not a real number", "True"),
        ("'a' * x", "not a real number", "'a'"),
        ("x < y", "a comparison has no gradient", "x < y"),
        ("x if y else z", "something else", "x if y else z"),
        ("[x] * y", "something else", "[x]"),
        ("x.real + 1", "something else", "x.real"),
        ("(lambda: x)()", "only functions stand before brackets", "lambda: x"),
        ("not x", "something else", "not x"),
        ("import os", "only expressions", "import os"),
        ("x += 1", "only expressions", "x += 1"),
        ("a = b = x + 1", "only expressions", "a = b = x + 1"),
        ("f(x, y) = x * y", r"without \(x, y\)", "f"),
        ("a, b = x, y", r"without \(x, y\)", "a, b"),
        ("x + 1; x * 2", "only the last", "x + 1"),
        ("q = x + y; x * 2", "q is never used", "q"),
        ("y = x + 1; x = y * 2", "x has a meaning already", "x"),
        ("pi = x + 1", "pi has a meaning already", "pi"),
        ("exp = x + 1", "exp is a function", "exp"),
        ("much_too_long_a_name * 2", "at most 12 characters", "much_too_long_a_name"),
        ("é = σ(x) + 1\nz = é + é ^ 2", r"write \*\*", " ^ "),
        ("x + y @ z", "for numbers write", "y @ z"),
        ("\0", "cannot be read", None),
    ],
)
def test_refusals_name_the_place(text, reason, place):
    with pytest.raises(ExpressionError, match=reason) as caught:
        parse(text)
    error = caught.value
    if place is not None:
        assert error.text[error.start : error.end] == place
    line, marks = str(error).split("\n")[-2:]
    assert set(marks.strip()) == {"^"}
    if place:
        assert place.startswith(line[marks.index("^") : marks.rindex("^") + 1])


def test_limits():
    with pytest.raises(ExpressionError, match=f"at most {MAX_CHARACTERS}"):
        parse("x + " * MAX_CHARACTERS + "x")
    terms = "+".join(["x", *(f"{i}" for i in range(MAX_OPERATIONS))])
    assert len(parse(terms).operations) == MAX_OPERATIONS
    with pytest.raises(ExpressionError, match=f"at most {MAX_OPERATIONS} operations"):
        parse(terms + "+x")
    deep = "(" * 180 + "x" + ")" * 180 + "*2"
    assert parse(deep).forward() == 4
    with pytest.raises(ExpressionError, match="inside each other|too deep|at most 60"):
        parse("-" * 399 + "x")
    with pytest.raises(ExpressionError, match="this number is too large"):
        parse("1" * 350 + "*x")


def test_derivatives_that_do_not_exist():
    for text, values, place in [
        ("1 + sqrt(x)", {"x": 0}, "sqrt(x)"),
        ("x ** y", {"x": -2, "y": 3}, "x ** y"),
        ("x ** 0.5", {"x": 0}, "x ** 0.5"),
    ]:
        f = parse(text, **values)
        with pytest.raises(ExpressionError, match="no finite derivative") as caught:
            f.backward()
        assert f.text[caught.value.start : caught.value.end] == place
    assert parse("x ** 3", x=-2).backward() == {"x": 12}


def test_inputs_are_checked():
    f = parse("x * y", x=2, y=3)
    with pytest.raises(ValueError, match="no input 'z'; the inputs are x, y"):
        f.set(z=1)
    for wrong in (math.nan, math.inf, "3", None, 1j, True):
        with pytest.raises(ValueError, match="the input x must be a finite number"):
            f.set(x=wrong)
    assert f.values == {"x": 2, "y": 3}


def test_a_failed_forward_pass_can_be_repaired():
    f = parse("1 / (x - y)", x=1, y=3)
    with pytest.raises(ExpressionError, match="division by zero"):
        f.set(y=1).forward()
    assert f.set(y=2).forward() == -1
    assert f.backward() == {"x": -1, "y": 1}


def test_many_terms_add_up():
    f = parse("+".join(f"{i} * x" for i in range(1, 11)), x=2)
    assert f.backward() == {"x": reduce(lambda a, b: a + b, range(1, 11))}


def test_values_in_the_text_can_be_told_from_the_rest():
    f = read("x = -2; q = x + y\nz = 3; q * z")
    assert f.given == {"x": -2, "z": 3} and f.body == "q = x + y; q * z"
    assert read("q = x + y; f = q * z").body == "q = x + y; f = q * z"
    assert f.output.value is None  # reading computes nothing
    assert read("log(x - 5)").set(x=6).forward() == 0
