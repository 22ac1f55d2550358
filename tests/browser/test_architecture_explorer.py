"""The architecture explorer under a real mouse, keyboard and finger."""

import pytest
from stage import WidgetStage

VIEWPORT = {"width": 1360, "height": 1500}


class Stage(WidgetStage):
    """The widget on the page."""

    PROGRAM = "from cs231n_kit.widgets import ArchitectureExplorer\nwidget = {}"
    ROOT, PLOT = ".cs231n-explorer", ".one:has(.block)"

    def network(self, place=0):
        return self.root.locator(".one").nth(place)

    def block(self, id, place=0):
        return self.network(place).locator(f'[data-id="{id}"]')

    def hit(self, id, place=0):
        """The part of a block that a pointer hits."""
        return self.block(id, place).locator(".hit")

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


def test_two_networks_are_drawn_to_one_scale(notebook):
    stage = Stage(notebook, "ArchitectureExplorer()")
    assert stage.network(0).locator(".heading b").inner_text() == "AlexNet"
    assert "138,357,544 parameters" in stage.network(1).locator(".totals").inner_text()
    assert "89 % of the parameters" in stage.network(1).locator(".sentence").inner_text()

    def area(id, place):
        box = stage.block(id, place).locator(".edge").bounding_box()
        return box["width"] * box["height"]

    dense = area("15-17", 0), area("32-34", 1)  # the first fully connected layers
    assert dense[1] / dense[0] == pytest.approx((25088 + 1) * 4096 / ((9216 + 1) * 4096), rel=0.1)
    stage.root.get_by_role("radio", name="multiply-adds").check(force=True)
    stage.settle()
    assert stage.state["size_by"] == "multiply_adds"
    assert area("2-3", 1) > 5 * area("32-34", 1)
    stage.root.get_by_label("Beside it").select_option("ResNet-18")
    stage.settle()
    assert stage.state["shown"] == ["AlexNet", "ResNet-18"]
    stage.root.get_by_label("Beside it").select_option("none")
    stage.settle()
    assert stage.state["shown"] == ["AlexNet"] and not stage.network(1).is_visible()
    stage.click("Undo")
    assert stage.network(1).locator(".heading b").inner_text() == "ResNet-18"


def test_the_pointer_reads_the_arithmetic_and_the_field(notebook):
    stage = Stage(notebook, "ArchitectureExplorer(shown='AlexNet')")
    card = stage.root.locator(".card")
    assert not card.is_visible()
    stage.hit("0-1").hover()
    assert card.is_visible()
    for where in (".details", ".card"):
        assert stage.text(f"{where} .title") == "AlexNet: Convolution(64, 11, stride=4, pad=2), then ReLU()"
    _, lines = stage.details()
    assert lines["parameters"].startswith("F·F·D₁·K + K = 11·11·3·64 + 64 = 23,296, ")
    assert lines["multiply-adds"].startswith("55·55·64 outputs × 11·11·3 = 70,276,800, ")
    assert lines["output side"].endswith("= 55.25, rounded down: 55")
    seen = stage.root.locator(".looking svg .field").last
    box = [float(seen.get_attribute(name)) for name in ("x", "y", "width", "height")]
    assert box == [27 * 4 - 2, 27 * 4 - 2, 11, 11]
    picture = stage.root.locator(".looking svg")
    place = picture.bounding_box()
    stage.page.mouse.move(2, 2)
    assert not card.is_visible()
    stage.hit("0-1").click()  # chosen, and opened
    stage.settle()
    assert stage.state["selected"] == [0, "0-1"] and stage.block("0").is_visible()
    x, y = place["x"], place["y"]
    stage.drag_mouse((x + place["width"] / 2, y + place["height"] / 2), (x + 1, y + 1), steps=5)
    assert stage.state["unit"] == [0, 0]
    assert stage.text(".looking .hint").startswith(
        "Unit (0, 0) of 55 × 55 sees 11 × 11 pixels, 9 × 9 of them on the image"
    )
    picture.press("ArrowRight")
    stage.settle()
    assert stage.text(".looking .hint").startswith("Unit (0, 1) of 55 × 55")


def test_groups_open_and_close_by_mouse(notebook):
    stage = Stage(notebook, "ArchitectureExplorer(shown='GoogLeNet')")
    before = stage.ids()
    stage.hit("11").click()
    stage.settle()
    assert len(stage.ids()) == len(before) + 8  # four branches with seven blocks, and the place where they join
    assert stage.state["opened"]["GoogLeNet"] == ["4-9", "11-12", "11", "14-20", "22-23"]
    assert stage.block("11").get_attribute("aria-expanded") == "true"
    stage.hit("11.branch1.3-11.branch1.5").hover()
    assert stage.details()[1]["parameters"].startswith("F·F·D₁·K = 3·3·96·128 = 110,592; BatchNorm ")
    stage.hit("11-12").click(position={"x": 12, "y": 8})  # its title
    stage.settle()
    assert stage.state["opened"]["GoogLeNet"] == ["4-9", "14-20", "22-23"] and "11" not in stage.ids()
    stage.network().get_by_role("button", name="Fold all").click()
    stage.settle()
    assert stage.network().locator(".frame").count() == 0
    stage.network().get_by_role("button", name="Stages").click()
    stage.settle()
    assert stage.ids() == before and "GoogLeNet" not in stage.state["opened"]


def test_the_keyboard_walks_opens_and_crosses(notebook):
    stage = Stage(notebook, "ArchitectureExplorer(shown=['ResNet-18', 'AlexNet'])")
    stage.network().get_by_role("button", name="Stages").focus()
    stage.press("Tab")
    assert stage.focused == "0-2"
    stage.press("ArrowRight", "ArrowRight")
    assert stage.focused == "4-6" and stage.state["selected"] == [0, "4-6"]
    assert stage.root.locator(".card").is_visible() and "Stage conv2_x" in stage.text(".card .title")
    stage.press("ArrowRight", "Enter")
    assert stage.focused == "4" and "4.sum" in stage.ids()
    stage.press("ArrowRight", "ArrowRight")
    assert stage.focused == "4.body.3-4.body.4"
    stage.press("Escape")
    assert stage.focused == "4" and "4.sum" not in stage.ids()
    stage.press("End")
    assert stage.focused == "21"
    stage.press("ArrowDown")
    assert stage.page.evaluate("() => document.activeElement.closest('.one').getAttribute('aria-label')") == "AlexNet"
    stage.press("Home", "ArrowLeft")
    assert stage.state["selected"] == [1, "0-1"]
    stage.press("Tab")
    assert stage.page.evaluate("() => document.activeElement.closest('.looking') !== null")
    stage.block("0-1", 1).focus()
    stage.press("Control+z")
    assert "4.sum" in stage.ids() or stage.state["selected"] != [1, "0-1"]


def test_a_finger_chooses_first_and_opens_then(notebook):
    stage = Stage(notebook, "ArchitectureExplorer(shown='ResNet-18')")
    stage.hit("4").tap()
    stage.settle()
    assert stage.state["selected"] == [0, "4"] and stage.state["opened"] == {}
    assert stage.details()[0] == "ResNet-18: Residual block 2a: H(x) = F(x) + x, the shortcut is the identity"
    stage.hit("4").tap()
    stage.settle()
    assert "4" in stage.state["opened"]["ResNet-18"] and "4.sum" in stage.ids()


def test_a_network_of_ones_own_is_typed(notebook):
    stage = Stage(notebook, "ArchitectureExplorer(shown='LeNet-5')")
    box = stage.root.get_by_label("Your own network as text")
    assert not box.is_visible()
    stage.root.get_by_label("Network", exact=True).select_option("your own text")
    stage.settle()
    box.fill("CONV5-8 -> POOL -> FC")
    box.press("Enter")
    stage.settle()
    assert stage.state["text"] == "CONV5-8 -> POOL -> FC"
    assert f"{5 * 5 * 3 * 8 + 8 + (16 * 16 * 8 + 1) * 10:,} parameters" in stage.text(".totals")
    box.fill("CONV5-8->POLL->FC")
    box.press("Enter")
    stage.settle()
    refusal = stage.text(".refusal")
    assert (
        "There is no layer POLL" in refusal and "\n         ^" in refusal and "still CONV5-8 -> POOL -> FC" in refusal
    )
    assert stage.state["text"] == "CONV5-8 -> POOL -> FC" and box.input_value() == "CONV5-8->POLL->FC"
    side = stage.root.get_by_label("Pixels along the side of its images")
    box.fill("[CONV->POOL]*4->FC")
    side.fill("8")
    side.press("Enter")
    stage.settle()
    assert "only 1 × 1 are left" in stage.text(".refusal")
    side.fill("64")
    side.press("Enter")
    stage.settle()
    assert not stage.root.locator(".refusal").is_visible() and stage.state["side"] == 64


def test_times_are_measured_on_demand(notebook):
    stage = Stage(notebook, "ArchitectureExplorer({'tiny': 'CONV->RELU->POOL->FC'}, size_by='time')")
    assert "tiny: not measured yet" in stage.text(".measuring") and "core" in stage.text(".measuring")
    assert stage.text(".legend").startswith("time: not measured yet")
    stage.root.get_by_role("button", name="Measure").click()
    stage.root.locator(".measuring", has_text="Median of 5 forward passes").wait_for(timeout=30_000)
    stage.settle()
    seconds = stage.notebook.value("widget.seconds")
    assert list(seconds["tiny"]) == ["0", "1", "2", "3", "4"]
    stage.hit("0-1").hover()
    assert "of the network's" in stage.details()[1]["time"]
    assert stage.root.get_by_role("button", name="Measure again").is_enabled()


def test_python_leads_and_a_wrong_state_is_refused(notebook):
    stage = Stage(notebook, "ArchitectureExplorer(shown='LeNet-5')")
    notebook.execute("widget.change(shown=['AlexNet'], opened={'AlexNet': []}, size_by='memory')")
    stage.page.wait_for_function(
        "() => document.querySelector('.cs231n-explorer .heading b').textContent === 'AlexNet'"
    )
    stage.settle()
    assert stage.network().locator(".frame").count() == 0
    stage.click("Reset")
    assert stage.state == notebook.value("widget._setup['initial']")


def test_both_themes_can_be_read_and_narrow_windows_scroll_inside(notebook, pictures):
    for name, source in SHOWN.items():
        stage = Stage(notebook, f"ArchitectureExplorer({source})")
        stage.page.mouse.move(2, 2)
        stage.root.screenshot(path=pictures / f"explorer-{name}.png")
    for theme in ("JupyterLab Light", "JupyterLab Dark"):
        notebook.theme(theme)
        stage.settle()
        for text in (".heading", ".sentence", ".looking .hint", ".shares .hint", "dd", "dt", "td", "th", ".label",
                     ".title", ".toolbar button:enabled", ".small", ".kind"):  # fmt: skip
            assert notebook.contrast(f".cs231n-explorer {text}") >= 4.5, (theme, text)
        stage.hit("8", 1).hover()
        assert stage.root.locator(".card").is_visible()
        stage.page.screenshot(path=pictures / f"explorer-{theme.split()[1].lower()}.png")
        stage.page.mouse.move(2, 2)
    notebook.theme("JupyterLab Light")
    stage.page.set_viewport_size({"width": 620, "height": 1500})
    stage.settle()
    stage.page.wait_for_function("() => document.querySelector('.cs231n-explorer').clientWidth < 500")
    stage.settle()
    assert stage.root.evaluate("root => root.scrollWidth <= root.clientWidth")
    assert stage.network(1).locator(".paper").evaluate("paper => paper.scrollWidth > paper.clientWidth")
    stage.root.screenshot(path=pictures / "explorer-narrow.png")
    stage.block("0-2", 1).focus()
    stage.press("End")
    inside = "paper => paper.scrollLeft > 0"
    assert stage.network(1).locator(".paper").evaluate(inside)
    stage.page.set_viewport_size({"width": 1360, "height": 1500})


SHOWN = {
    "parameters": "",
    "multiply-adds": "size_by='multiply_adds'",
    "googlenet": "shown='GoogLeNet', opened={'GoogLeNet': ['inception 3', 'inception 4', 'inception 5', '3a']}",
    "resnets": "shown=['ResNet-18', 'ResNet-50'], size_by='memory'",
}
