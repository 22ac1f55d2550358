"""Builds a CUDA source as a C++ library that the emulation can run, and finds the compiler for it."""

import functools
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

_FOLDER = Path(__file__).parent
_HEADERS = ("device.h", "fibers.h", "memory.h", "runtime.cpp")
_COMMON = ("-std=c++17", "-fPIC", "-fvisibility=hidden", "-ffp-contract=off", "-fno-strict-aliasing")
# The checks of the emulation hang on what these options make the compiler insert; see memory.h.
_CHECKS = ("-fsanitize=thread", "-fsanitize=integer-divide-by-zero")
_KERNEL = ("-O1", "-g1", "-fno-omit-frame-pointer", "-Wno-unknown-pragmas", "-Werror=return-type")
# Loops must not become calls of memset and memcpy, which are not checked; and messages are to be short.
_GCC = (
    *("-fsanitize=bounds", "-fno-tree-loop-distribute-patterns", "-Werror=frame-larger-than=16384"),
    *("-fmax-errors=5", "-fdiagnostics-color=never", "-ftrack-macro-expansion=0"),
)
_CLANG = (
    *("-fsanitize=array-bounds", "-fno-builtin-memset", "-fno-builtin-memcpy"),
    *("-Wframe-larger-than=16384", "-Werror=frame-larger-than="),
    *("-ferror-limit=5", "-fno-color-diagnostics", "-fmacro-backtrace-limit=1"),
)
_SECONDS = 120  # for the compiler
_KEPT = 400  # libraries in the cache


class CompileError(Exception):
    """A CUDA source that does not compile; the message has the compiler's words with the source's line numbers."""


def find_compiler() -> str | None:
    """The C++ compiler that the emulation uses, or None: $CXX, g++, clang++ or c++, on Linux and macOS."""
    if sys.platform == "win32":
        return None
    candidates = (os.environ.get("CXX", ""), "g++", "clang++", "c++")
    return next((path for name in candidates if name and (path := shutil.which(name))), None)


def compiler_name() -> str | None:
    """What the compiler calls itself, with its version; None where there is none that works."""
    compiler = find_compiler()
    if compiler is None:
        return None
    done = subprocess.run([compiler, "--version"], capture_output=True, text=True, timeout=60, check=False)
    return done.stdout.split("\n", 1)[0] if done.returncode == 0 else None


def compiler_advice() -> str:
    """How to get a compiler, where there is none."""
    if sys.platform == "win32":
        return (
            "CUDA kernels run on the CPU on Linux and macOS only; on Windows, use the Linux subsystem (wsl --install)."
        )
    command = "xcode-select --install" if sys.platform == "darwin" else "sudo apt install g++"
    return f"Running CUDA kernels on the CPU takes a C++ compiler, and none was found. To install one: {command}"


def build(source: str, options: tuple[str, ...], filename: str) -> tuple[Path, list[str]]:
    """The library made from a CUDA source, and the names of its kernels. Compiles only what the cache does not hold.

    Raises CompileError, or RuntimeError where there is no compiler.
    """
    compiler = find_compiler()
    if compiler is None:
        raise RuntimeError(compiler_advice())
    code = without_comments(source)
    kernels = kernel_names(code, filename)
    entries = "".join(f"CUDA_ENTRY({name})\n" for name in kernels)
    unit = f'{_with_dynamic_shared_memory(source, code)}\n#line 1 "entries"\n{entries}'
    text = "\0".join([filename, unit, *options, _fingerprint(compiler)])
    library = _cache_folder() / f"{hashlib.sha256(text.encode()).hexdigest()[:32]}.so"
    if library.exists():
        os.utime(library)
        return library, kernels
    runtime = _runtime(compiler)
    with tempfile.TemporaryDirectory(dir=_cache_folder()) as folder:
        Path(folder, filename).write_text(unit, encoding="utf-8")
        own = _CLANG if "clang" in (compiler_name() or "") else _GCC
        compile_ = [compiler, *_COMMON, *_KERNEL, *own, *_CHECKS, *options, "-I", str(_FOLDER), "-include", "device.h"]
        try:
            _run([*compile_, "-c", "-x", "c++", filename, "-o", "kernel.o"], folder)
        except CompileError:
            check_braces(code, filename)
            raise
        _run([compiler, "-shared", str(runtime), "kernel.o", "-o", library.name, "-ldl"], folder)
        os.replace(Path(folder, library.name), library)
    _prune(library.parent)
    return library, kernels


def without_comments(source: str) -> str:
    """The source with comments and the contents of strings blanked, everything else at its place."""
    pattern = r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"'
    return re.sub(pattern, lambda found: re.sub(r"[^\n]", " ", found[0]), source, flags=re.DOTALL)


def check_braces(code: str, filename: str) -> None:
    """Raise CompileError where a brace has no partner, which compilers only notice at the end."""
    open_lines = []
    for number, line in enumerate(code.splitlines(), 1):
        for brace in re.findall(r"[{}]", line):
            if brace == "{":
                open_lines.append(number)
            elif open_lines:
                open_lines.pop()
            else:
                raise CompileError(f"{filename}:{number}: this }} closes nothing: is there one too many above?")
    if open_lines:
        raise CompileError(f"{filename}:{open_lines[-1]}: this {{ is never closed: a }} is missing after it")


def kernel_names(code: str, filename: str) -> list[str]:
    """The kernels that a source without comments defines, in order."""
    if "<<<" in code:
        line = code[: code.index("<<<")].count("\n") + 1
        raise CompileError(f"{filename}:{line}: kernels are started from Python here; leave <<<...>>> out")
    qualifiers = r"(?:__launch_bounds__\s*\([^)]*\)\s*)?"
    names = re.findall(rf"\b__global__\s+{qualifiers}void\s+{qualifiers}(\w+)\s*\(", code)
    if not names:
        raise CompileError(f"{filename}: there is no kernel, that is, no function declared __global__ void")
    template = re.search(rf"\btemplate\s*<[^>]*>\s*__global__\s+{qualifiers}void\s+{qualifiers}(\w+)", code)
    if template:
        line = code[: template.start()].count("\n") + 1
        raise CompileError(
            f"{filename}:{line}: {template[1]} is a template. Kernels are called by name: let it be a template of a "
            "__device__ function, and write a kernel for each type"
        )
    return list(dict.fromkeys(names))


def parameter_names(source: str, kernel: str) -> list[str]:
    """The names of a kernel's parameters, as well as they can be read off the source; for messages."""
    found = re.search(rf"\b{kernel}\s*\(([^)]*)\)", without_comments(source))
    return [re.findall(r"\w+", part)[-1] for part in found[1].split(",") if part.strip()] if found else []


def source_line(library: Path, offset: int, filename: str) -> int | None:
    """The line of the source at a code address in the library, or None where binutils cannot tell."""
    tool = shutil.which("addr2line")
    if not tool or not offset:
        return None
    command = [tool, "-i", "-e", str(library), hex(offset - 1)]  # an address of return is just after its call
    places = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False).stdout
    found = re.search(rf"(?:^|/){re.escape(filename)}:(\d+)", places, re.MULTILINE)
    return int(found[1]) if found else None


def _with_dynamic_shared_memory(source, code):
    """``extern __shared__ T name[]`` as C++: a pointer to the memory whose size the launch gives."""
    pattern = r"\bextern\s+__shared__\s+((?:__align__\s*\([^)]*\)\s*)?)([\w:\s]+?)\s*\b(\w+)\s*\[\s*\]"
    for found in reversed(list(re.finditer(pattern, code))):
        _, type_name, name = found.groups()
        lines = "\n" * found[0].count("\n")
        pointer = f"{type_name} *{name} = ({type_name} *)cuda_dynamic_shared()".replace("\n", " ")
        source = source[: found.start()] + pointer + lines + source[found.end() :]
    return source


def _runtime(compiler) -> Path:
    path = _cache_folder() / f"runtime-{hashlib.sha256(_fingerprint(compiler).encode()).hexdigest()[:32]}.o"
    if not path.exists():
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            built = Path(folder, path.name)
            _run([compiler, *_COMMON, "-O2", "-c", str(_FOLDER / "runtime.cpp"), "-o", str(built)], folder)
            os.replace(built, path)
    return path


def _run(command, folder):
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise CompileError(f"The compiler did not finish within {_SECONDS} seconds.") from None
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"{command[0]} failed with the exit status {done.returncode}"]
        raise CompileError("\n".join(lines[:60]))


@functools.cache
def _fingerprint(compiler) -> str:
    """What a library depends on besides its source."""
    version = subprocess.run([compiler, "--version"], capture_output=True, text=True, timeout=60, check=False).stdout
    headers = [(_FOLDER / name).read_text(encoding="utf-8") for name in _HEADERS]
    return "\0".join([compiler, version, *headers, *_COMMON, *_KERNEL, *_GCC, *_CLANG, *_CHECKS])


@functools.cache
def _cache_folder() -> Path:
    try:
        from platformdirs import user_cache_path

        folder = user_cache_path("cs231n-kit", appauthor=False) / "cuda-emulation"
    except ImportError:  # a bare server, with NumPy alone
        folder = Path("~/.cache/cs231n-kit/cuda-emulation").expanduser()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError:  # a home that is read-only or not there: this process's own folder
        return Path(tempfile.mkdtemp(prefix="cs231n-cuda-"))


def _prune(folder):
    libraries = sorted(folder.glob("*.so"), key=lambda path: path.stat().st_mtime)
    for path in libraries[:-_KEPT]:
        path.unlink(missing_ok=True)
