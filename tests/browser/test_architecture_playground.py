"""The architecture playground under a real mouse and keyboard, while it trains."""

import base64
import io
import os
import time

import numpy as np
from PIL import Image
from stage import WidgetStage

TEXT = "CONV->RELU->POOL->FC"
VIEWPORT = {"width": 1500, "height": 1500}


class Stage(WidgetStage):
    """The playground on the page."""

    PROGRAM = (
        "from cs231n_kit.datasets import load\nfrom cs231n_kit.widgets import ArchitecturePlayground\n"
        "widget = ArchitecturePlayground(load('digits', 500), {})"
    )
    ROOT, PLOT = ".cs231n-architecture", ".plot-focus"

    def type(self, text):
        self.root.locator(".architecture").fill(text)
        self.page.keyboard.press("Enter")
        self.settle()

    def rows(self):
        return self.root.locator(".layers tbody tr").count()

    def pixels(self, selector):
        """What a canvas shows, uint8 (height, width, 3)."""
        return np.round(255 * self.picture(self.root.locator(selector).first)).astype(np.uint8)

    def give(self, name, content):
        self.root.locator("input.file").set_input_files({"name": name, "mimeType": "", "buffer": content})


def png(image, **options):
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "png", **options)
    return buffer.getvalue()


def test_it_trains_pauses_steps_and_starts_anew(notebook, record_property):
    stage = Stage(notebook, f"architecture='{TEXT}', filters=4")
    assert "Not trained yet" in stage.text(".state")
    first = stage.pixels(".filters canvas")
    started = time.monotonic()
    stage.click("Train")
    stage.wait_for_step(40)
    assert notebook.value("1 + 1") == 2  # the kernel is free meanwhile
    assert stage.root.locator(".state").get_attribute("data-state") == "on"
    stage.click("Pause")
    seconds = time.monotonic() - started
    steps = stage.value("widget.step_count")
    record_property(
        "measured architecture playground, one convolution on digits",
        f"{steps / seconds:.0f} updates a second; load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores",
    )
    assert stage.shown_step() == steps and not stage.value("widget.running")
    time.sleep(0.3)
    assert stage.value("widget.step_count") == steps
    assert "Paused" in stage.text(".state") and not np.array_equal(stage.pixels(".filters canvas"), first)
    accuracy = stage.value("widget.history[-1].validation_accuracy")
    assert f"validation {100 * accuracy:.1f} %" in stage.root.locator(".curves").nth(1).inner_text()
    stage.root.locator(".plot-focus").focus()
    stage.page.keyboard.press("s")
    stage.settle()
    assert stage.value("widget.step_count") == steps + 1 == stage.shown_step()
    stage.page.keyboard.press("Space")
    stage.wait_for_step(steps + 3)
    stage.page.keyboard.press("Space")
    stage.settle()
    assert not stage.value("widget.running")
    stage.click("Start anew")
    assert stage.shown_step() == 0 and np.array_equal(stage.pixels(".filters canvas"), first)


def test_a_text_becomes_a_table_or_is_explained_at_its_place(notebook):
    stage = Stage(notebook, f"architecture='{TEXT}', filters=4")
    stage.click("Step")
    stage.type("[[CONV->RELU]*2->POOL]*2->[FC->RELU]*1->FC")
    assert stage.rows() == 1 + 14 == 1 + len(stage.value("widget.network.summary().rows and [0] * 14"))
    total = stage.value("widget.network.summary().parameters")
    assert f"{total:,}" in stage.text(".layers tfoot")
    stage.click("Step")
    stage.type("[[CONV->RELU]*2->POL]*2->FC")
    assert stage.text(".refusal mark") == "POL" and "There is no layer POL" in stage.text(".refusal")
    assert "still [[CONV->RELU]*2->POOL]*2" in stage.text(".refusal")
    assert stage.value("widget.step_count") == 1 and stage.shown_step() == 1  # the network is not lost
    stage.type("[[CONV->RELU]*2->POOL]*5->FC")
    assert "MaxPool(2) in row 19" in stage.text(".layers .broken") and stage.rows() == 1 + 19 + 1
    stage.root.locator(".architecture").press("Escape")
    stage.settle()
    assert stage.rows() == 15 and not stage.root.locator(".refusal").is_visible()
    assert stage.root.locator(".architecture").input_value() == stage.value("widget.architecture")
    stage.type("CONV-2000->[CONV-2000->RELU]*2->POOL->FC")
    assert "too much to train here" in stage.text(".refusal") and stage.rows() == 1 + 8
    assert stage.root.get_by_role("button", name="Train", exact=True).is_disabled()
    stage.click("Undo")
    assert stage.rows() == 15
    stage.select("Networks to try", "A linear classifier")
    assert stage.value("widget.architecture") == "FC" and "template" in stage.text(".lesson .text")
    assert stage.root.locator(".filters .map").count() == 10


def test_looking_into_layers_images_and_gradients(notebook):
    stage = Stage(notebook, f"architecture='{TEXT}', filters=4")
    stage.click("Convolution(4, 3, pad=1)")
    assert stage.value("widget.layer") == "0" and stage.root.locator(".maps .map").count() == 4
    stage.page.keyboard.press("ArrowDown")
    stage.page.keyboard.press("ArrowDown")
    stage.settle()
    assert stage.value("widget.layer") == "2" and "2 MaxPool(2)" in stage.text(".maps .title")
    maps = stage.value("widget.look().activations['2'].tolist()")
    assert stage.pixels(".maps canvas").shape[:2] == np.shape(maps)[1:]
    red = stage.pixels(".maps canvas")[..., 2] < 128  # what is far above 0
    top = np.array(maps[0]) / np.max(maps[0])
    assert red[top > 0.9].all() and not red[top < 0.3].any()
    stage.page.keyboard.press("g")
    stage.select("Gradients of", "the score of 7")
    assert (stage.value("widget.gradients"), stage.value("widget.of")) == (True, 7)
    assert "Gradients of the score of 7 at 2 MaxPool(2)" in stage.text(".maps .title")
    stage.click("input")
    assert stage.root.locator(".maps .map").count() == 1
    stage.page.keyboard.press("n")
    stage.settle()
    assert stage.value("widget.image") == 1
    assert np.array_equal(stage.pixels(".image")[..., 0], stage.value("widget.data.X_val[1, ..., 0].tolist()"))
    stage.select("Class", "3")
    assert stage.value("int(widget.data.y_val[widget.image])") == 3 and "3" in stage.text("figcaption")
    shown = [int(text.split("\n")[-1].removesuffix(" %")) for text in stage.root.locator(".guess").all_inner_texts()]
    assert shown == [round(100 * share) for share in stage.value("widget.look().probabilities.tolist()")]


def test_an_own_image_is_chosen_dropped_or_refused(notebook):
    stage = Stage(notebook, f"architecture='{TEXT}', filters=4")
    picture = np.zeros((300, 500, 3), np.uint8)
    picture[:, 100:250] = 255  # white is the left half of the middle square
    stage.give("picture.png", png(picture))
    stage.page.wait_for_function(
        "() => document.querySelector('.cs231n-architecture figcaption').textContent === 'your image'"
    )
    stage.settle()
    assert stage.value("widget.image") == -1
    shown = np.array(stage.value("widget.pixels()[..., 0].tolist()"))
    assert (shown[:, :3] > 250).all() and (shown[:, 5:] < 5).all()
    assert np.array_equal(stage.pixels(".image")[..., 0], shown)
    refused = stage.root.locator(".photograph .error")
    stage.give("notes.txt", b"no image at all")
    refused.wait_for()
    assert "notes.txt is no image that the browser can read" in refused.inner_text()
    assert stage.value("widget.image") == -1
    drop = """([root, text]) => {
        const bytes = Uint8Array.from(atob(text), letter => letter.charCodeAt(0));
        const data = new DataTransfer();
        data.items.add(new File([bytes], "dropped.png", {type: "image/png"}));
        root.dispatchEvent(new DragEvent("drop", {dataTransfer: data, bubbles: true, cancelable: true}));
    }"""
    content = base64.b64encode(png(np.full((8, 8), 77, np.uint8))).decode()
    stage.page.evaluate(drop, [stage.root.element_handle(), content])
    stage.page.wait_for_function(
        "() => document.querySelector('.cs231n-architecture .status').textContent.includes('dropped.png')"
    )
    stage.settle()
    assert stage.value("widget.pixels().ravel().tolist()") == [77] * 64 and not refused.is_visible()
    stage.page.evaluate(
        "root => root.dispatchEvent(new DragEvent('drop', {dataTransfer: new DataTransfer(), cancelable: true}))",
        stage.root.element_handle(),
    )
    assert "That was no file" in refused.inner_text()


def test_both_themes_a_narrow_window_the_state_and_the_program(notebook, pictures):
    stage = Stage(notebook, f"architecture='{TEXT}', filters=4")
    stage.click("Step")
    stage.root.get_by_text("Show me the code").click()
    stage.page.wait_for_function(
        "() => document.querySelector('.cs231n-architecture .code pre').textContent.includes('trange(1, ')"
    )
    assert stage.text(".code pre").strip() == stage.value("widget.code()").strip()
    stage.click("Copy state")
    assert 'ArchitecturePlayground(data, state="…")' in stage.text(".status")
    assert stage.page.evaluate("navigator.clipboard.readText()") == stage.value("widget.state_string")
    stage.type("CONV->POL->FC")
    curves = []
    for theme in ("Light", "Dark"):
        notebook.theme(f"JupyterLab {theme}")
        stage.settle()
        curves.append(stage.root.locator(".curve").first.evaluate("canvas => canvas.toDataURL()"))
        stage.root.screenshot(path=pictures / f"architecture-playground-{theme.lower()}.png")
        for selector in (
            ".refusal pre",
            ".refusal mark",
            ".counter",
            ".table .hint",
            ".layers td",
            ".layers th",
            ".layers .name",
            ".numbers span",
            ".guess .value",
            "figcaption",
            ".maps .title",
            "legend",
        ):
            assert notebook.contrast(f"{Stage.ROOT} {selector}") >= 4.5, (theme, selector)
    assert curves[0] != curves[1]  # drawn again, in the theme's colours
    notebook.theme("JupyterLab Light")
    stage.page.set_viewport_size({"width": 900, "height": 1000})
    stage.settle()
    box, inner = stage.root.bounding_box(), stage.root.evaluate("root => root.scrollWidth")
    assert box["width"] < 600 and inner <= box["width"] + 1
    stage.root.screenshot(path=pictures / "architecture-playground-narrow.png")
    stage.page.set_viewport_size({"width": 1500, "height": 1500})
