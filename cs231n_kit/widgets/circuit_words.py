"""What a circuit says of its nodes: names, numbers, local derivatives and the chain rule, written out."""

from cs231n_kit.graph import operations as op

# The derivative of each operation with respect to each operand: {0} and {1} are operands, {out} is the result.
RULES = {
    op.ADD: ("1", "1"),
    op.SUBTRACT: ("1", "−1"),
    op.NEGATE: ("−1",),
    op.MULTIPLY: ("{1}", "{0}"),
    op.DIVIDE: ("1 / {1}", "−{0} / {1}²"),
    op.POWER: ("{1} · {0}^({1} − 1)", "{out} · log {0}"),
    op.EXP: ("{out}",),
    op.LOG: ("1 / {0}",),
    op.SQRT: ("1 / (2 {out})",),
    op.SQUARE: ("2 · {0}",),
    op.ABS: ("the sign of {0}",),
    op.SIN: ("cos {0}",),
    op.COS: ("−sin {0}",),
    op.TANH: ("1 − {out}²",),
    op.SIGMOID: ("(1 − {out}) · {out}",),
    op.RELU: ("1 if {0} > 0, else 0",),
    op.SUM: ("1",),
}
FORMULAS = {
    op.ADD: "{0} + {1}",
    op.SUBTRACT: "{0} − {1}",
    op.NEGATE: "−1 × {0}",
    op.MULTIPLY: "{0} × {1}",
    op.DIVIDE: "{0} / {1}",
    op.POWER: "{0} ^ {1}",
    op.SQUARE: "{0}²",
    op.ABS: "|{0}|",
}
PATTERNS = {
    op.ADD: "Addition distributes: every operand gets the gradient unchanged.",
    op.SUBTRACT: "Subtraction distributes too, and turns the sign for what is subtracted.",
    op.MULTIPLY: "Multiplication swaps: each operand gets the gradient times the other operand.",
    op.MAXIMUM: "max routes: the largest operand gets the whole gradient, the others get nothing.",
    op.MINIMUM: "min routes: the smallest operand gets the whole gradient, the others get nothing.",
    op.RELU: "relu is a gate: open for positive values, closed for negative ones.",
    op.SIGMOID: "A sigmoid passes at most a quarter of the gradient on, and next to nothing where it is flat.",
    op.TANH: "tanh passes the gradient on near 0, and next to nothing where it is flat.",
}


def number(value):
    """A number in a few characters: three digits, more before the point, powers of ten where it is long."""
    value = float(value)
    size = abs(value)
    if value == 0:
        return "0"
    if size >= 1e5 or size < 1e-3:
        mantissa, exponent = f"{value:.1e}".split("e")
        text = f"{mantissa.removesuffix('.0')}e{int(exponent)}"
    elif size >= 100:
        text = f"{value:.1f}".removesuffix(".0")
    else:
        text = f"{value:.3g}"
    return text.replace("-", "−")


def names(nodes, output):
    """{node: name}: what was typed, and v1, v2, ... in the order of computation for the rest; the last one is f."""
    taken = {node.name for node in nodes if node.name}
    found, count = {}, 0
    for node in nodes:
        if node.constant:
            found[node] = number(node.value)
        elif node.name:
            found[node] = node.name
        elif node is output and "f" not in taken:
            found[node] = "f"
        else:
            count += 1
            while f"v{count}" in taken:
                count += 1
            found[node] = f"v{count}"
    return found


def symbol(node):
    """What stands inside a drawn node; constant operands are drawn with it."""
    constants = [number(parent.value) for parent in node.parents if parent.constant]
    if not constants:
        return node.operation.symbol
    first = node.parents[0].constant
    text = constants[0]
    if node.operation is op.POWER:
        return f"{text}ˣ" if first else {"2": "x²", "3": "x³"}.get(text, f"x^{text}")
    if node.operation in (op.SUBTRACT, op.DIVIDE):
        return f"{text} {node.operation.symbol}" if first else f"{node.operation.symbol} {text}"
    return " ".join([node.operation.symbol, *constants])


def formula(operation, operands):
    """An operation on named or written-out operands, as ``x + y``."""
    if operation in FORMULAS:
        return FORMULAS[operation].format(*operands)
    return f"{operation.name}({', '.join(operands)})"


def rule(node, index, name_of):
    """The derivative of a node with respect to its operand number ``index``, in names."""
    operands = [name_of[parent] for parent in node.parents]
    if node.operation in (op.MAXIMUM, op.MINIMUM):
        return f"1 where {operands[index]} is the {'largest' if node.operation is op.MAXIMUM else 'smallest'}, else 0"
    if node.operation is op.POWER and index == 0 and node.parents[1].constant:
        exponent = float(node.parents[1].value)
        rest = {2.0: operands[0], 1.0: "1"}.get(exponent, f"{operands[0]}^{number(exponent - 1)}")
        return f"{operands[1]} · {rest}"
    return RULES[node.operation][index].format(*operands, out=name_of[node])


def bracketed(text):
    """A number as a factor or operand: negative ones in brackets."""
    return f"({text})" if text.startswith("−") else text


def equation(node, name_of):
    """What a node computes, in names: ``q = x + y``."""
    return f"{name_of[node]} = {formula(node.operation, [name_of[parent] for parent in node.parents])}"


def worked(node):
    """What a node computes, in numbers: ``−2 + 5 = 3``."""
    numbers = [number(parent.value) for parent in node.parents]
    if node.operation in FORMULAS:
        keep_first = node.operation in (op.ADD, op.SUBTRACT, op.MULTIPLY, op.DIVIDE, op.ABS)
        numbers = [text if keep_first and i == 0 else bracketed(text) for i, text in enumerate(numbers)]
    return f"{formula(node.operation, numbers)} = {number(node.value)}"


def products(node, name_of, f):
    """The chain rule for each operand of a node that gets a gradient, as texts.

    Each is ``{"to", "product", "derivative", "upstream", "local", "share"}``: ∂f/∂to gets the product of upstream, the
    node's own gradient, and the local derivative.
    """
    locals_ = [1.0] if node.operation is op.SUM else node.local_gradients()
    name, upstream, rows = name_of[node], number(node.grad), []
    for index, (parent, local, share) in enumerate(zip(node.parents, locals_, node.shares(), strict=True)):
        if not parent.constant:
            derivative = f"∂{name}/∂{name_of[parent]}"
            rows.append(
                {
                    "to": name_of[parent],
                    "product": f"∂{f}/∂{name} · {derivative}",
                    "derivative": f"{derivative} = {rule(node, index, name_of)}",
                    "upstream": upstream,
                    "local": number(local),
                    "share": number(share),
                }
            )
    return rows


def details(node, name_of, output, arrived):
    """All that there is to say of a node: ``{"title", "value", "gradient", "rows", "note"}``.

    arrived: the gradients that came from each place where the node is used; the rows are those of ``products``.
    """
    name, f, grad = name_of[node], name_of[output], number(node.grad)
    gradient, note = f"∂{f}/∂{name} = {grad}", ""
    if node is output:
        gradient += ", where the backward pass starts"
    elif len(arrived) > 1:
        gradient = f"∂{f}/∂{name} = {' + '.join(bracketed(number(share)) for share in arrived)} = {grad}"
        note = f"{name} is used {len(arrived)} times, so {len(arrived)} gradients arrive and add up. "
    if node.operation is None:
        note += f"When {name} grows by 0.01, {f} changes by about {number(0.01 * float(node.grad))}."
        value, title, rows = f"an input, {number(node.value)}", name, []
    else:
        note += PATTERNS.get(node.operation, "")
        value, title, rows = f"= {worked(node)}", equation(node, name_of), products(node, name_of, f)
    return {"title": title, "value": value, "gradient": gradient, "rows": rows, "note": note}
