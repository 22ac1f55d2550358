"""A CUDA kernel of your own, on the GPU where there is one and in the emulation on the CPU otherwise."""

import re

from cs231n_kit.arrays import device_report, has_gpu, to_device, to_host


class CudaKernel:
    """A kernel from its CUDA source, ready to be changed and run again.

        relu = CudaKernel(source, "relu")
        print(relu.where)
        relu((4,), (256,), (x, out, np.int32(x.size)))  # blocks, threads of a block, arguments

    Parameters
    ----------
    code
        The source; the kernel is declared ``extern "C" __global__ void name(...)``.
    name
        The kernel's name.
    time_limit
        Seconds after which the emulation stops a kernel. A GPU has no such limit.
    emulate
        Run in the emulation, which checks every access to memory, also where there is a GPU.

    ``where`` says on what it runs, and why not on a GPU. Arrays are NumPy's in either case; those that the kernel does
    not take as ``const`` hold its results afterwards.

    Raises CompileError with the line numbers of the source, and RuntimeError where there is neither a GPU nor a C++
    compiler, saying how to get one. The emulation raises KernelError for mistakes that a GPU keeps quiet about.
    """

    def __init__(self, code: str, name: str, *, time_limit: float = 10.0, emulate: bool = False):
        if not isinstance(code, str):
            raise TypeError(f"code must be the CUDA source, a string, not {code!r:.80}")
        self.name = name
        self._on_gpu = has_gpu() and not emulate
        if self._on_gpu:
            self._kernel = _compile_for_gpu(code, name)
            self.where = f"This kernel runs on {device_report().device}."
            return
        from cs231n_kit.cuda_emulation import EmulatedModule, compiler_advice, find_compiler

        if find_compiler() is None:
            gpu = "" if emulate else "There is no GPU to run the kernel on. "
            raise RuntimeError(gpu + compiler_advice())
        self.where = "This kernel runs in the emulation of CUDA on the CPU, every access checked."
        if reason := device_report().reason:
            self.where += f" {reason}"
        _check_linkage(code)
        self._kernel = EmulatedModule(code, time_limit=time_limit).get_function(name)

    def __call__(self, grid, block, args, *, shared_mem: int = 0) -> None:
        """Run the kernel on ``grid`` blocks of ``block`` threads, each an integer or a tuple of up to three."""
        if not self._on_gpu:
            self._kernel(grid, block, args, shared_mem=shared_mem)
            return
        grid, block = (size if isinstance(size, tuple) else (size,) for size in (grid, block))
        on_gpu = [to_device(arg) if getattr(arg, "ndim", 0) else arg for arg in args]
        self._kernel(grid, block, tuple(on_gpu), shared_mem=shared_mem)
        for arg, result in zip(args, on_gpu, strict=True):
            if getattr(arg, "ndim", 0) and arg.flags.writeable:
                arg[...] = to_host(result)


def _check_linkage(code):
    """C++ gives functions longer names, by which a GPU would not find the kernel."""
    from cs231n_kit.cuda_emulation import CompileError

    found = re.search(r"^.*__global__", code, re.MULTILINE)
    if found and not re.search(r'\bextern\s*"C"', code):
        line = code[: found.end()].count("\n") + 1
        raise CompileError(f'kernel.cu:{line}: write extern "C" before __global__, so that the kernel keeps its name')


def _compile_for_gpu(code, name):
    import cupy

    from cs231n_kit.cuda_emulation import CompileError

    _check_linkage(code)
    module = cupy.RawModule(code=code, options=("--std=c++17",))
    try:
        return module.get_function(name)
    except cupy.cuda.compiler.CompileException as error:
        raise CompileError(re.sub(r"\S+\.cu(?=\(\d+\))", "kernel.cu", str(error))) from None
