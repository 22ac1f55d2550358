"""Compiles the kernels for real GPUs, which takes no GPU: NVIDIA's runtime compiler is a library of its own.

``python -m cs231n_kit.kernels.nvrtc`` lists what each kernel costs: registers and shared memory, which limit how
many threads a multiprocessor holds, and spills, the variables that found no register and went to memory.
"""

import ctypes
import functools
import importlib.util
import re
import sys
from pathlib import Path

ARCHITECTURES = ("sm_75", "sm_80", "sm_90")  # Turing, Ampere, Hopper
_WARNING = re.compile(r"\bwarning\b( #[\d-]+\w*)?\s*:", re.IGNORECASE)  # only CUDA 13.1 and newer have -Werror


def find_nvrtc() -> Path | None:
    """The library of the package nvidia-cuda-nvrtc, or None where it is not installed."""
    found = importlib.util.find_spec("nvidia")
    patterns = ("**/libnvrtc.so.*[0-9]", "**/nvrtc64_*_0.dll")
    folders = [Path(folder) for folder in found.submodule_search_locations or []] if found else []
    libraries = [path for folder in folders for pattern in patterns for path in folder.glob(pattern)]
    return next((path for path in libraries if "builtins" not in path.name and "alt" not in path.name), None)


def compile_for(source: str, filename: str, architecture: str, options=()) -> tuple[bytes, str]:
    """(machine code, the compiler's log with registers and spills) of a CUDA source; warnings are errors.

    Raises RuntimeError with the log where it does not compile, or where nvidia-cuda-nvrtc is not installed.
    """
    nvrtc = _nvrtc()
    program = ctypes.c_void_p()
    _check(nvrtc.nvrtcCreateProgram(ctypes.byref(program), source.encode(), filename.encode(), 0, None, None))
    try:
        words = [f"-arch={architecture}", "--ptxas-options=--verbose", "--std=c++17", *options]
        failed = nvrtc.nvrtcCompileProgram(program, len(words), (ctypes.c_char_p * len(words))(*map(str.encode, words)))
        log = _fetch(nvrtc.nvrtcGetProgramLogSize, nvrtc.nvrtcGetProgramLog, program).decode().strip("\0\n")
        if failed or _WARNING.search(log):
            raise RuntimeError(f"{filename} does not compile for {architecture}:\n{log}")
        return _fetch(nvrtc.nvrtcGetCUBINSize, nvrtc.nvrtcGetCUBIN, program), log
    finally:
        nvrtc.nvrtcDestroyProgram(ctypes.byref(program))


def resources(log: str) -> dict[str, dict[str, int]]:
    """What the log says of each kernel: registers, shared memory, stack and spills, in bytes where not registers."""
    found = {}
    for part in log.split("Compiling entry function '")[1:]:
        name = part.partition("'")[0]
        found[name] = {
            "registers": _number(r"Used (\d+) registers", part),
            "shared": _number(r"(\d+) bytes smem", part),
            "stack": _number(r"(\d+) bytes stack frame", part),
            "spills": _number(r"(\d+) bytes spill stores", part) + _number(r"(\d+) bytes spill loads", part),
        }
    return found


def main() -> None:
    """Print the table."""
    print(f"{'':36}" + "".join(f"{architecture:>22}" for architecture in ARCHITECTURES))
    print(f"{'kernel':30}{'real':>6}" + f"{'registers shared spill':>22}" * len(ARCHITECTURES))
    for path in sorted(Path(__file__).parent.glob("*.cu")):
        print(path.name)
        for real in ("float", "double"):
            source = path.read_text(encoding="utf-8")
            logs = [compile_for(source, path.name, one, (f"-Dreal={real}",))[1] for one in ARCHITECTURES]
            columns = [resources(log) for log in logs]
            for kernel in sorted(columns[0]):
                cells = "".join(
                    f"{one[kernel]['registers']:>9}{one[kernel]['shared']:>7}{one[kernel]['spills']:>6}"
                    for one in columns
                )
                print(f"  {kernel:28}{real:>6}{cells}")


@functools.cache
def _nvrtc():
    path = find_nvrtc()
    if path is None:
        raise RuntimeError("NVIDIA's compiler is not installed: pip install nvidia-cuda-nvrtc")
    for builtins in path.parent.glob("*nvrtc-builtins*"):  # which the library looks for by name, not beside itself
        if "alt" not in builtins.name:
            ctypes.CDLL(str(builtins))
    return ctypes.CDLL(str(path))


def _fetch(get_size, get, program):
    size = ctypes.c_size_t()
    _check(get_size(program, ctypes.byref(size)))
    text = ctypes.create_string_buffer(size.value)
    _check(get(program, text))
    return text.raw


def _check(status):
    if status:
        raise RuntimeError(f"NVRTC failed with status {status}")


def _number(pattern, text):
    found = re.search(pattern, text)
    return int(found[1]) if found else 0


if __name__ == "__main__":
    sys.exit(main())
