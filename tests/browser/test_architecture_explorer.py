"""The architecture explorer under a real mouse, keyboard and finger."""

import pytest


class Stage:
    """The widget on the page."""

    def __init__(self, notebook, source):
        self.notebook, self.page = notebook, notebook.page
        notebook.run(f"from cs231n_kit.widgets import ArchitectureExplorer\nwidget = {source}\nwidget")
        self.root = self.page.locator(".cs231n-explorer").first
        self.root.locator(".block").first.wait_for()
        self.settle()

    def settle(self):
        """Wait until Python has answered everything."""
        self.page.wait_for_selector('.cs231n-explorer[aria-busy="false"]')
        self.page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def network(self, place=0):
        return self.root.locator(".one").nth(place)

    def block(self, id, place=0):
        return self.network(place).locator(f'[data-id="{id}"]')

    def ids(self, place=0):
        return self.network(place).locator("[data-id]").evaluate_all("nodes => nodes.map(node => node.dataset.id)")

    def press(self, *keys):
        for key in keys:
            self.page.keyboard.press(key)
            self.settle()

    @property
    def focused(self):
        return self.page.evaluate("() => document.activeElement.dataset.id ?? null")

    def details(self):
        """The title, and {what: text} of the block that is told about."""
        panel = self.root.locator(".details")
        names, texts = (panel.locator(tag).all_text_contents() for tag in ("dt", "dd"))
        return panel.locator(".title").inner_text(), dict(zip(names, texts, strict=True))

    def text(self, selector):
        return self.root.locator(selector).first.inner_text()

    @property
    def state(self):
        return self.notebook.value("widget.state")


@pytest.fixture(scope="module")
def notebook(open_notebook):
    opened = open_notebook(has_touch=True, viewport={"width": 1360, "height": 1500})
    yield opened
    assert opened.console == []


def test_screenshots(notebook, pictures):
    """Both themes can be read, and a narrow window scrolls inside the widget's own frame."""
    for name, source in SHOWN.items():
        stage = Stage(notebook, f"ArchitectureExplorer({source})")
        stage.page.mouse.move(2, 2)
        stage.root.screenshot(path=pictures / f"explorer-{name}.png")
    notebook.theme("JupyterLab Dark")
    stage.settle()
    stage.root.screenshot(path=pictures / "explorer-dark.png")
    notebook.theme("JupyterLab Light")


SHOWN = {
    "parameters": "",
    "multiply-adds": "size_by='multiply_adds'",
    "googlenet": "shown='GoogLeNet', opened={'GoogLeNet': ['inception 3', 'inception 4', 'inception 5', '3a']}",
    "resnets": "shown=['ResNet-18', 'ResNet-50'], size_by='memory'",
}
