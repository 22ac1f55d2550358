"""What is found about a kernel while it is compiled and run, in words for its author."""

from .calling import Raised

# Of each: what the kernel does, and what to look for.
_FINDINGS = {
    "compile": ("does not compile", ""),
    "name": ("has no kernel of the name that the text asks for", ""),
    "signature": (
        "does not take the arguments that the text asks for",
        "Compare the kernel's parameters, their order and their types with the text above the cell.",
    ),
    "out_of_bounds": (
        "reads or writes outside of an array",
        "A launch has as many threads as fit into whole blocks, and that is seldom the number of elements. Which "
        "threads have no element of their own, and what keeps them from touching one?",
    ),
    "bad_index": (
        "uses an index outside of an array",
        "Write down the smallest and the largest index that this line can form, for the launch that is shown.",
    ),
    "uninitialised": (
        "reads memory that nothing was written to",
        "Results and shared memory hold nothing at first, not even zeros. Who should have written this value before, "
        "and has that thread surely got there?",
    ),
    "unwritten": (
        "leaves elements of its result unwritten",
        "Which thread is responsible for the element that is named? Remember that there may be more elements than "
        "threads, and that results do not start as zeros.",
    ),
    "race": (
        "has a race: two threads use the same place, in no certain order",
        "Threads of a block run in any order, unless all of them wait for each other; those of different blocks always "
        "do. Should two threads meet at this place at all?",
    ),
    "unsteady": (
        "gives other results when its threads run in another order",
        "Rounded sums depend on the order of their terms. Let one thread add all that belongs to a result, in a fixed "
        "order.",
    ),
    "divergent_barrier": (
        "lets only some threads of a block reach a __syncthreads()",
        "All threads of a block must come to the same barrier equally often: also those that have nothing left to do.",
    ),
    "bad_warp": (
        "exchanges with lanes of its warp that do not take part",
        "All lanes of the mask must reach the same exchange: also those that have nothing left to do.",
    ),
    "interrupted": (
        "runs without end",
        "By how much does the variable of the loop grow in each round, and can it ever reach the end?",
    ),
    "crash": ("ends the process that it runs in", "What does this kernel do that is no arithmetic on its own arrays?"),
    "misaligned": ("reads several numbers at once at an odd address", ""),
    "stack_overflow": ("needs too much memory for its own variables", ""),
    "division": ("divides by zero", ""),
    "no_memory": ("takes too much memory", ""),
}


def explain(found: Raised) -> tuple[str, str]:
    """(message, details): what is wrong and in which line of the kernel; and for which thread and which element."""
    message, _ = _of(found)
    where = f" (line {found.line_number} of the kernel: {found.line})" if found.line else ""
    if found.type == "compile":
        return f"{message}: {found.message}{where}", ""
    return f"{message}{where}", found.message


def hint_of(found: Raised) -> str:
    """A question or a fact that leads to the mistake, "" where the message says all."""
    return _of(found)[1]


def _of(found: Raised) -> tuple[str, str]:
    return _FINDINGS.get(found.type, ("is at fault", ""))
