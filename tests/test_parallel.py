import math
import os
import subprocess
import sys
import textwrap
import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pytest

from cs231n_kit.kernels import parallel
from cs231n_kit.kernels.convolution import (
    convolution_gradients_numba,
    convolution_gradients_numpy,
    convolution_numba,
    convolution_numpy,
)
from cs231n_kit.kernels.parallel import block_size, fastest
from cs231n_kit.laboratory import open_lab

pytest.importorskip("numba")


@pytest.fixture(autouse=True)
def nothing_given_up(monkeypatch):
    monkeypatch.setattr(parallel, "_given_up", set())


def run(code, **environment):
    """The output and errors of a process of its own; PYTHONWARNINGS would add lines to them."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONWARNINGS"} | environment
    code = textwrap.dedent(code)
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, timeout=300)
    assert result.returncode == 0, result.stderr
    return result.stdout, result.stderr


def test_a_kernel_that_fails_is_tried_once():
    calls = []

    def kernel(x):
        calls.append(x)
        raise RuntimeError("no such instruction")

    with pytest.warns(UserWarning, match="Numba failed, NumPy computes negative, slower: no such instruction"):
        assert fastest(kernel, np.negative, 1) == -1
    assert fastest(kernel, np.negative, 2) == -2 and calls == [1]


@pytest.mark.filterwarnings("error")
def test_a_missing_numba_is_no_failure_and_memory_may_be_there_again_later():
    def kernel(error):
        raise error

    assert fastest(kernel, str, ImportError("no numba")) == "no numba"
    with pytest.raises(MemoryError):
        fastest(kernel, str, MemoryError())
    assert fastest(kernel, str, ImportError("still tried")) == "still tried"


KERNEL = """
    from cs231n_kit.kernels import parallel
    parallel.PATIENCE = {patience}
    from cs231n_kit.kernels import update_numba
    import numpy as np
    w = np.ones(3)
    update_numba.sgd(w, w.copy(), {{"learning_rate": 0.5}})
    print(w)
"""


def test_compiling_is_announced_if_it_takes_long_and_only_the_first_time(tmp_path):
    cache = {"NUMBA_CACHE_DIR": str(tmp_path)}
    output, errors = run(KERNEL.format(patience=0), **cache)
    assert output == "[0.5 0.5 0.5]\n"
    assert errors.startswith("Compiling update for this machine (once) ... ") and errors.endswith(" s\n")
    assert errors.count("Compiling") == 1
    assert run(KERNEL.format(patience=0), **cache) == ("[0.5 0.5 0.5]\n", "")


def test_compiling_that_takes_no_time_is_not_announced(tmp_path):
    assert run(KERNEL.format(patience=100), NUMBA_CACHE_DIR=str(tmp_path)) == ("[0.5 0.5 0.5]\n", "")


def test_without_a_folder_for_the_cache_all_works_and_the_line_says_so():
    nowhere = """
    from numba.core import caching
    caching.CacheImpl._locator_classes = []
    """
    output, errors = run(textwrap.dedent(nowhere) + textwrap.dedent(KERNEL.format(patience=0)))
    assert output == "[0.5 0.5 0.5]\n"
    assert "(at each start of Python: no folder to keep it in is writeable)" in errors


def test_kernels_of_others_are_not_announced(tmp_path):
    code = """
    from cs231n_kit.kernels import parallel, update_numba
    parallel.PATIENCE = 0
    from numba import njit
    print(njit(lambda x: x + 1)(1))
    """
    assert run(code) == ("2\n", "")


@pytest.mark.parametrize("threads", [1, 2, 3, 8])
@pytest.mark.parametrize("N, height, width", [(1, 1, 1), (1, 32, 32), (2, 7, 5), (3, 4, 4), (64, 32, 32), (64, 2, 2)])
def test_blocks_keep_to_their_size_and_suffice_for_all_threads(N, height, width, threads):
    images, rows = block_size(N, height, width, 192, threads)
    assert 1 <= images <= N and 1 <= rows <= height
    assert images * rows * width <= max(192, width)
    assert math.ceil(N / images) * math.ceil(height / rows) >= min(threads, N * height) * 2 / 3


@pytest.mark.parametrize("N", [1, 2, 5])
@pytest.mark.parametrize("C", [3, 32])
def test_any_number_of_threads_computes_the_same(N, C):
    import numba

    rng = np.random.default_rng(1)
    x, w, b, dout = (rng.normal(size=size) for size in ((N, C, 9, 8), (32, C, 3, 3), (32,), (N, 32, 9, 8)))
    settings = (1, 1), (1, 1), (1, 1)
    before = numba.get_num_threads()
    try:
        for threads in {1, numba.config.NUMBA_NUM_THREADS}:
            numba.set_num_threads(threads)
            out = convolution_numba(x, w, b, *settings)
            np.testing.assert_allclose(out, convolution_numpy(x, w, b, *settings), rtol=1e-10, atol=1e-10)
            gradients = convolution_gradients_numba(dout, x, w, *settings)
            for ours, right in zip(gradients, convolution_gradients_numpy(dout, x, w, *settings), strict=True):
                np.testing.assert_allclose(ours, right, rtol=1e-10, atol=1e-10)
    finally:
        numba.set_num_threads(before)


def problem():
    rng = np.random.default_rng(0)
    x, w, b = rng.normal(size=(8, 3, 16, 16)), rng.normal(size=(4, 3, 5, 5)), rng.normal(size=4)
    return x, w, b, (1, 1), (2, 2), (1, 1)


def test_several_python_threads_may_call_kernels_at_once():
    arguments = problem()
    expected = convolution_numpy(*arguments)
    together = threading.Barrier(4)

    def work(_):
        together.wait()
        return [convolution_numba(*arguments) for _ in range(20)]

    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(work, range(4)):
            for out in found:
                np.testing.assert_allclose(out, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere processes are not forked")
@pytest.mark.parametrize("layer", ["omp", "workqueue"])
def test_after_a_fork_kernels_give_the_same(layer):
    code = """
    import os, sys, threading, time, warnings
    import numpy as np
    from cs231n_kit.kernels import convolution as kernels, parallel
    kernels.WORTH_COMPILING = 1
    rng = np.random.default_rng(0)
    arrays = (rng.normal(size=size) for size in ((8, 3, 16, 16), (4, 3, 5, 5), 4))
    arguments = *arrays, (1, 1), (2, 2), (1, 1)
    expected = kernels.convolution(*arguments)
    parallel._one_at_a_time.acquire()  # as if another thread was computing
    if pid := os.fork():
        parallel._one_at_a_time.release()
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        assert np.allclose(kernels.convolution(*arguments), expected)
        sys.exit(code)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        same = np.allclose(kernels.convolution(*arguments), expected)
    print(same, *(str(warning.message) for warning in caught), flush=True)
    os._exit(0)
    """
    output, _ = run(code, NUMBA_THREADING_LAYER=layer)
    assert output.startswith("True")
    assert ("do not survive a fork" in output) == (layer == "omp")


@pytest.mark.skipif(os.name != "posix", reason="elsewhere JupyterLab is a child process")
def test_in_jupyterlab_idle_threads_sleep_unless_the_user_has_other_plans(monkeypatch, tmp_path):
    started = {}
    monkeypatch.chdir(tmp_path)  # and back afterwards
    monkeypatch.setattr(os, "execve", lambda program, command, environment: started.update(environment))
    monkeypatch.setattr("subprocess.run", lambda *args, **kwargs: SimpleNamespace(returncode=0))
    for variable in "OPENBLAS_THREAD_TIMEOUT", "GOMP_SPINCOUNT":
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("OMP_WAIT_POLICY", "active")
    open_lab(tmp_path, tmp_path / "a.ipynb", browser=False, port=8888)
    assert started["OPENBLAS_THREAD_TIMEOUT"] == "20" and started["GOMP_SPINCOUNT"] == "30000"
    assert started["OMP_WAIT_POLICY"] == "active"
