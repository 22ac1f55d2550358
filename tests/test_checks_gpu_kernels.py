"""The checks of assignment 2's `gpu_kernels`: right kernels earn everything, known mistakes what is said here."""

import time

import numpy as np
import psutil
import pytest
from exercise import Exercise, absent
from scipy.special import log_softmax

from cs231n_kit import checking
from cs231n_kit.checking import launching
from cs231n_kit.checking.answer_key import load_key, save_key
from cs231n_kit.checking.arguments import launch_of
from cs231n_kit.checking.calling import TEXT_LIMIT, Raised
from cs231n_kit.checking.findings import explain
from cs231n_kit.checking.launching import run_text
from cs231n_kit.cuda_emulation import find_compiler
from cs231n_kit.cuda_emulation.failures import Failure
from cs231n_kit.kernels import nvrtc

pytestmark = pytest.mark.skipif(find_compiler() is None, reason="needs a C++ compiler")
EXERCISE = Exercise("assignment2", "gpu_kernels", seeds=2)
POINTS_LOST = {
    "relu_kernel": {
        "no bounds check": 2,
        "one element per thread": 1,
        "blocks share elements": 3,
        "last element left out": 3,
        "minimum": 3,
        "absolute value": 3,
    },
    "relu_backward_kernel": {
        "masked by dout": 2,
        "not masked": 2,
        "mask alone": 2,
        "one element per thread": 1,
    },
    "softmax_loss_kernel": {
        "not shifted": 1,
        "label's one forgotten": 4,
        "sign of the label's one": 4,
        "gradient not divided": 4,
        "gradient divided by the classes": 4,
        "not normalised": 4,
        "sign of the loss": 4,
        "logarithm forgotten": 4,
        "losses divided": 3,
        "wrong length of a row": 8,
        "one row per block": 1,
        "one class per thread": 3,
        "barrier missing": 8,
    },
    "max_pool_kernel": {
        "smallest": 6,
        "at least zero": 4,
        "stride taken for size": 4,
        "size taken for stride": 4,
        "height for width": 4,
        "always the first plane": 6,
        "places in the whole array": 2,
        "places in the output": 2,
        "last of equals": 1,
        "one window per thread": 1,
    },
    "max_pool_backward_kernel": {
        "last window wins": 3,
        "all pixels of a window": 5,
        "planes forgotten": 5,
        "zeros not written": 5,
        "only the window that begins nearest": 3,
        "place transposed": 4,
        "scattered by the windows": 5,
        "one pixel per thread": 1,
    },
}
RELU = r"""
extern "C" __global__ void relu(const float *x, float *out, int n) {
    %s
}
"""
FIRST = "int i = blockIdx.x * blockDim.x + threadIdx.x, step = gridDim.x * blockDim.x;"


class Here:
    """Runs kernels in this process: those of the tests below are harmless, and a process for each takes a second."""

    def __init__(self, ask_text, start, seconds=0):
        self.text = ask_text()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        pass

    def run(self, launch):
        text = self.text
        return run_text(text.values[0].tobytes().decode(), launch) if text.status == "returned" else text


@pytest.fixture
def here(monkeypatch):
    monkeypatch.setattr(checking, "Launcher", Here)


@pytest.fixture(autouse=True)
def short_limits(monkeypatch):
    monkeypatch.setattr(launching, "ANSWER_SECONDS", 20.0)


def returning(text):
    def answer():
        return text

    return answer


def launches(function):
    properties = EXERCISE.drawn(function, 0).properties
    return [(launch_of(case.arguments), case.expected) for p in properties for case in p.cases]


def test_relu_is_numpys():
    for launch, (out,) in launches("relu_kernel"):
        np.testing.assert_array_equal(out, np.maximum(launch.arguments[0], 0))
    for launch, (dx,) in launches("relu_backward_kernel"):
        dout, x = launch.arguments[:2]
        np.testing.assert_array_equal(dx, np.where(x > 0, dout, 0))


def test_the_softmax_loss_is_scipys():
    for launch, (losses, dscores) in launches("softmax_loss_kernel"):
        scores, y = launch.arguments[:2]
        logs = log_softmax(scores.astype(np.float64), axis=1)
        np.testing.assert_allclose(losses, -logs[np.arange(len(y)), y], rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(dscores, (np.exp(logs) - np.eye(scores.shape[1])[y]) / len(y), rtol=1e-4, atol=1e-6)


def pooled(x, size, stride):
    """Largest values and places, window by window."""
    planes, height, width = x.shape
    shape = planes, (height - size) // stride + 1, (width - size) // stride + 1
    out, switches = np.empty(shape), np.empty(shape, int)
    for p, r, c in np.ndindex(shape):
        window = x[p, r * stride : r * stride + size, c * stride : c * stride + size]
        row, column = np.unravel_index(window.argmax(), window.shape)
        out[p, r, c] = window.max()
        switches[p, r, c] = (r * stride + row) * width + c * stride + column
    return out, switches


def test_pooling_is_that_of_a_loop_over_windows():
    for launch, (out, switches) in launches("max_pool_kernel"):
        for found, expected in zip((out, switches), pooled(launch.arguments[0], *launch.arguments[-2:]), strict=True):
            np.testing.assert_array_equal(found, expected)


def test_the_pooling_gradient_adds_up_over_windows():
    meets = 0
    for launch, (dx,) in launches("max_pool_backward_kernel"):
        dout, switches = launch.arguments[:2]
        expected = np.zeros((len(dx), dx[0].size))
        np.add.at(expected, (np.arange(len(dx))[:, None], switches.reshape(len(dx), -1)), dout.reshape(len(dx), -1))
        np.testing.assert_allclose(dx, expected.reshape(dx.shape), rtol=1e-5, atol=1e-6)
        meets += switches.size - sum(len(np.unique(plane)) for plane in switches)
    assert meets > 20, "windows that share a winner are what overlapping is about"


@pytest.mark.parametrize("name", EXERCISE.functions)
def test_keys_are_small_and_read_back(name, tmp_path):
    key = EXERCISE.key_of(name, 0)
    (tmp_path / "key.npz").write_bytes(save_key([key]))
    assert (tmp_path / "key.npz").stat().st_size < 60_000
    (read,) = load_key(tmp_path / "key.npz")
    assert (
        read.properties[0].cases[0].arguments[0].arguments[-1] == key.properties[0].cases[0].arguments[0].arguments[-1]
    )
    kinds = {type(values) for m in read.mistakes for row in m.outputs for values in row}
    assert kinds == {type(values) for m in key.mistakes for row in m.outputs for values in row} <= {tuple, str}


def test_every_known_mistake_is_listed_here():
    EXERCISE.assert_listed(POINTS_LOST)


@pytest.mark.parametrize("name, mistake", [(f, m) for f in POINTS_LOST for m in POINTS_LOST[f]])
def test_known_mistake_is_caught_and_recognised_as_itself(name, mistake, here):
    EXERCISE.assert_recognised(name, mistake, POINTS_LOST[name][mistake])


def test_hints_are_sentences_and_do_not_contain_the_repair():
    EXERCISE.assert_hints_are_sentences_without_the_repair()


@pytest.mark.parametrize("name, style", [(f, s) for f, texts in EXERCISE.answers.TEXTS.items() for s in texts])
def test_kernels_in_any_style_earn_full_points(name, style, here):
    EXERCISE.assert_full_points(name, returning(EXERCISE.answers.TEXTS[name][style]))


def test_there_are_at_least_six_variants_of_each():
    assert all(len(EXERCISE.answers.TEXTS[name]) >= 6 for name in EXERCISE.functions)


@pytest.mark.parametrize("name", EXERCISE.functions)
def test_the_reference_earns_everything_in_a_process_apart(name):
    assert EXERCISE.report(name, EXERCISE.reference.function(name)).passed


@pytest.mark.parametrize(
    "body, message, hint, line",
    [
        (
            "int i = threadIdx.x\n    out[i] = 0;",
            "does not compile: expected",
            "",
            "(line 4 of the kernel: out[i] = 0;)",
        ),
        (
            FIRST + "\n    out[i] = x[i];",
            "outside of an array",
            "seldom the number of elements",
            "line 4 of the kernel: out",
        ),
        (FIRST + "\n    out[0] = x[0] + i;", "has a race", "in any order", "line 4 of the kernel: out[0]"),
        (FIRST + "\n    if (i == 0) out[i] = 0;", "elements of its result unwritten", "responsible", ""),
        (
            FIRST + "\n    if (i < n) out[i] += x[i];",
            "nothing was written to",
            "not even zeros",
            "line 4 of the kernel",
        ),
        ("if (threadIdx.x) __syncthreads();", "only some threads", "equally often", "line 3 of the kernel"),
        (
            FIRST + " for (; i < n; i += step) out[i] = 1 / (int)(0 * x[i]);",
            "divides by zero",
            "",
            "line 3 of the kernel",
        ),
    ],
)
def test_what_the_emulation_finds_is_told_with_the_own_line(body, message, hint, line, here):
    report = EXERCISE.report("relu_kernel", returning(RELU % body))
    assert message in repr(report) and hint in repr(report) and line in repr(report), report
    assert report.earned < report.points and "raises" not in repr(report)


def test_everything_that_the_emulation_finds_is_put_into_words():
    for failure in set(Failure) - {Failure.NONE}:
        message, details = explain(Raised(failure.name.lower(), "found", 2, "x[0] = 1;"))
        assert message != explain(Raised("?", ""))[0] and "line 2 of the kernel: x[0] = 1;" in message
        assert details == "found"


@pytest.mark.skipif(nvrtc.find_nvrtc() is None, reason="needs the package nvidia-cuda-nvrtc")
@pytest.mark.parametrize("name", EXERCISE.functions)
def test_the_solution_compiles_for_a_gpu(name):
    source = EXERCISE.reference.function(name)()
    code, log = nvrtc.compile_for(source, f"{name}.cu", nvrtc.ARCHITECTURES[0])
    assert code.startswith(b"\x7fELF")
    assert all(found["spills"] == 0 for found in nvrtc.resources(log).values())


def test_results_must_not_depend_on_the_order_of_threads(here):
    text = EXERCISE.answers.TEXTS["softmax_loss_kernel"]["the first thread alone"]
    alone = "for (int j = 0; j < classes; j++) sum += expf(s[j] - top);"
    together = """}
    __syncthreads();
    for (int j = threadIdx.x; j < classes; j += blockDim.x) atomicAdd(&sum, expf(s[j] - top));
    __syncthreads();
    if (threadIdx.x == 0) {"""
    added = text.replace(alone, together)
    assert added != text
    report = EXERCISE.report("softmax_loss_kernel", returning(added))
    assert "gives other results when its threads run in another order" in repr(report), report


@pytest.mark.parametrize(
    "text, said",
    [
        (RELU.replace("relu", "rectify") % "", "no kernel of the name"),
        (RELU.replace(", int n", "") % "", "does not take the arguments"),
        (RELU.replace("int n", "float n") % "", "does not take the arguments"),
        (RELU.replace('extern "C" ', "") % "", 'write extern "C"'),
        ("", "there is no kernel"),
        ("é \x00 ∞", "there is no kernel"),
        ("x" * (TEXT_LIMIT + 1), "text of 50,001 characters, not the text of a kernel"),
        (None, "not implemented yet"),
        (b"bytes", "returns a bytes, not the text of a kernel"),
        (["text"], "returns a list, not the text"),
        (np.zeros(3), "not the text"),
        (object(), "returns a object, not the text"),
    ],
)
def test_other_texts_and_things_earn_nothing(text, said, here):
    report = EXERCISE.report("relu_kernel", returning(text))
    assert report.earned == 0 and said in repr(report), report


def test_templates_earn_nothing():
    report = EXERCISE.report("relu_kernel", absent)
    assert report.earned == 0 and "not implemented yet" in repr(report)


@pytest.mark.parametrize(
    "body, said, before",
    [
        ("for (;;) { }", "runs without end", ""),
        ("_exit(0);", "ends the process", "#include <unistd.h>"),
        ("*(volatile int *)0 = 1;", "", ""),
        ("raise(SIGSTOP);", "runs without end", "#include <signal.h>"),
    ],
)
def test_a_loop_or_a_crash_costs_seconds_not_the_session(body, said, before, monkeypatch):
    monkeypatch.setattr(launching, "LAUNCH_SECONDS", 1.0)
    monkeypatch.setattr(launching, "ANSWER_SECONDS", 6.0)
    report = EXERCISE.report("relu_kernel", returning(before + RELU % body))
    assert report.earned == 0 and said in repr(report), report


def test_what_a_kernel_starts_ends_with_its_process(tmp_path, monkeypatch):
    monkeypatch.setattr(launching, "LAUNCH_SECONDS", 1.0)
    before = "#include <unistd.h>\n#include <cstdio>\n"
    told = f'FILE *file = fopen("{tmp_path}/child", "w"); fprintf(file, "%d", child); fclose(file);'
    fork = f"int child = fork(); if (!child) for (;;) pause(); {told}"
    body = f"if (blockIdx.x + threadIdx.x == 0) {{ {fork} }} for (;;) {{ }}"
    EXERCISE.report("relu_kernel", returning(before + RELU % body))
    child = int((tmp_path / "child").read_text())

    def ended():
        return not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE

    until = time.monotonic() + 10
    while not ended() and time.monotonic() < until:
        time.sleep(0.05)  # killed, it may still be on its way out
    assert ended()


def test_without_a_compiler_nothing_is_judged(monkeypatch):
    for name in ("PATH", "CXX"):
        monkeypatch.setenv(name, "/nonexistent")
    key = EXERCISE.key_of("relu_kernel", 0)
    with pytest.raises(
        RuntimeError, match="takes a C\\+\\+ compiler, and none was found.*Nothing was counted as wrong"
    ):
        checking.outcomes(key, returning(RELU % ""))


def test_only_definitions_run_while_grading():
    EXERCISE.assert_cells_are_tagged({"setup"})
