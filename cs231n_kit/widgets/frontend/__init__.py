"""JavaScript and styles that the widgets share, joined into the single texts that anywidget sends to the browser."""

import re
from pathlib import Path

_IMPORT = re.compile(r'^import\s*\{\s*\w+(?:\s*,\s*\w+)*\s*,?\s*\}\s*from\s*"([^"]+)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?!default)", re.MULTILINE)
_DEFINITION = re.compile(r"^(?:const|let|class|function\*?|async function) (\w+)", re.MULTILINE)


def module(path):
    """Join a JavaScript module and all it imports, each once and after what it imports itself.

    Args:
        path: the module that ends with ``export default``. Imports must have the form
            ``import { a, b } from "./other.js";`` with a path relative to the importing file.

    Returns:
        One module without imports.

    Raises:
        ValueError: an import of another form, or a top-level name that two modules define, since all end up in
            one scope.
    """
    joined, defined = {}, {}

    def add(path):
        if path in joined:
            return
        joined[path] = ""  # a circle of imports ends here
        source = path.read_text(encoding="utf-8")
        for name in _IMPORT.findall(source):
            add((path.parent / name).resolve())
        source = _EXPORT.sub("", _IMPORT.sub("", source))
        if other := re.search(r"^import\b.*", source, re.MULTILINE):
            raise ValueError(f'{path.name}: {other[0]} must have the form import {{ a, b }} from "./other.js";')
        for name in _DEFINITION.findall(source):
            if name in defined:
                raise ValueError(f"{defined[name].name} and {path.name} both define {name}")
            defined[name] = path
        joined[path] = joined.pop(path) + source

    add(Path(path).resolve())
    return "\n".join(joined.values())


def css(*paths):
    """The styles that all widgets share, and after them those in the given files."""
    shared = Path(__file__).parent / "widget.css"
    return "\n".join(Path(path).read_text(encoding="utf-8") for path in (shared, *paths))
