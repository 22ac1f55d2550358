"""The front page and lecture 02 in JupyterLab: they run, sliders redraw the pictures, both themes can be read."""

import shutil
import statistics
from pathlib import Path

import pytest

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
LECTURE = NOTEBOOKS / "02_image_classification.ipynb"

# Presses a key on a slider and waits for the new picture; also watches that the old one stays until then.
PRESS_AND_TIME = """async ([cell, label, key]) => {
    const find = selector => document.querySelector(`[data-cell="${cell}"] ${selector}`);
    const image = find("img.widget-image");
    const slider = [...document.querySelectorAll(`[data-cell="${cell}"] .widget-slider`)]
        .find(widget => widget.textContent.includes(label));
    const handle = slider.querySelector("[role=slider]");
    handle.focus();
    let lowest = image.getBoundingClientRect().height, waiting = true;
    const watch = () => {
        lowest = Math.min(lowest, image.getBoundingClientRect().height);
        if (waiting) requestAnimationFrame(watch);
    };
    watch();
    const start = performance.now();
    await new Promise((done, failed) => {
        setTimeout(() => failed(new Error("the picture did not change")), 10000);
        image.addEventListener("load", done, {once: true});
        handle.dispatchEvent(new KeyboardEvent("keydown", {key, bubbles: true, cancelable: true}));
    });
    const milliseconds = performance.now() - start;
    await new Promise(requestAnimationFrame);
    waiting = false;
    return {milliseconds, lowest, height: image.getBoundingClientRect().height};
}"""


def sentence(notebook, name):
    return notebook.cell(name).locator("[role=status]")


def source(notebook, name):
    return notebook.cell(name).locator("img.widget-image").get_attribute("src")


def wait_for_text(notebook, name, text):
    sentence(notebook, name).filter(has_text=text).wait_for()


def test_every_live_figure_has_its_picture(lecture):
    assert lecture.page.locator("img.widget-image").count() >= 9
    lecture.assert_shows_everything()


def test_arrow_keys_move_a_slider_and_the_picture_follows(lecture, record_property):
    first = source(lecture, "gap-sliders")
    wait_for_text(lecture, "gap-sliders", "0 of 3,072 numbers changed")
    moves = [lecture.page.evaluate(PRESS_AND_TIME, ["gap-sliders", "Light", "ArrowLeft"]) for _ in range(8)]
    assert source(lecture, "gap-sliders") != first
    wait_for_text(lecture, "gap-sliders", "numbers changed (100%)")
    for move in moves:
        assert move["lowest"] == move["height"] > 200, "the picture must not collapse while it is being replaced"
    median = statistics.median(move["milliseconds"] for move in moves)
    record_property("measured: semantic gap, key to new picture, median of 8", f"{median:.0f} ms")


def test_dragging_ends_at_the_newest_position(lecture):
    wait_for_text(lecture, "axes-slider", "Axes turned by 45°")
    handle = lecture.cell("axes-slider").locator("[role=slider]")
    handle.scroll_into_view_if_needed()
    box = handle.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    lecture.page.mouse.move(x, y)
    lecture.page.mouse.down()
    for step in range(1, 41):
        lecture.page.mouse.move(x + 6 * step, y)
    lecture.page.mouse.up()
    wait_for_text(lecture, "axes-slider", "Axes turned by 90°: the label changed on 0.0 % of the plane for L1")


def test_lists_and_reset(lecture):
    page, name = lecture.page, "neighbour-sliders"
    start = sentence(lecture, name).text_content()
    assert start.startswith("L2, k = 5")
    lecture.cell(name).locator("select").select_option("L1")
    wait_for_text(lecture, name, "L1, k = 5")
    page.evaluate(PRESS_AND_TIME, [name, "New image", "ArrowRight"])
    lecture.cell(name).get_by_role("button", name="Reset").click()
    wait_for_text(lecture, name, "L2, k = 5")
    assert sentence(lecture, name).text_content() == start


def test_templates_and_features(lecture):
    """The second half: a template laid over an image, and coordinates in which a line separates."""
    start = sentence(lecture, "template-sliders").text_content()
    lecture.cell("template-sliders").locator("select").select_option("horse")
    wait_for_text(lecture, "template-sliders", "give horse the score")
    assert sentence(lecture, "template-sliders").text_content() != start
    features = lecture.cell("feature-sliders").locator("select").nth(1)
    features.select_option("polar: distance, angle")
    wait_for_text(lecture, "feature-sliders", "100.0% of the points")
    lecture.cell("feature-sliders").locator("select").nth(0).select_option("exclusive or")
    wait_for_text(lecture, "feature-sliders", "exclusive or, polar: distance, angle")
    assert "100.0%" not in sentence(lecture, "feature-sliders").text_content()
    features.select_option("product: x₁, 3 x₁x₂")
    wait_for_text(lecture, "feature-sliders", "100.0% of the points")
    own = lecture.cell("own-features").locator(".cs231n-boundary")
    canvas = own.locator(".plot")
    canvas.scroll_into_view_if_needed()
    label = canvas.get_attribute("aria-label")
    box = canvas.bounding_box()
    lecture.page.mouse.click(box["x"] + 12, box["y"] + 12)
    lecture.page.wait_for_function("([node, old]) => node.ariaLabel !== old", arg=[canvas.element_handle(), label])
    own.and_(lecture.page.locator('[aria-busy="false"]')).wait_for()
    assert not own.locator(".error").is_visible()


def test_controls_can_be_reached_and_are_named(lecture):
    unnamed = lecture.page.evaluate(
        """() => [...document.querySelectorAll(".widget-slider")]
            .filter(slider => slider.querySelector("[role=slider]").tabIndex < 0
                || !slider.querySelector("label")?.textContent.trim()).length"""
    )
    assert unnamed == 0


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_readable_in_both_themes(lecture, theme, pictures):
    lecture.theme(theme)
    for name in (
        "gap-sliders",
        "neighbour-sliders",
        "axes-slider",
        "choosing-sliders",
        "misleading-sliders",
        "template-sliders",
        "ring-plane",
        "feature-sliders",
        "own-features",
    ):
        place = lecture.cell(name)
        place.scroll_into_view_if_needed()
        place.screenshot(path=pictures / f"lecture-{theme.split()[-1].lower()}-{name}.png")
    assert lecture.contrast("[role=status], .widget-label") >= 4.5


def test_front_page_leads_to_the_lecture(open_notebook, lab, pictures):
    shutil.copy(LECTURE, lab.folder)
    front = open_notebook(NOTEBOOKS / "00_start_here.ipynb")
    assert front.run_all() == []
    front.page.get_by_role("heading", name="Lectures and assignments").scroll_into_view_if_needed()
    front.page.screenshot(path=pictures / "front-page.png")
    front.page.locator(".jp-RenderedMarkdown a", has_text="Lecture 02").first.click()
    front.page.wait_for_function(
        "name => window.jupyterapp.shell.currentWidget?.context?.path === name", arg=LECTURE.name
    )
