"""The emulation runs what CUDA allows, and finds what a GPU would keep quiet about."""

import os
import signal
import subprocess
import sys
import threading

import numpy as np
import pytest

from cs231n_kit import cuda_emulation
from cs231n_kit.cuda_emulation import CompileError, EmulatedModule, KernelError, compiling, thread_order

pytestmark = pytest.mark.skipif(cuda_emulation.find_compiler() is None, reason="needs a C++ compiler")


@pytest.fixture(params=["forward", "reverse", "shuffled"], autouse=True)
def order(request):
    with thread_order(request.param, seed=1):
        yield request.param


def run(source, *args, kernel="k", grid=1, block=1, shared_mem=0, time_limit=60, options=()):
    module = EmulatedModule(source, options, time_limit=time_limit)
    module.get_function(kernel)((grid,), block, args, shared_mem=shared_mem)


def failure(source, *args, **settings):
    with pytest.raises(KernelError) as caught:
        run(source, *args, **settings)
    return caught.value


# --- what kernels may do ---


def test_grids_blocks_and_threads_have_their_numbers():
    source = """
    extern "C" __global__ void k(int *out) {
        int block = blockIdx.x + gridDim.x * (blockIdx.y + gridDim.y * blockIdx.z);
        int thread = threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z);
        out[block * blockDim.x * blockDim.y * blockDim.z + thread] = 1000 * block + thread;
    }
    """
    out = cuda_emulation.empty((2 * 3 * 4, 5 * 2 * 3), np.int32)
    EmulatedModule(source).get_function("k")((2, 3, 4), (5, 2, 3), (out,))
    assert np.array_equal(out, 1000 * np.arange(24)[:, None] + np.arange(30))


TILED = """
#define TILE 8
extern "C" __global__ void k(const float *a, const float *b, float *c, int n) {
    __shared__ float as[TILE][TILE];
    __shared__ float bs[TILE][TILE];
    int row = blockIdx.y * TILE + threadIdx.y, column = blockIdx.x * TILE + threadIdx.x;
    float sum = 0;
    for (int k = 0; k < n; k += TILE) {
        as[threadIdx.y][threadIdx.x] = row < n && k + threadIdx.x < n ? a[row * n + k + threadIdx.x] : 0;
        bs[threadIdx.y][threadIdx.x] = k + threadIdx.y < n && column < n ? b[(k + threadIdx.y) * n + column] : 0;
        __syncthreads();  // filled
        for (int i = 0; i < TILE; i++) sum += as[threadIdx.y][i] * bs[i][threadIdx.x];
        __syncthreads();  // used
    }
    if (row < n && column < n) c[row * n + column] = sum;
}
"""


def matrix_product(source, n=19):
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, n, n)).astype(np.float32)
    c = cuda_emulation.empty((n, n), np.float32)
    blocks = (n + 7) // 8
    EmulatedModule(source).get_function("k")((blocks, blocks), (8, 8), (a, b, c, np.int32(n)))
    np.testing.assert_allclose(c, a.astype(float) @ b, atol=1e-5)


def test_a_tiled_matrix_product():
    matrix_product(TILED)


@pytest.mark.parametrize("comment", ["// filled", "// used"])
def test_either_missing_barrier_of_it_is_found(comment):
    missing = next(line for line in TILED.splitlines() if comment in line)
    with pytest.raises(KernelError, match=r"a race|before any thread has written it. Is a __syncthreads\(\) missing"):
        matrix_product(TILED.replace(missing, ""))


def test_shuffles_votes_and_dynamic_shared_memory():
    source = """
    extern "C" __global__ void k(const float *x, float *total, int *facts, int n) {
        extern __shared__ float parts[];
        float sum = 0;
        for (int i = threadIdx.x; i < n; i += blockDim.x) sum += x[i];
        for (int d = 16; d > 0; d /= 2) sum += __shfl_down_sync(0xffffffff, sum, d);
        if (threadIdx.x % 32 == 0) parts[threadIdx.x / 32] = sum;
        int many = __syncthreads_count(threadIdx.x % 3 == 0);
        unsigned odd = __ballot_sync(0xffffffff, threadIdx.x & 1);
        int neighbour = __shfl_xor_sync(0xffffffff, (int)threadIdx.x, 1);
        int first = __shfl_sync(0xffffffff, (int)threadIdx.x, 0, 8);
        int before = __shfl_up_sync(0xffffffff, (int)threadIdx.x, 1);
        if (threadIdx.x == 37) {
            facts[0] = many; facts[1] = odd == 0xaaaaaaaa; facts[2] = neighbour; facts[3] = first; facts[4] = before;
        }
        if (threadIdx.x == 0) {
            float all = 0;
            for (int i = 0; i < blockDim.x / 32; i++) all += parts[i];
            *total = all;
        }
    }
    """
    x = np.arange(1000, dtype=np.float32)
    total, facts = cuda_emulation.empty(1, np.float32), cuda_emulation.empty(5, np.int32)
    run(source, x, total, facts, np.int32(1000), block=96, shared_mem=12)
    assert total[0] == 499500
    assert facts.tolist() == [32, 1, 36, 32, 36]


def test_half_a_warp_exchanges_while_the_other_half_does_something_else():
    source = """
    extern "C" __global__ void k(int *out) {
        int lane = threadIdx.x;
        if (lane < 16) out[lane] = __shfl_sync(0x0000ffff, lane, 3);
        else { __syncwarp(0xffff0000); out[lane] = __shfl_xor_sync(0xffff0000, lane, 1); }
    }
    """
    out = cuda_emulation.empty(32, np.int32)
    run(source, out, block=32)
    assert out.tolist() == [3] * 16 + [lane ^ 1 for lane in range(16, 32)]


def test_atomics_count_what_plain_additions_would_lose():
    source = """
    extern "C" __global__ void k(const int *x, int *counts, float *sum, int *largest) {
        atomicAdd(&counts[x[threadIdx.x]], 1);
        atomicAdd(sum, 0.5f);
        atomicMax(largest, x[threadIdx.x]);
    }
    """
    x = np.random.default_rng(0).integers(0, 5, 64).astype(np.int32)
    counts, total, largest = np.zeros(5, np.int32), np.zeros(1, np.float32), np.zeros(1, np.int32)
    run(source, x, counts, total, largest, block=64)
    assert np.array_equal(counts, np.bincount(x, minlength=5))
    assert total[0] == 32
    assert largest[0] == x.max()


def test_an_array_passed_twice_is_one_array_on_the_device():
    source = 'extern "C" __global__ void k(const float *x, float *y) { y[threadIdx.x] = 2 * x[threadIdx.x]; }'
    x = np.arange(10, dtype=np.float32)
    run(source, x, x, block=10)
    assert x.tolist() == [2 * i for i in range(10)]
    run(source, x, x[5:], block=5)
    assert x.tolist() == [0, 2, 4, 6, 8, 0, 4, 8, 12, 16]


def test_arrays_that_overlap_in_part_do_so_on_the_device():
    source = 'extern "C" __global__ void k(const float *x, float *y) { y[threadIdx.x] = 10 * x[threadIdx.x]; }'
    x = np.arange(10, dtype=np.float32)
    run(source, x[:3], x[3:], block=3)
    run(source, x[:6], x, block=1)
    assert x.tolist() == [0, 1, 2, 0, 10, 20, 6, 7, 8, 9]
    copy = 'extern "C" __global__ void k(const float *x, float *y) { y[6] = x[0]; }'
    run(copy, x[1:6], x[3:])
    assert x[9] == 1


def test_vectors_helpers_constants_and_early_return():
    source = """
    __constant__ float weights[4] = {1, 2, 3, 4};
    template <class T> __device__ T weighted(T x, int i) { return x * weights[i]; }
    extern "C" __global__ void __launch_bounds__(64) k(const float4 *x, float *out, int n) {
        int i = blockIdx.x * blockDim.x + threadIdx.x;
        if (i >= n) return;
        float4 v = x[i];
        #pragma unroll
        for (int j = 0; j < 1; j++) out[i] = weighted(v.x, 0) + weighted(v.y, 1) + weighted(v.z, 2) + weighted(v.w, 3);
    }
    """
    x = np.arange(40, dtype=np.float32).reshape(10, 4)
    out = cuda_emulation.empty(10, np.float32)
    run(source, x, out, np.int32(10), block=64)
    assert np.array_equal(out, x @ [1, 2, 3, 4])


# --- mistakes in reaching memory ---

SCALE = """extern "C" __global__ void k(const float *x, float *y, int n) {
    int i = threadIdx.x;
    if (i < n) y[i] = x[i];
}"""


@pytest.mark.parametrize("longer", ["x", "y"])
def test_an_overrun_of_global_memory_by_one_element(longer):
    x, y = np.zeros(10 + (longer == "x"), np.float32), np.zeros(10 + (longer == "y"), np.float32)
    caught = failure(SCALE, x, y, np.int32(11), block=32)
    shorter = "y" if longer == "x" else "x"
    assert caught.failure == "out_of_bounds"
    assert caught.line == 3
    assert f"{'writes' if shorter == 'y' else 'reads'} {shorter}[10], but {shorter} has 10 elements" in str(caught)
    assert "thread (10, 0, 0) of block (0, 0, 0)" in str(caught)


def test_an_access_that_begins_inside_and_ends_outside():
    source = 'extern "C" __global__ void k(const float *x, double *y) { *y = *(const double *)(x + 2); }'
    run(source, np.zeros(4, np.float32), np.zeros(1))
    assert failure(source, np.zeros(3, np.float32), np.zeros(1)).failure == "out_of_bounds"


def test_an_underrun_and_a_wild_address_and_a_null_pointer():
    source = 'extern "C" __global__ void k(float *x, long long i) { x[i] = 1; }'
    assert "writes x[-1], but x has 5 elements" in str(failure(source, np.zeros(5, np.float32), np.int64(-1)))
    wild = failure(source, np.zeros(5, np.float32), np.int64(1 << 40))
    assert "outside all arrays" in str(wild)
    assert "through a null pointer" in str(failure(source, None, np.int64(0)))


@pytest.mark.parametrize("size", [16, 5, 3])
def test_an_overrun_of_shared_memory_by_one_element(size):
    source = """
    extern "C" __global__ void k(float *out, int i) {
        __shared__ float a[SIZE];
        __shared__ float b[SIZE];
        float *p = i < 0 ? b : a;
        p[i] = 1;
        *out = a[0] + b[0];
    }
    """.replace("SIZE", str(size))
    for i in (size, -1):
        caught = failure(source, np.zeros(1, np.float32), np.int32(i))
        assert caught.failure in ("out_of_bounds", "bad_index"), f"index {i}"
        assert caught.line == 6


def test_an_overrun_of_dynamic_shared_memory_by_one_element():
    source = """
    extern "C" __global__ void k(int i) {
        extern __shared__ double part[];
        part[i] = 1;
    }
    """
    run(source, np.int32(3), shared_mem=32)
    for i in (4, -1):
        caught = failure(source, np.int32(i), shared_mem=32)
        assert (caught.failure, caught.line) == ("out_of_bounds", 4)


def test_an_index_that_stays_in_memory_but_leaves_its_row():
    source = """
    extern "C" __global__ void k(int j) {
        __shared__ float tile[4][4];
        tile[1][j] = 1;
    }
    """
    caught = failure(source, np.int32(4))
    assert (caught.failure, caught.line) == ("bad_index", 4)
    assert "uses the index 4" in str(caught)


def test_reading_global_memory_that_no_kernel_has_written():
    x = np.ones(8, np.float32)
    out, sums = cuda_emulation.empty(8, np.float32), cuda_emulation.empty(8, np.float32)
    run(SCALE, x, out, np.int32(7), block=8)
    caught = failure(SCALE, out, sums, np.int32(8), block=8)
    assert (caught.failure, caught.line) == ("uninitialised", 3)
    assert "reads x[7] before any thread has written it" in str(caught)
    out[7] = 2  # the host may write, too
    run(SCALE, out, sums, np.int32(8), block=8)
    assert sums.tolist() == [1] * 7 + [2]


def test_reading_shared_memory_that_no_thread_has_written():
    source = """
    extern "C" __global__ void k(float *out) {
        __shared__ float sums[32];
        if (threadIdx.x < 31) sums[threadIdx.x] = 1;
        __syncthreads();
        out[threadIdx.x] = sums[threadIdx.x];
    }
    """
    caught = failure(source, np.zeros(32, np.float32), block=32)
    assert (caught.failure, caught.line) == ("uninitialised", 6)


def test_shared_memory_does_not_survive_a_block():
    source = """
    extern "C" __global__ void k(float *out) {
        __shared__ float sum;
        if (blockIdx.x == 0) sum = 1;
        out[blockIdx.x] = sum;
    }
    """
    caught = failure(source, np.zeros(2, np.float32), grid=2)
    assert (caught.failure, caught.line) == ("uninitialised", 5)


def test_a_vector_at_an_odd_address():
    source = 'extern "C" __global__ void k(const char *x, double *y) { *y = *(const double *)(x + 4); }'
    caught = failure(source, np.zeros(32, np.int8), np.zeros(1))
    assert caught.failure == "misaligned"


# --- mistakes in waiting for each other ---


def test_a_race_on_global_memory_between_blocks_and_within_one():
    source = 'extern "C" __global__ void k(int *count) {\n *count = *count + 1;\n}'
    between = failure(source, np.zeros(1, np.int32), grid=2)
    assert (between.failure, between.line) == ("race", 2)
    assert "of block (0, 0, 0)" in str(between)
    assert "blocks run in any order" in str(between)
    within = failure(source, np.zeros(1, np.int32), block=2)
    assert "count[0], which thread" in str(within)
    assert "wrote at line 2, with no __syncthreads() in between" in str(within)


def test_a_race_on_shared_memory_that_one_order_would_hide():
    source = """
    extern "C" __global__ void k(int *out) {
        __shared__ int values[64];
        values[threadIdx.x] = threadIdx.x;
        __syncthreads();
        int next = values[(threadIdx.x + 1) % 64];
        values[threadIdx.x] = next;
        __syncthreads();
        out[threadIdx.x] = values[threadIdx.x];
    }
    """
    caught = failure(source, np.zeros(64, np.int32), block=64)
    assert caught.failure == "race"
    assert caught.line in (6, 7)
    mended = source.replace("values[threadIdx.x] = next", "__syncthreads(); values[threadIdx.x] = next")
    out = np.zeros(64, np.int32)
    run(mended, out, block=64)
    assert out.tolist() == [*range(1, 64), 0]


def test_lanes_of_a_warp_are_not_in_step():
    source = """
    extern "C" __global__ void k(int *out) {
        __shared__ int values[32];
        values[threadIdx.x] = threadIdx.x;
        SYNC
        out[threadIdx.x] = values[31 - threadIdx.x];
    }
    """
    out = np.zeros(32, np.int32)
    assert failure(source.replace("SYNC", ""), out, block=32).failure in ("race", "uninitialised")
    run(source.replace("SYNC", "__syncwarp();"), out, block=32)
    assert out.tolist() == list(range(31, -1, -1))


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("if (threadIdx.x < 8)\n __syncthreads();", "has returned"),
        ("if (threadIdx.x == 3) return;\n __syncthreads();", "thread (3, 0, 0) has returned"),
        ("if (threadIdx.x < 8)\n __syncthreads();\nelse\n __syncthreads();", "waits at line"),
    ],
)
def test_a_barrier_that_not_all_threads_reach(body, says):
    caught = failure(f'extern "C" __global__ void k() {{\n{body}\n}}', block=64)
    assert caught.failure == "divergent_barrier"
    assert says in str(caught)
    assert caught.line


@pytest.mark.parametrize(
    ("body", "block", "says"),
    [
        ("if (threadIdx.x < 31) x[0] = __shfl_sync(0x7fffffff, 1, 31);", 32, "lane 31, which does not take part"),
        ("if (threadIdx.x == 0) x[0] = __shfl_sync(0xfffffffe, 1, 0);", 32, "whose mask leaves it out"),
        ("if (threadIdx.x < 31) __syncwarp(); else __syncthreads();", 32, "waits at line 1"),
    ],
)
def test_exchanges_of_a_warp_that_cannot_work(body, block, says):
    caught = failure(f'extern "C" __global__ void k(int *x) {{ {body} }}', np.zeros(1, np.int32), block=block)
    assert says in str(caught)


# --- what would never end, and what would end the process ---


@pytest.mark.parametrize("body", ["while (true) {}", "while (*x == 0) {}", "while (true) __syncthreads();"])
def test_an_endless_loop_is_stopped(body):
    source = f'extern "C" __global__ void k(volatile int *x) {{ {body} }}'
    caught = failure(source, np.zeros(1, np.int32), block=4, time_limit=0.1)
    assert caught.failure == "interrupted"
    assert "still running after 0.1 seconds" in str(caught)


def test_the_module_can_be_used_again_after_a_failure():
    module = EmulatedModule(SCALE)
    kernel = module.get_function("k")
    x, y = np.ones(4, np.float32), np.zeros(4, np.float32)
    for _ in range(3):
        with pytest.raises(KernelError):
            kernel((1,), (8,), (x, y, np.int32(5)))
        kernel((1,), (8,), (x, y, np.int32(4)))
    assert y.tolist() == [1] * 4


@pytest.mark.parametrize(
    ("expression", "expected"),
    [("7 / x[0]", "division"), ("7 % x[0]", "division"), ("deep(x[0])", "stack_overflow")],
)
def test_what_would_end_the_process_is_an_error(expression, expected):
    source = f"""
    __device__ __noinline__ int deep(int n) {{ volatile int copy = n; return deep(n + 1) + copy; }}
    extern "C" __global__ void k(int *x) {{ x[0] = {expression}; }}
    """
    assert failure(source, np.zeros(1, np.int32)).failure == expected


def test_a_keyboard_interrupt_stops_a_kernel(order):
    if order != "forward":
        return
    module = EmulatedModule('extern "C" __global__ void k(int *x) { while (true) x[0] += 1; }')
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        module.get_function("k")((1,), (1,), (np.zeros(1, np.int32),))


# --- compiling ---


@pytest.mark.parametrize(
    ("source", "says"),
    [
        (
            'extern "C" __global__ void k(float *x) {\n  x[0] = y;\n}',
            r"kernel.cu:2:.*(‘y’ was not declared|undeclared identifier 'y')",
        ),
        ("int main() { return 0; }", "there is no kernel"),
        (
            'extern "C" __global__ void k() {}\nvoid f() { k<<<1, 1>>>(); }',
            r"kernel.cu:2: kernels are started from Python",
        ),
        ("template <class T>\n__global__ void k(T *x) {}", "k is a template"),
        (
            'extern "C" __global__ void k(float *x) {\n  float a[9999]; for (int i = 0; i < 9999; i++) a[i] = x[i]; '
            "for (int i = 0; i < 9999; i++) x[i] = a[9998 - i];\n}",
            "frame size",
        ),
        ('extern "C" __global__ void k() { __shared__ float a[20000]; a[0] = 1; }', "bytes of shared memory"),
    ],
)
def test_what_does_not_compile_says_where(source, says):
    with pytest.raises(CompileError, match=says):
        EmulatedModule(source)


def test_lines_are_the_students_after_comments_and_dynamic_shared_memory():
    source = """/* __global__ void no(int x) {} */
    extern "C" __global__ void k(float *x) {
        extern __shared__
            float part[];
        part[0] = 1;
        x[0] = part[0] +
            undefined;
    }"""
    with pytest.raises(CompileError, match=r"kernel\.cu:7:"):
        EmulatedModule(source)


def test_options_and_names():
    module = EmulatedModule('extern "C" __global__ void k(REAL *x) { x[0] = 1; }', ("-DREAL=double",))
    x = np.zeros(1)
    module.get_function("k")(1, 1, (x,))
    assert x[0] == 1
    with pytest.raises(ValueError, match="no kernel 'other', but k"):
        module.get_function("other")


# --- arguments ---

ALL = 'extern "C" __global__ void k(const float *x, float *y, int n, float a, unsigned char *m, double d, bool b) {}'
GOOD = dict(
    x=np.zeros(3, np.float32),
    y=np.zeros(3, np.float32),
    n=np.int32(3),
    a=np.float32(1),
    m=np.zeros(2, np.uint8),
    d=1.5,
    b=True,
)


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        ({"x": np.zeros(3)}, TypeError, "x must hold float32, as in the kernel, not float64"),
        ({"y": np.zeros((3, 3), np.float32)[:, 0]}, ValueError, "y must be contiguous"),
        ({"y": np.broadcast_to(np.float32(0), (1,))}, ValueError, "y is read-only"),
        ({"x": [1, 2]}, TypeError, "x must be a NumPy array"),
        ({"n": np.int64(3)}, TypeError, "n must be numpy.int32, as in the kernel, not int64"),
        ({"n": 1 << 40}, ValueError, "does not fit into int32"),
        ({"n": "3"}, TypeError, "n must be a number"),
        ({"a": 1.0}, TypeError, "a must be numpy.float32, .* CuPy passes Python's float as float64"),
        ({"a": 1}, TypeError, "a must be numpy.float32"),
        ({"a": np.zeros(1, np.float32)}, TypeError, "a must be a number"),
        ({"m": np.zeros(2, np.int8)}, TypeError, "m must hold uint8"),
    ],
)
def test_arguments_that_do_not_fit_the_kernel(change, error, says):
    run(ALL, *GOOD.values())
    with pytest.raises(error, match=says):
        run(ALL, *(GOOD | change).values())


def test_launches_that_no_gpu_would_take():
    with pytest.raises(TypeError, match=r"takes 7 arguments \(x, y, n, a, m, d, b\), not 1"):
        run(ALL, GOOD["x"])
    source = 'extern "C" __global__ void k() {}'
    with pytest.raises(ValueError, match="at most 1,024 threads"):
        run(source, block=(32, 33))
    with pytest.raises(ValueError, match="grid must be"):
        run(source, grid=0)
    with pytest.raises(ValueError, match="shared_mem must be from 0 to 49,152"):
        run(source, shared_mem=50_000)


def test_fibers_for_other_processors(tmp_path, monkeypatch):
    """Without hand-written switches of stacks, by the C library's."""
    monkeypatch.setattr(compiling, "_COMMON", (*compiling._COMMON, "-DCUDA_EMULATION_UCONTEXT"))
    monkeypatch.setattr(compiling, "_cache_folder", lambda: tmp_path)
    compiling._fingerprint.cache_clear()
    try:
        matrix_product(TILED)
        caught = failure('extern "C" __global__ void k() { if (threadIdx.x) __syncthreads(); }', block=4)
        assert caught.failure == "divergent_barrier"
    finally:
        compiling._fingerprint.cache_clear()


def test_without_a_compiler_the_message_says_how_to_get_one(tmp_path):
    script = "from cs231n_kit.cuda_emulation import EmulatedModule; EmulatedModule('')"
    environment = {**os.environ, "PATH": str(tmp_path), "CXX": ""}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False)
    assert "RuntimeError: Running CUDA kernels on the CPU takes a C++ compiler" in done.stderr
    assert "sudo apt install g++" in done.stderr or "xcode-select" in done.stderr
