"""The character playground under a real mouse and keyboard, while it trains."""

import re

import numpy as np
import pytest
from stage import WidgetStage

VIEWPORT = {"width": 1400, "height": 1400}


class Stage(WidgetStage):
    """The playground on the page."""

    PROGRAM = "from cs231n_kit.widgets import CharacterPlayground\nwidget = CharacterPlayground({})"
    ROOT, PLOT = ".cs231n-characters", ".writing"

    def learn(self, text):
        self.root.locator(".text-box").fill(text)
        self.page.keyboard.press("Control+Enter")
        self.settle()


def test_it_trains_pauses_steps_and_writes_as_python_does(notebook):
    stage = Stage(notebook, "preset='word'")
    before = stage.text(".sample")
    stage.root.get_by_role("button", name="Train", exact=True).click()
    stage.wait_for_step(150)
    assert notebook.value("1 + 1") == 2  # the kernel is free meanwhile
    stage.click("Pause")
    steps = stage.value("widget.step_count")
    assert stage.shown_step() == steps and not stage.value("widget.running")
    assert stage.text(".sample") == stage.value("widget.prefix + widget.write()").strip() != before
    stage.click("Step")
    assert stage.shown_step() == steps + 1
    record = stage.value("tuple(widget.history[-1])")
    shown = [stage.root.locator(".numbers").nth(place).inner_text() for place in (0, 1)]
    for words, numbers in zip(shown, (record[1:3], record[3:5]), strict=True):
        assert [float(number) for number in re.findall(r"[\d.]+(?:e-\d+)?", words)] == pytest.approx(numbers, rel=0.01)
    stage.root.locator(".writing").focus()
    stage.page.keyboard.press("r")
    stage.page.wait_for_function(
        "() => document.querySelector('.cs231n-characters .counter').textContent === 'update 0'"
    )
    assert stage.value("widget.step_count") == 0


def test_next_characters_follow_the_beginning_that_is_typed(notebook):
    stage = Stage(notebook, "preset='word'")
    notebook.execute("record = widget.train(300)")
    stage.wait_for_step(300)
    for prefix, expected in (("hel", "l"), ("hell", "o"), ("hello", "␣")):
        stage.root.locator(".prefix").fill(prefix)
        stage.settle()
        assert stage.text(".guess .class") == expected, prefix
        assert stage.text(".sample").startswith(prefix)
        shown = float(stage.text(".guess .value").split()[0])
        assert shown == pytest.approx(100 * stage.value("widget._run.expected()[0][1]"), abs=0.2)
        widths = [stage.root.locator(part).first.bounding_box()["width"] for part in (".fill", ".track")]
        assert 100 * widths[0] / widths[1] == pytest.approx(shown, abs=1)
    stage.root.locator(".prefix").fill("help!")
    stage.settle()
    assert stage.text(".problem").startswith("'p' does not occur in the text")
    stage.root.locator(".prefix").fill("hel")
    stage.settle()
    assert not stage.root.locator(".problem").is_visible()
    first = stage.text(".sample")
    heat = stage.root.get_by_label("Temperature", exact=True)
    heat.focus()
    stage.page.keyboard.press("End")
    stage.settle()
    assert stage.value("widget.temperature") == 2 and stage.text(".sample") != first
    hot = stage.text(".sample")
    stage.click("Write again")
    assert stage.text(".sample") != hot and stage.value("widget.draw") == 1


def test_letters_are_coloured_by_a_unit(notebook):
    stage = Stage(notebook, "preset='word'")
    notebook.execute("record = widget.train(150)")
    stage.wait_for_step(150)
    stage.select("Colour the letters by", "unit 3")
    letters = stage.root.locator(".sample.colored > *")
    assert letters.count() == len(stage.value("widget.prefix + widget.write()"))
    values = stage.value("widget._run.activations(widget.prefix + widget.write()).tolist()")
    grounds = letters.evaluate_all(
        """nodes => nodes.map(node => {
            const context = Object.assign(document.createElement("canvas"), {width: 1, height: 1}).getContext("2d");
            context.fillStyle = getComputedStyle(node).backgroundColor;
            context.fillRect(0, 0, 1, 1);
            return [...context.getImageData(0, 0, 1, 1).data];
        })"""
    )
    redness = [red - blue for red, _, blue, _ in grounds]
    assert min(values) < 0 < max(values) and np.corrcoef(redness, values)[0, 1] > 0.98
    assert "Red: the unit's state is above 0" in stage.text(".legend")


def test_what_cannot_be_learned_is_explained_and_the_network_goes_on(notebook):
    stage = Stage(notebook, "'abcabc' * 20")
    refusal = stage.root.locator(".refusal")
    stage.click("Step")
    for text, words in (
        ("", "The text is empty"),
        ("aaaa", "holds nothing but 'a'"),
        ("ab" * 2001, "leave out 2 of them"),
    ):
        stage.learn(text)
        assert words in refusal.inner_text() and "goes on with the text before" in refusal.inner_text()
        assert stage.root.locator(".text-box").input_value() == text
        assert stage.value("(widget.text, widget.step_count)") == ("abcabc" * 20, 1)
    stage.page.keyboard.press("Escape")
    stage.settle()
    assert not refusal.is_visible() and stage.root.locator(".text-box").input_value() == "abcabc" * 20
    stage.root.locator(".text-box").fill("Ünïcode 😀 text, 😀 again")
    assert "not learned yet" in stage.text(".count")
    stage.click("Learn this text")
    assert stage.value("widget.text") == "Ünïcode 😀 text, 😀 again" and stage.shown_step() == 0
    assert stage.text(".count") == "23 characters, 15 different"
    stage.click("Undo")
    assert stage.value("widget.text") == "abcabc" * 20


def test_settings_presets_and_undo(notebook):
    stage = Stage(notebook, "")
    stage.select("Texts to try", "Large steps, not clipped")
    state = stage.value("widget.state")
    assert (state["cell"], state["optimizer"], state["learning_rate"], state["clip_norm"]) == ("RNN", "sgd", 2.0, 0.0)
    assert "no clipping" in stage.text(".lesson .text")
    stage.click("Step")
    stage.select("Clip norm (0: off)", "0.5")
    assert stage.value("(widget._run.trainer.clip_norm, widget.step_count)") == (0.5, 1)
    stage.select("Units", "16")
    assert stage.value("(widget.network.parameters['1.Wh'].shape, widget.step_count)") == ((16, 16), 0)
    stage.root.locator(".writing").focus()
    stage.page.keyboard.press("Control+z")
    stage.settle()
    assert stage.value("widget.units") == 64


def test_both_themes_a_narrow_window_the_state_and_the_program(notebook, pictures):
    stage = Stage(notebook, "")
    notebook.execute("record = widget.train(150)")
    stage.wait_for_step(150)
    stage.settle()
    stage.root.get_by_text("Show me the code").click()
    stage.page.wait_for_function(
        "() => document.querySelector('.cs231n-characters .code pre').textContent.includes('trange(150, ')"
    )
    assert stage.text(".code pre").strip() == stage.value("widget.code()").strip()
    stage.click("Copy state")
    assert 'CharacterPlayground(state="…")' in stage.text(".status")
    assert stage.page.evaluate("navigator.clipboard.readText()") == stage.value("widget.state_string")
    for theme in ("Light", "Dark"):
        notebook.theme(f"JupyterLab {theme}")
        stage.select("Colour the letters by", "no unit")
        stage.root.screenshot(path=pictures / f"character-playground-{theme.lower()}.png")
        plain = (
            ".sample",
            ".text-box",
            ".counter",
            ".numbers span",
            ".guess .value",
            ".guess .class",
            ".title",
            ".count",
        )
        for selector in plain:
            assert notebook.contrast(f"{Stage.ROOT} {selector}") >= 4.5, (theme, selector)
        stage.select("Colour the letters by", "unit 5")
        stage.root.locator(".writing").screenshot(path=pictures / f"character-playground-unit-{theme.lower()}.png")
        assert notebook.contrast(f"{Stage.ROOT} .legend") >= 4.5
    stage.learn("")
    assert notebook.contrast(f"{Stage.ROOT} .refusal") >= 4.5
    stage.page.keyboard.press("Escape")
    notebook.theme("JupyterLab Light")
    stage.page.set_viewport_size({"width": 860, "height": 1000})
    stage.settle()
    box, inner = stage.root.bounding_box(), stage.root.evaluate("root => root.scrollWidth")
    assert box["width"] < 600 and inner <= box["width"] + 1
    stage.root.screenshot(path=pictures / "character-playground-narrow.png")
    stage.page.set_viewport_size({"width": 1400, "height": 1400})
