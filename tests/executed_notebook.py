"""What holds of every notebook after its run, wherever it ran: nothing failed, complained or stayed hidden."""

import re

COMPILING = re.compile(r"Compiling .* for this machine \(once\) \.\.\. \d+ s\n")  # what a new machine says


def outputs(notebook, *kinds):
    return [output for cell in notebook.cells for output in cell.get("outputs", []) if output.output_type in kinds]


def printed(notebook, name="stdout"):
    return "".join(output.text for output in outputs(notebook, "stream") if output.name == name)


def assert_ran_clean(notebook):
    assert outputs(notebook, "error") == []
    assert COMPILING.sub("", printed(notebook, "stderr")) == ""
    for output in outputs(notebook, "display_data", "execute_result"):
        assert "image/png" in output.data or "<Figure" not in output.data.get("text/plain", ""), (
            "a figure shown as its name"
        )


def assert_lecture_ran_clean(notebook, source):
    """Without a complaint, on "cifar10" or "digits", which it says, and with still pictures for print."""
    assert_ran_clean(notebook)
    line = next(line for line in printed(notebook).splitlines() if line.startswith("Data in this lecture:"))
    assert ("CIFAR-10" in line) == (source == "cifar10") and ("Digits" in line) == (source == "digits")
    assert ("instead of CIFAR-10" in printed(notebook)) == (source == "digits"), "no silent swaps"
    shown = outputs(notebook, "display_data", "execute_result")
    assert sum("image/png" in output.data for output in shown) > 7, "live figures carry a still picture"
