"""What lecture 08 draws and measures is right, and its kernels' mistakes are put into words."""

import numpy as np
import pytest
from test_explorations import assert_labelled
from threadpoolctl import threadpool_info

from cs231n_kit import cuda_emulation
from cs231n_kit.arrays import has_gpu
from cs231n_kit.explorations import gpu_threads, hardware, kernel_report, layer_timing, rooflines
from cs231n_kit.explorations.kernel_report import run_kernel
from cs231n_kit.networks import Affine, Convolution, Sequential

needs_compiler = pytest.mark.skipif(cuda_emulation.find_compiler() is None, reason="needs a C++ compiler")

RELU = """
extern "C" __global__ void relu(const float *x, float *out, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) out[i] = x[i] > 0 ? x[i] : 0;
}
"""


def relu(code=RELU, n=100, **settings):
    x = np.linspace(-1, 1, n, dtype=np.float32)
    return run_kernel(code, "relu", 1, 128, (x, np.zeros_like(x), np.int32(n)), **settings).data


# --- threads, blocks, warps, tiles ---


@pytest.mark.parametrize("elements, threads", [(1, 32), (32, 32), (33, 32), (100, 32), (200, 8)])
def test_blocks_are_as_few_as_give_each_element_a_thread(elements, threads):
    blocks = gpu_threads.blocks_for(elements, threads)
    assert (blocks - 1) * threads < elements <= blocks * threads


def test_the_framed_thread_is_told_what_it_computes():
    figure = gpu_threads.explore_threads()
    figure.set(elements=100, threads=32, block=3, thread=3)
    assert "3 · 32 + 3 = <b>99</b>, and computes element 99" in figure.sentence.value
    figure.set(thread=4)
    assert "<b>100</b>, which is no element: it must do <b>nothing</b>" in figure.sentence.value
    assert "4 blocks × 32 threads = 128 threads for 100 elements, 28 of them idle" in figure.sentence.value


def test_idle_threads_of_an_image_are_those_outside():
    assert gpu_threads.idle_share(32, 32, 16, 16) == 0
    outside = np.ones((48, 64))
    outside[:33, :50] = 0
    assert gpu_threads.idle_share(33, 50, 16, 32) == pytest.approx(outside.mean())


@pytest.mark.parametrize("stride, start, lines", [(1, 0, 1), (1, 1, 2), (2, 0, 2), (32, 0, 32), (33, 31, 32)])
def test_a_warp_touches_so_many_lines(stride, start, lines):
    addresses = {4 * (start + stride * thread) // 128 for thread in range(32)}
    assert set(gpu_threads.lines_of_warp(stride, start)) == addresses and len(addresses) == lines


def test_tiles_save_as_many_loads_as_they_are_wide():
    n, tile = 24, 6
    by_tiles = sum(2 * tile * tile for block in range((n // tile) ** 2) for step in range(n // tile))
    assert gpu_threads.loads(n, tile) == by_tiles and gpu_threads.loads(n, 1) == n * n * 2 * n


# --- measurements ---


def test_everything_that_is_here_is_timed():
    X = np.ones((4, 50), np.float32)
    times, missing = hardware.l1_everywhere(X, np.ones((9, 50), np.float32))
    assert all(seconds > 0 for seconds in times.values())
    first, second, *_ = times
    assert first.startswith("Python loop") and second == "NumPy"
    assert len(times) + len(missing) == 4
    assert has_gpu() or missing[-1].startswith("There is no bar for a GPU: ")


def test_without_numba_its_bar_is_missing_and_said_to_be(monkeypatch):
    def not_installed(*_):
        raise ImportError

    monkeypatch.setattr(hardware, "l1_distances_numba", not_installed)
    times, missing = hardware.l1_everywhere(np.ones((4, 5), np.float32), np.ones((4, 5), np.float32))
    assert not any("Numba" in name for name in times) and "Numba is not installed" in missing[0]


def test_transfers_count_there_and_back():
    here, moving, there = hardware.transfer_times(10, 2e-3, 16e6, bus=16e9, faster=50)
    assert (here, moving, there) == pytest.approx((20e-3, 2e-3, 0.4e-3))
    figure = hardware.explore_transfer({"ReLU": 2e-3}, 16e6)
    figure.set(times=10, bus=16.0, faster=50)
    assert "<b>8.3 times as fast</b>; 83% of its time" in figure.sentence.value
    figure.set(times=1, bus=1.0)
    assert "<b>16.0 times slower</b>" in figure.sentence.value


def test_still_figures_are_labelled():
    assert_labelled(hardware.batching_figure({"CPU": {1: 1e-3, 8: 2e-3}, "GPU": {1: 1e-4, 8: 1e-4}}))
    images = np.random.default_rng(0).normal(size=(3, 8, 8, 3))
    assert_labelled(gpu_threads.before_and_after(images, np.maximum(images, 0)))


# --- roofs ---

SMALL = {"affine": layer_timing.affine(2, 3), "ReLU": layer_timing.relu(2, 3, 4)}


@pytest.mark.parametrize(
    "work, network, shape, batch",
    [
        (layer_timing.affine(5, 7), Affine(7), (7,), 5),
        (layer_timing.convolution(2, 3, 5, 8), Convolution(3, 5, pad=2), (3, 8, 8), 2),
    ],
)
def test_operations_and_bytes_are_those_of_the_layer(work, network, shape, batch):
    row = Sequential(network).summary(shape)
    assert work.operations == 2 * batch * row.multiply_adds
    numbers = 2 * batch * np.prod(shape) + row.parameters  # these layers keep their inputs' shape
    assert work.nbytes == 4 * numbers


@pytest.mark.parametrize("kind", [*layer_timing.LAYERS.values(), layer_timing.max_pool(2, 3, 8)])
def test_each_layer_takes_arrays_of_its_shapes(kind):
    small = [tuple(min(n, 64) for n in shape) for shape in kind.shapes]
    kind.function(*(np.ones(shape, np.float32) for shape in small))


def test_every_device_is_measured():
    devices = layer_timing.measure(SMALL)
    assert devices[0].name == "CPU, 1 core" and len({device.name for device in devices}) == len(devices)
    for device in devices:
        assert (
            device.times.keys() == SMALL.keys() and min(device.operations, device.bandwidth, *device.times.values()) > 0
        )


def test_cores_are_limited_within_and_as_before_after():
    before = threadpool_info()
    with layer_timing.on_cores(1):
        assert all(pool["num_threads"] == 1 for pool in threadpool_info())
    assert threadpool_info() == before


def test_the_roof_is_the_lower_of_two():
    device = layer_timing.Device("x", operations=100e9, bandwidth=10e9)
    assert device.roof(np.array([1.0, 9.9, 10.1, 500])) == pytest.approx([10e9, 99e9, 100e9, 100e9])


def test_the_sentence_says_what_limits_a_layer():
    device = layer_timing.Device("CPU, 1 core", 100e9, 10e9, {"affine": 1e-6, "ReLU": 1e-12})
    figure = rooflines.explore_roofline([device], SMALL)
    work = SMALL["affine"]
    assert work.operations == 2 * 2 * 3 * 3 and work.nbytes == 4 * (2 * 2 * 3 + 9 + 3)
    assert "CPU, 1 core: 0.001 ms; <b>memory</b> decides, and would allow 9.6e-06 ms: 1% of the roof." in (
        figure.sentence.value
    )
    assert "cache" not in figure.sentence.value
    figure.set(layer="ReLU")
    assert "came from a cache" in figure.sentence.value
    assert_labelled(figure.figure())
    assert_labelled(rooflines.times_figure([device]))


def test_a_layer_of_ones_own_is_timed_when_it_is_chosen():
    devices = [layer_timing.Device("CPU, 1 core", 1e3, 1e9)]
    figure = rooflines.explore_own_layer(devices)
    figure.set(kind="convolution 3×3", units=16, batch=2)
    assert "<b>convolution 3×3, 16 channels, batch 2</b>" in figure.sentence.value
    assert "<b>arithmetic</b> decides" in figure.sentence.value and "fewer operations" in figure.sentence.value
    assert_labelled(figure.figure())


# --- reports ---


@needs_compiler
def test_a_kernel_that_runs_says_where():
    assert relu().startswith("**It ran.** This kernel runs in the emulation of CUDA on the CPU")


@needs_compiler
@pytest.mark.parametrize(
    "change, report, marked",
    [
        (("if (i < n) ", ""), "**It was stopped.** kernel.cu:4: in relu, thread (100, 0, 0)", "→   4      out[i]"),
        (("threadIdx.x;", "threadIdx.x"), "**It does not compile.**", "→   4      if (i"),
        (("threadIdx", "threadIDx"), "threadIDx", "→   3      int i"),
        (("}\n", "\n"), "this { is never closed", '→   2  extern "C"'),
        (("if (i", "while (i"), "**It was stopped.** kernel.cu:4: in relu", "→   4      while"),
        (("const float", "const double"), "**The arguments do not fit.** x must hold float64", ""),
    ],
)
def test_mistakes_are_shown_with_their_line(change, report, marked):
    found = relu(RELU.replace(*change), time_limit=0.3)
    assert report in found and marked in found


def test_without_a_compiler_the_report_says_how_to_get_one(monkeypatch):
    monkeypatch.setattr(cuda_emulation, "find_compiler", lambda: None)
    assert relu() == f"**It cannot run here.** {cuda_emulation.compiler_advice()}"


def test_a_listing_stays_within_the_source():
    assert kernel_report.listing("one\ntwo\nthree", 1) == "```text\n→   1  one\n    2  two\n    3  three\n```"
    assert kernel_report.listing("one", 2) == kernel_report.listing("one", None) == ""
