"""Graphs from typed expressions, read with Python's own parser and without running anything."""

import ast
import difflib
import math
import warnings

from cs231n_kit.graph import operations as op
from cs231n_kit.graph.named_graph import ExpressionError, Graph
from cs231n_kit.graph.node import Node

MAX_CHARACTERS = 400
MAX_OPERATIONS = 60
MAX_NAME = 12  # characters
STARTS = (2.0, -1.0, 3.0, 0.5, -2.0, 1.0)  # of inputs without a value, in turn

FUNCTIONS = {**op.UNARY, **op.VARIADIC, "σ": op.SIGMOID}
CONSTANTS = {"pi": math.pi, "π": math.pi}
OPERATORS = {
    ast.Add: op.ADD,
    ast.Sub: op.SUBTRACT,
    ast.Mult: op.MULTIPLY,
    ast.Div: op.DIVIDE,
    ast.Pow: op.POWER,
    ast.MatMult: op.MATMUL,
}


def read(text) -> Graph:
    """The graph of an expression, as ``parse`` reads it, without its values: ``set`` inputs, then call ``forward``."""
    text = "\n".join(line.strip() for line in text.strip().splitlines())
    try:
        return _Reader(text).graph()
    except RecursionError:
        raise ExpressionError("too many brackets or signs inside each other", text, 0, len(text)) from None


def parse(text, **values) -> Graph:
    """Read an expression such as ``"(x + y) * z"`` and compute its graph, forward.

    Every name is an input; its value is given here, or in the text, or else chosen. Several statements, on lines of
    their own or divided by semicolons, name steps on the way, and the last one is the output:
    ``"q = x + y; f = q * z"``. ``"x = 3; ..."`` gives an input its value. There are + - * / ** @, max, min, exp, log,
    sqrt, square, abs, sin, cos, tanh, sigmoid, relu, sum, and pi. Equal subexpressions become one node.

    Raises ExpressionError, with the place, for anything else, and for values that ``Graph.forward_steps`` refuses;
    ValueError for a value of a name that is no input.
    """
    graph = read(text).set(**values)
    graph.forward()
    return graph


class _Reader:
    """Walks over the syntax tree of one text and makes its nodes."""

    def __init__(self, text):
        self.text = text
        self.inputs, self.steps, self.made, self.places = {}, {}, {}, {}
        self.used, self.given, self.body = set(), {}, []

    def graph(self):
        statements = self._syntax_tree().body
        if not statements:
            raise ExpressionError("type an expression, such as (x + y) * z", self.text, 0, len(self.text))
        for statement in statements[:-1]:
            self._named_step(statement)
        last = statements[-1]
        output = self._named_step(last) if isinstance(last, ast.Assign) else self._expression_of(last)
        if output.operation is None and output.constant:
            raise self._error("there is no input here: use a name, such as x", last)
        if output.operation is None:
            raise self._error("this computes nothing: write an operation, such as x + y", last)
        for name, (node, syntax) in self.steps.items():
            if name not in self.used and node is not output:
                raise self._error(f"{name} is never used", syntax)
        self._keep(last)
        return Graph(self.text, self.inputs, output, self.places, self.given, "; ".join(self.body))

    def _syntax_tree(self):
        text = self.text
        if len(text) > MAX_CHARACTERS:
            reason = f"too long: {len(text)} characters, and at most {MAX_CHARACTERS} are read"
            raise ExpressionError(reason, text, MAX_CHARACTERS, len(text))
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of Python's parser, about texts that we refuse anyway
                return ast.parse(text)
        except SyntaxError as error:
            lines = text.split("\n")[: (error.lineno or 1) - 1]
            start = sum(len(line) + 1 for line in lines) + max((error.offset or 1) - 1, 0)
            start = min(start, max(len(text) - 1, 0))
            raise ExpressionError(_why_unreadable(error, text), text, start, start + 1) from None
        except (ValueError, MemoryError, RecursionError):
            raise ExpressionError("this cannot be read: too deep, or not text", text, 0, len(text)) from None

    # Statements

    def _named_step(self, statement):
        """``name = expression``; a number makes an input with that value."""
        if isinstance(statement, ast.Expr):
            raise self._error("only the last expression may go without a name: write q = ...", statement)
        if not isinstance(statement, ast.Assign) or len(statement.targets) != 1:
            raise self._error("only expressions, and steps such as q = x + y, can be read", statement)
        target = statement.targets[0]
        if not isinstance(target, ast.Name):
            raise self._error("on the left of = stands one name: write f = ..., without (x, y)", target)
        name = self._checked_name(target)
        if name in self.steps or name in self.inputs or name in CONSTANTS:
            raise self._error(f"{name} has a meaning already: take another name", target)
        node = self._expression(statement.value)
        if node.operation is None and node.constant:
            self.given[name] = float(node.value)
            node = self.inputs[name] = Node(node.value, name=name)
        else:
            self._keep(statement)
            node.name = node.name or name
        self.steps[name] = (node, target)
        return node

    def _keep(self, statement):
        start, end = self._place(statement)
        if self.text[start:end] not in self.body:
            self.body.append(self.text[start:end])

    def _expression_of(self, statement):
        if not isinstance(statement, ast.Expr):
            raise self._error("only expressions, and steps such as q = x + y, can be read", statement)
        return self._expression(statement.value)

    # Expressions

    def _expression(self, syntax) -> Node:
        if isinstance(syntax, ast.Constant):
            return self._number(syntax)
        if isinstance(syntax, ast.Name):
            return self._name(syntax)
        if isinstance(syntax, ast.BinOp):
            if isinstance(syntax.op, ast.BitXor):
                place = self._place(syntax.left)[1], self._place(syntax.right)[0]  # ^ binds weaker than +
                raise ExpressionError("^ is no power in Python: write ** instead", self.text, *place)
            if type(syntax.op) not in OPERATORS:
                raise self._error("the operators are + - * / ** and @", syntax)
            return self._operation(OPERATORS[type(syntax.op)], syntax, syntax.left, syntax.right)
        if isinstance(syntax, ast.UnaryOp) and isinstance(syntax.op, ast.USub):
            return self._operation(op.NEGATE, syntax, syntax.operand)
        if isinstance(syntax, ast.UnaryOp) and isinstance(syntax.op, ast.UAdd):
            return self._expression(syntax.operand)
        if isinstance(syntax, ast.Call):
            return self._call(syntax)
        if isinstance(syntax, ast.Compare):
            raise self._error("a comparison has no gradient; max and relu choose", syntax)
        raise self._error("numbers, names, operators and functions only: this is something else", syntax)

    def _number(self, syntax):
        if isinstance(syntax.value, bool) or not isinstance(syntax.value, int | float):
            raise self._error("this is not a real number", syntax)
        try:
            value = float(syntax.value)
        except OverflowError:
            value = math.inf
        if math.isinf(value):
            raise self._error("this number is too large", syntax)
        return Node(value, constant=True)

    def _name(self, syntax):
        name = self._checked_name(syntax)
        self.used.add(name)
        if name in CONSTANTS:
            return Node(CONSTANTS[name], constant=True)
        if name in self.steps:
            return self.steps[name][0]
        if name not in self.inputs:
            self.inputs[name] = Node(STARTS[len(self.inputs) % len(STARTS)], name=name)
        return self.inputs[name]

    def _checked_name(self, syntax):
        name = syntax.id
        if name in FUNCTIONS:
            raise self._error(f"{name} is a function: it needs brackets, {name}(...)", syntax)
        if len(name) > MAX_NAME:
            raise self._error(f"a name may have at most {MAX_NAME} characters", syntax)
        return name

    def _call(self, syntax):
        name = syntax.func.id if isinstance(syntax.func, ast.Name) else ""
        if name not in FUNCTIONS:
            raise self._error(_unknown_function(name), syntax.func)
        if syntax.keywords or any(isinstance(argument, ast.Starred) for argument in syntax.args):
            raise self._error(f"{name} takes expressions in its brackets, nothing else", syntax)
        count, variadic = len(syntax.args), name in op.VARIADIC
        if count < 2 if variadic else count != 1:
            wanted = "two expressions or more" if variadic else "one expression"
            raise self._error(f"{name} takes {wanted}, got {count}", syntax)
        return self._operation(FUNCTIONS[name], syntax, *syntax.args)

    def _operation(self, operation, syntax, *operands):
        parents = [self._expression(operand) for operand in operands]
        key = (operation, *(("number", float(each.value)) if each.constant else each for each in parents))
        if key in self.made:
            return self.made[key]
        if len(self.made) >= MAX_OPERATIONS:
            raise self._error(f"too long: at most {MAX_OPERATIONS} operations are read", syntax)
        node = Node(operation=operation, parents=parents)
        start, end = self._place(syntax)
        if all(parent.constant for parent in parents):  # 1 / 2 is a number
            folded = Graph(self.text, {}, node, {node: (start, end)})
            return Node(folded.forward(), constant=True)
        self.places[node] = (start, end)
        self.made[key] = node
        return node

    # Places

    def _place(self, syntax):
        """Where a piece of syntax starts and ends in the text; Python counts bytes in lines."""
        lines = self.text.split("\n")

        def offset(line, byte):
            return sum(len(each) + 1 for each in lines[: line - 1]) + len(lines[line - 1].encode()[:byte].decode())

        return offset(syntax.lineno, syntax.col_offset), offset(syntax.end_lineno, syntax.end_col_offset)

    def _error(self, reason, syntax):
        return ExpressionError(reason, self.text, *self._place(syntax))


def _why_unreadable(error, text):
    message = error.msg or ""
    if "never closed" in message or "unmatched" in message or "does not match" in message:
        return f"the brackets do not match: {message}"
    if "literal" in message:
        return "a product needs its *: write 2 * x, not 2x"
    if error.text and "=" in text and "assign" in message:
        return "on the left of = stands one name: write f = ..., without (x, y)"
    return "this cannot be read: is an operator, a number or a bracket missing here?"


def _unknown_function(name):
    if not name:
        return "a product needs its *, and only functions stand before brackets"
    close = difflib.get_close_matches(name, FUNCTIONS, 1)
    if close:
        return f"unknown function {name}; did you mean {close[0]}?"
    return f"unknown function {name}; there are {', '.join(FUNCTIONS)} (and a product is written with *)"
