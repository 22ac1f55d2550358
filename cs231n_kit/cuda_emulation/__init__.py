"""CUDA without a GPU: kernels written in CUDA C++ run on the CPU, and mistakes that a GPU keeps quiet about are found.

    module = EmulatedModule(source)
    module.get_function("relu")((blocks,), (256,), (x, out, np.int32(x.size)))

A C++ compiler (g++ or clang++) builds the very source that NVRTC compiles for a GPU. The threads of a block run one
after another on stacks of their own and change over at barriers. Every access to memory, global or shared, is
checked: outside an array, never written, in a race with another thread. See device.h for what kernels may use.
"""

from cs231n_kit.cuda_emulation.compiling import CompileError, compiler_advice, compiler_name, find_compiler
from cs231n_kit.cuda_emulation.failures import KernelError
from cs231n_kit.cuda_emulation.memory import empty
from cs231n_kit.cuda_emulation.module import EmulatedKernel, EmulatedModule, thread_order

__all__ = [
    "CompileError",
    "EmulatedKernel",
    "EmulatedModule",
    "KernelError",
    "compiler_advice",
    "compiler_name",
    "empty",
    "find_compiler",
    "thread_order",
]
