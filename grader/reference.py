"""The reference answers: the solution notebook's own code, loaded from `solutions/`. There is no second copy."""

import types
from collections.abc import Callable, Sequence
from pathlib import Path

import nbformat
from IPython.core.inputtransformer2 import TransformerManager

from cs231n_kit.checking.calling import find

SKIP_TAG = "skip-grading"


class Reference:
    """Functions of a solution notebook.

    Its code cells run once, in order, without those tagged `skip-grading` and without the check cells, in a module
    of their own. This is the instructor's code and it is trusted.
    """

    def __init__(self, source: str, name: str):
        self.source = source
        self._name = name
        self._module: types.ModuleType | None = None
        self._variants: dict[tuple, Reference] = {}

    @classmethod
    def from_notebook(cls, path: Path) -> "Reference":
        """Read the notebook at `path`. Raises FileNotFoundError or ValueError, naming it, when it cannot be read."""
        return cls.from_text(read_solution(path), path.stem)

    @classmethod
    def from_text(cls, text: str, name: str) -> "Reference":
        """Of a notebook's text, as `read_solution` gives it."""
        transform = TransformerManager().transform_cell
        cells = nbformat.reads(text, as_version=4).cells
        return cls("\n\n".join(transform(cell.source) for cell in cells if is_answer(cell)), name)

    @property
    def namespace(self) -> dict:
        """What the notebook's cells define."""
        if self._module is None:
            self._module = self._load()
        return vars(self._module)

    def function(self, name: str) -> Callable:
        """The function called `name`. Raises LookupError when the notebook does not define it."""
        found = find(self.namespace, name)
        if found is None:
            raise LookupError(f"the solution notebook {self._name} defines no function {name}")
        return found

    def patched(self, replacements: Sequence[tuple[str, str]]) -> "Reference":
        """A variant with each (old, new) text replaced, kept for the next time.

        Raises ValueError unless `old` occurs exactly once.
        """
        wanted = tuple(replacements)
        if wanted not in self._variants:
            self._variants[wanted] = self._variant(wanted)
        return self._variants[wanted]

    def _variant(self, replacements: Sequence[tuple[str, str]]) -> "Reference":
        source = self.source
        for old, new in replacements:
            if source.count(old) != 1:
                raise ValueError(
                    f"{source.count(old)} places in {self._name} read {old!r}; a mistake needs exactly one"
                )
            source = source.replace(old, new)
        return Reference(source, self._name)

    def _load(self) -> types.ModuleType:
        module = types.ModuleType(f"reference_{self._name}")
        exec(compile(self.source, f"<reference {self._name}>", "exec"), module.__dict__)
        return module


def read_solution(path: Path) -> str:
    """The text of a solution notebook. Raises FileNotFoundError or ValueError, naming it, when it cannot be read."""
    try:
        text = path.read_text(encoding="utf-8")
        nbformat.reads(text, as_version=4)
        return text
    except FileNotFoundError as error:
        raise FileNotFoundError(f"The solution notebook {path} is missing: grading needs it.") from error
    except Exception as error:
        raise ValueError(f"The solution notebook {path} cannot be read: {error}") from error


def is_answer(cell) -> bool:
    """Whether a cell is code that defines things: not a check, not tagged `skip-grading`."""
    grading = cell.metadata.get("nbgrader", {})
    is_check = grading.get("grade") and not grading.get("solution")
    return cell.cell_type == "code" and not is_check and SKIP_TAG not in cell.metadata.get("tags", [])
