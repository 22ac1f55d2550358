"""The backends that every test of a kernel runs on."""

import pytest
from backends import BACKENDS

from cs231n_kit.arrays import has_gpu
from cs231n_kit.cuda_emulation import compiler_advice, find_compiler, thread_order


@pytest.fixture(
    scope="module",
    params=["numpy", "cuda-on-cpu", *([pytest.param("cuda", marks=pytest.mark.gpu)] if has_gpu() else [])],
)
def backend(request):
    """Where the functions under test come from and what arrays they get; see backends.py."""
    if request.param == "cuda-on-cpu" and find_compiler() is None:
        pytest.skip(compiler_advice())
    with thread_order("shuffled", seed=7):
        yield BACKENDS[request.param]
