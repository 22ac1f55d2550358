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

    @classmethod
    def from_notebook(cls, path: Path) -> "Reference":
        """Read the notebook at `path`. Raises FileNotFoundError or ValueError, naming it, when it cannot be read."""
        try:
            notebook = nbformat.read(path, as_version=4)
        except FileNotFoundError as error:
            raise FileNotFoundError(f"The solution notebook {path} is missing: grading needs it.") from error
        except Exception as error:
            raise ValueError(f"The solution notebook {path} cannot be read: {error}") from error
        transform = TransformerManager().transform_cell
        return cls("\n\n".join(transform(cell.source) for cell in notebook.cells if is_answer(cell)), path.stem)

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
        """A variant with each (old, new) text replaced. Raises ValueError unless `old` occurs exactly once."""
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


def is_answer(cell) -> bool:
    """Whether a cell is code that defines things: not a check, not tagged `skip-grading`."""
    grading = cell.metadata.get("nbgrader", {})
    is_check = grading.get("grade") and not grading.get("solution")
    return cell.cell_type == "code" and not is_check and SKIP_TAG not in cell.metadata.get("tags", [])
