"""One thread for PyTorch, and a summary of how closely the kit agrees with it."""

import torch
from torch_checks import largest_differences

torch.set_num_threads(1)


def pytest_terminal_summary(terminalreporter):
    if not largest_differences:
        return
    terminalreporter.section(f"largest differences from PyTorch {torch.__version__}, as shares of the largest element")
    names = ("float64", "float32")
    tests = dict.fromkeys(test for test, _ in largest_differences)
    width = 2 + max(map(len, tests))
    for test in tests:
        found = [largest_differences.get((test, name)) for name in names]
        columns = [f"{name} {value:.0e}" if value is not None else "" for name, value in zip(names, found, strict=True)]
        terminalreporter.write_line(f"{test:<{width}}{columns[0]:<16}{columns[1]}".rstrip())
