"""Lecture 08: run a kernel and put what happened into words, with the line it happened at."""

import re

from cs231n_kit.cuda_emulation import CompileError, KernelError
from cs231n_kit.cuda_kernel import CudaKernel

AROUND = 2  # lines shown before and after the one in question


def run_kernel(code, name, grid, block, args, *, shared_mem=0, time_limit=3.0, emulate=True):
    """Run a kernel (see ``CudaKernel``) and return a report as Markdown, whatever comes of it.

    By default in the emulation, which names mistakes that a GPU keeps quiet about.
    """
    from IPython.display import Markdown

    try:
        kernel = CudaKernel(code, name, time_limit=time_limit, emulate=emulate)
        kernel(grid, block, args, shared_mem=shared_mem)
    except CompileError as error:
        return Markdown(f"**It does not compile.**\n```text\n{error}\n```\n{listing(code, line_of(str(error)))}")
    except KernelError as error:
        return Markdown(f"**It was stopped.** {_escaped(str(error))}\n\n{listing(code, error.line)}")
    except (TypeError, ValueError) as error:
        return Markdown(f"**The arguments do not fit.** {_escaped(str(error))}")
    except RuntimeError as error:
        return Markdown(f"**It cannot run here.** {_escaped(str(error))}")
    return Markdown(f"**It ran.** {_escaped(kernel.where)}")


def line_of(message):
    """The line of the source that a compiler's message begins with, or None."""
    found = re.search(r"kernel\.cu[:(](\d+)", message)
    return int(found[1]) if found else None


def listing(code, line):
    """The lines of a source around one of them, numbered and the one marked, as Markdown; empty without a line."""
    lines = code.splitlines()
    if line is None or not 1 <= line <= len(lines):
        return ""
    first, last = max(1, line - AROUND), min(len(lines), line + AROUND)
    shown = [f"{'→' if n == line else ' '} {n:3}  {lines[n - 1]}" for n in range(first, last + 1)]
    return "```text\n" + "\n".join(shown) + "\n```"


def _escaped(text):
    return re.sub(r"([\\`*_<>\[\]])", r"\\\1", text)
