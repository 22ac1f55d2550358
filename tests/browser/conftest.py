"""JupyterLab in a real browser: a server for the session, and notebooks opened, run and questioned."""

import ast
import contextlib
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import nbformat
import pytest
from executed_notebook import assert_lecture_ran_clean

from cs231n_kit import doctor

KERNEL = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
SETTINGS = {
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
    "@jupyterlab/notebook-extension:tracker": {"windowingMode": "none"},  # every output exists, seen or not
}
FLAGS = (
    "--no-sandbox --disable-gpu --disable-background-networking --disable-component-update "
    "--disable-sync --no-first-run"
).split()


class Lab:
    """A running JupyterLab server whose files lie in ``folder``."""

    def __init__(self, url, folder, runtime):
        self.url, self.folder, self.runtime = url, folder, runtime

    def delete(self, path):
        request = urllib.request.Request(f"{self.url}/{path}", method="DELETE")
        urllib.request.urlopen(request, timeout=30).close()

    def get(self, path):
        with urllib.request.urlopen(f"{self.url}/{path}", timeout=10) as answer:
            return json.load(answer)


NAME_CELLS = """() => {
    for (const cell of window.jupyterapp.shell.currentWidget.content.widgets) cell.node.dataset.cell = cell.model.id;
}"""

# The least contrast of any text that a selector finds with what lies behind it, as WCAG 2 defines it.
CONTRAST = """selector => {
    const luminance = color => color.match(/[\\d.]+/g).slice(0, 3).map(part => part / 255)
        .map(part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
        .reduce((sum, part, i) => sum + part * [0.2126, 0.7152, 0.0722][i], 0);
    const behind = node => {
        const color = getComputedStyle(node).backgroundColor;
        return /, 0\\)$|transparent/.test(color) ? behind(node.parentElement) : color;
    };
    const nodes = [...document.querySelectorAll(selector)];
    if (!nodes.length) throw new Error(`nothing on the page is ${selector}`);
    return Math.min(...nodes.map(node => {
        const style = getComputedStyle(node), ink = node instanceof SVGElement ? style.fill : style.color;
        const [a, b] = [luminance(ink), luminance(behind(node))];
        return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    }));
}"""


class Notebook:
    """A notebook open in JupyterLab, and a second line to its kernel."""

    def __init__(self, lab, page, path):
        self.lab, self.page, self.path = lab, page, path
        self.console = []
        page.on("pageerror", lambda error: self.console.append(str(error)))
        page.on("console", lambda line: line.type == "error" and self.console.append(line.text))

    def open(self):
        workspace = Path(self.path).stem
        self.page.goto(f"{self.lab.url}/lab/workspaces/{workspace}/tree/{self.path}")
        self.wait_idle(60)
        self.session = session = next(item for item in self.lab.get("api/sessions") if item["path"] == self.path)
        from jupyter_client import BlockingKernelClient

        self.client = BlockingKernelClient()
        self.client.load_connection_file(str(self.lab.runtime / f"kernel-{session['kernel']['id']}.json"))
        self.client.start_channels()
        self.client.wait_for_ready(timeout=30)
        return self

    def wait_idle(self, seconds):
        """Wait until the kernel has started and has nothing to do."""
        self.page.wait_for_function(
            """() => {
                const panel = window.jupyterapp?.shell.currentWidget;
                return panel?.sessionContext?.session?.kernel?.status === "idle" && panel.content?.widgets.length;
            }""",
            timeout=1000 * seconds,
        )

    def run_all(self, seconds=120):
        """Run every cell, top to bottom; returns the error outputs as ``["NameError: ...", ...]``."""
        self.page.set_default_timeout(1000 * seconds)
        self.page.evaluate("() => window.jupyterapp.commands.execute('notebook:run-all-cells')")
        self.wait_idle(seconds)
        self.page.set_default_timeout(10_000)
        self.page.evaluate(NAME_CELLS)
        return self.errors()

    def cell(self, name):
        """The cell with this id, once all have been run."""
        return self.page.locator(f'[data-cell="{name}"]')

    def assert_shows_everything(self):
        """Every live figure has its picture, every widget is displayed, and the browser complains of nothing."""
        broken = "() => [...document.querySelectorAll('img.widget-image')].filter(image => !image.naturalWidth).length"
        assert self.page.evaluate(broken) == 0
        assert self.page.get_by_text("Error displaying widget").count() == 0
        assert self.console == []

    def outcome(self):
        """The notebook with its outputs, as the page has it."""
        page = "() => JSON.stringify(window.jupyterapp.shell.currentWidget.content.model.toJSON())"
        return nbformat.reads(self.page.evaluate(page), 4)

    def errors(self):
        return self.page.evaluate(
            """() => window.jupyterapp.shell.currentWidget.content.widgets.flatMap(cell =>
                (cell.model.sharedModel.outputs ?? []).filter(output => output.output_type === "error")
                    .map(output => `${output.ename}: ${output.evalue}`))"""
        )

    def run(self, source):
        """Replace the notebook by one cell with this source, and run it."""
        self.page.evaluate(
            """source => {
                const panel = window.jupyterapp.shell.currentWidget;
                panel.content.model.sharedModel.transact(() => {
                    const cells = panel.content.model.sharedModel;
                    cells.deleteCellRange(0, cells.cells.length);
                    cells.insertCell(0, {cell_type: "code", source, metadata: {trusted: true}});
                });
                panel.content.activeCellIndex = 0;
                return window.jupyterapp.commands.execute("notebook:run-cell");
            }""",
            source,
        )
        assert self.errors() == []

    def value(self, expression):
        """A plain Python value from the kernel."""
        reply = self.client.execute_interactive(
            "pass", silent=True, user_expressions={"value": f"repr({expression})"}, timeout=20
        )
        answer = reply["content"]["user_expressions"]["value"]
        assert answer["status"] == "ok", answer
        return ast.literal_eval(ast.literal_eval(answer["data"]["text/plain"]))

    def execute(self, source):
        """Run code in the kernel, beside the notebook."""
        reply = self.client.execute_interactive(source, silent=True, timeout=20)
        assert reply["content"]["status"] == "ok", reply["content"]

    def contrast(self, selector):
        """The least contrast of a text that the selector finds: at least 4.5 can be read well, 3 if it is bold."""
        return self.page.evaluate(CONTRAST, selector)

    def theme(self, name):
        """Switch to "JupyterLab Light" or "JupyterLab Dark"."""
        self.page.evaluate("theme => window.jupyterapp.commands.execute('apputils:change-theme', {theme})", name)
        self.page.wait_for_function("theme => document.body.dataset.jpThemeName === theme", arg=name)

    def close(self):
        if hasattr(self, "client"):
            self.client.stop_channels()
        self.page.context.close()
        if hasattr(self, "session"):
            self.lab.delete(f"api/sessions/{self.session['id']}")  # and its kernel


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Where screenshots go: $CS231N_SCREENSHOTS, else a temporary folder."""
    folder = Path(os.environ.get("CS231N_SCREENSHOTS") or tmp_path_factory.mktemp("screenshots"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    """A JupyterLab of this Python, on a free port, with all its files in temporary folders."""
    folder = tmp_path_factory.mktemp("lab")
    places = {name: tmp_path_factory.mktemp(name.lower()) for name in ("CONFIG_DIR", "DATA_DIR", "RUNTIME_DIR")}
    environment = {**os.environ, **{f"JUPYTER_{name}": str(path) for name, path in places.items()}}
    environment |= {"IPYTHONDIR": str(tmp_path_factory.mktemp("ipython")), "JUPYTER_PLATFORM_DIRS": "1"}
    overrides = places["CONFIG_DIR"] / "labconfig" / "default_setting_overrides.json"
    overrides.parent.mkdir()
    overrides.write_text(json.dumps(SETTINGS))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = folder.parent / "lab.log"
    options = [
        f"--ServerApp.root_dir={folder}",
        f"--ServerApp.port={port}",
        "--ServerApp.ip=127.0.0.1",
        "--ServerApp.port_retries=0",
        "--IdentityProvider.token=",
        "--ServerApp.disable_check_xsrf=True",
        "--ServerApp.open_browser=False",
        "--ServerApp.allow_root=True",
        "--LabApp.expose_app_in_browser=True",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]
    with log.open("w") as output:
        command = [sys.executable, "-m", "jupyterlab", *options]
        server = subprocess.Popen(command, env=environment, stdout=output, stderr=output, cwd=folder)
    running = Lab(f"http://127.0.0.1:{port}", folder, places["RUNTIME_DIR"])
    try:
        _wait_for(running, server, log)
        yield running
    finally:
        server.terminate()
        try:
            server.wait(15)
        except subprocess.TimeoutExpired:
            server.kill()


def _wait_for(running, server, log, seconds=60):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if server.poll() is not None:
            break
        with contextlib.suppress(OSError):
            return running.get("api/status")
        time.sleep(0.1)
    pytest.fail(f"JupyterLab did not start:\n{log.read_text()[-3000:]}")


@pytest.fixture(scope="module")
def chromium():
    """One Chromium for a module: Playwright's event loop runs on meanwhile, and other modules need their own."""
    from playwright.sync_api import sync_playwright

    path = doctor.find_browser() or pytest.fail(f"no Chromium for the browser tests; run: {doctor.browser_command()}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, headless=True, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def open_notebook(lab, chromium):
    """``open_notebook(path=None, **page_options) -> Notebook``: open, its kernel idle.

    The notebook is a copy; without a path it is a new one. Page options are those of Playwright's contexts.
    """
    opened = []

    def open_copy(path=None, **page_options):
        notebook = nbformat.read(path, 4) if path else nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell()])
        notebook.metadata.setdefault("kernelspec", KERNEL)
        name = f"{len(list(lab.folder.iterdir()))}-{Path(path or 'empty.ipynb').name}"
        nbformat.write(notebook, lab.folder / name)
        options = {"viewport": {"width": 1360, "height": 1000}, **page_options}
        page = chromium.new_context(**options).new_page()
        page.set_default_timeout(10_000)
        opened.append(Notebook(lab, page, name))
        return opened[-1].open()

    yield open_copy
    for notebook in opened:
        notebook.close()


@pytest.fixture(scope="module")
def notebook(request, open_notebook):
    """An empty notebook for the widgets of a test module, which may name its VIEWPORT; the browser never complains."""
    viewport = getattr(request.module, "VIEWPORT", {"width": 1360, "height": 1000})
    opened = open_notebook(has_touch=True, permissions=["clipboard-read", "clipboard-write"], viewport=viewport)
    yield opened
    assert opened.console == []


@pytest.fixture(scope="module")
def lecture(request, open_notebook):
    """The notebook that the test module names as LECTURE, run from top to bottom, without a complaint."""
    notebook = open_notebook(request.module.LECTURE)
    assert notebook.run_all(300) == []
    assert_lecture_ran_clean(notebook.outcome(), "cifar10")
    return notebook


def pytest_collection_modifyitems(items):
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


def pytest_terminal_summary(terminalreporter):
    """Print what the browser tests measured (they record it with ``record_property``)."""
    for report in terminalreporter.getreports("passed"):
        for name, value in report.user_properties:
            if name.startswith("measured"):
                terminalreporter.write_line(f"{name}: {value}")
