"""Find Python loops in a function's source, also in the functions of the same notebook that it calls."""

import ast
import inspect
from collections.abc import Callable, Mapping

_LOOPS = {
    ast.For: "for",
    ast.While: "while",
    ast.ListComp: "a list comprehension",
    ast.SetComp: "a set comprehension",
    ast.DictComp: "a dict comprehension",
    ast.GeneratorExp: "a generator expression",
}
_HIDDEN_LOOPS = {
    "map",
    "vectorize",
    "frompyfunc",
    "apply_along_axis",
    "apply_over_axes",
    "fromiter",
    "fromfunction",
}


def find_loop(name: str, sources: Mapping[str, str]) -> str:
    """Name the first Python loop that calling function `name` runs into; "" when there is none.

    sources: function name -> source text of its definition. np.vectorize and its like are loops in disguise.
    """
    seen, waiting = set(), [name]
    while waiting:
        current = waiting.pop()
        if current in seen or current not in sources:
            continue
        seen.add(current)
        for node in ast.walk(_parsed(sources[current])):
            if type(node) in _LOOPS:
                return f"{_LOOPS[type(node)]} in {current}"
            if isinstance(node, ast.Name | ast.Attribute):
                called = node.id if isinstance(node, ast.Name) else node.attr
                if called in _HIDDEN_LOOPS:
                    return f"{called} in {current}"
                waiting.append(called)
    return ""


def _parsed(source: str) -> ast.AST:
    """The syntax tree of `source`; nothing of what cannot be parsed, such as a lambda's source that is a fragment."""
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ast.Module([], [])


def sources_beside(function: Callable) -> dict[str, str]:
    """Source text of `function` and of every function defined in the same notebook or module."""
    sources = {}
    for name, value in {**function.__globals__, function.__name__: function}.items():
        if inspect.isfunction(value) and value.__globals__ is function.__globals__:
            try:
                sources[name] = inspect.cleandoc("\n" + inspect.getsource(value))
            except (OSError, TypeError):
                continue
    return sources
