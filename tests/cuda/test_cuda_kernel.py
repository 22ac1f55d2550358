import sys
import types

import numpy as np
import pytest

from cs231n_kit import cuda_emulation, cuda_kernel
from cs231n_kit.arrays import has_gpu
from cs231n_kit.cuda_emulation import CompileError, KernelError
from cs231n_kit.cuda_kernel import CudaKernel

pytestmark = pytest.mark.skipif(
    not has_gpu() and cuda_emulation.find_compiler() is None, reason="needs a GPU or a C++ compiler"
)

RELU = """
extern "C" __global__ void relu(const float *x, float *out, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) out[i] = x[i] > 0 ? x[i] : 0;
}
"""


def test_it_runs_and_says_where():
    kernel = CudaKernel(RELU, "relu")
    x = np.random.default_rng(0).normal(size=1000).astype(np.float32)
    out = np.empty_like(x)
    kernel(4, 256, (x, out, np.int32(1000)))
    np.testing.assert_array_equal(out, np.maximum(x, 0))
    assert has_gpu() or "in the emulation of CUDA on the CPU" in kernel.where


def test_compile_errors_have_the_lines_of_the_source():
    with pytest.raises(CompileError, match=r"[:(]4[:)].*\by\b"):
        CudaKernel(RELU.replace("= x[i] > 0", "= y[i] > 0"), "relu")


@pytest.mark.skipif(has_gpu(), reason="a GPU does not tell")
def test_the_emulation_names_the_line_of_a_mistake():
    kernel = CudaKernel(RELU.replace("if (i < n) ", ""), "relu")
    x = np.zeros(1000, np.float32)
    with pytest.raises(KernelError, match=r"kernel.cu:4: .* x\[1000\], but x has 1,000 elements"):
        kernel(4, 256, (x, x.copy(), np.int32(1000)))


def test_without_gpu_and_compiler_it_says_what_to_do(monkeypatch):
    monkeypatch.setattr(cuda_kernel, "has_gpu", lambda: False)
    monkeypatch.setattr(cuda_emulation, "find_compiler", lambda: None)
    with pytest.raises(RuntimeError, match=r"no GPU to run the kernel on\. .*compiler"):
        CudaKernel(RELU, "relu")


def test_a_mistake_in_the_braces_is_found_where_it_is():
    with pytest.raises(CompileError, match=r"kernel.cu:2: this { is never closed"):
        CudaKernel(RELU.rstrip()[:-1], "relu", emulate=True)
    with pytest.raises(CompileError, match=r"kernel.cu:6: this } closes nothing"):
        CudaKernel(RELU + "}", "relu", emulate=True)


def test_a_kernel_that_a_gpu_would_not_find_is_refused():
    with pytest.raises(CompileError, match=r'kernel.cu:2: write extern "C" before __global__'):
        CudaKernel(RELU.replace('extern "C" ', ""), "relu")
    assert CudaKernel('extern "C" {' + RELU.replace('extern "C" ', "") + "}", "relu")


def test_what_is_no_source_is_refused():
    with pytest.raises(TypeError, match="code must be the CUDA source, a string, not None"):
        CudaKernel(None, "relu")


def test_on_a_gpu_compile_errors_name_no_temporary_file(monkeypatch):
    class CompileException(Exception):
        pass

    class RawModule:
        def __init__(self, code, options):
            pass

        def get_function(self, name):
            raise CompileException('/tmp/a1b2/9f.cubin.cu(4): error: identifier "y" is undefined')

    compiler = types.SimpleNamespace(CompileException=CompileException)
    cupy = types.SimpleNamespace(RawModule=RawModule, cuda=types.SimpleNamespace(compiler=compiler))
    monkeypatch.setitem(sys.modules, "cupy", cupy)
    monkeypatch.setattr(cuda_kernel, "has_gpu", lambda: True)
    with pytest.raises(CompileError, match=r"^kernel\.cu\(4\): error: identifier"):
        CudaKernel(RELU, "relu")


def test_emulation_can_be_asked_for_on_a_gpu(monkeypatch):
    monkeypatch.setattr(cuda_kernel, "has_gpu", lambda: True)
    kernel = CudaKernel(RELU.replace("if (i < n) ", ""), "relu", emulate=True)
    x = np.zeros(1000, np.float32)
    with pytest.raises(KernelError, match=r"x\[1000\], but x has 1,000 elements"):
        kernel(4, 256, (x, x.copy(), np.int32(1000)))
