"""A widget on a page of JupyterLab, handled as a person would: clicks, drags, keys, and what is read then."""

import base64
import io
import re

from matplotlib.image import imread

NAMELESS = """([root, selector]) => [...document.querySelectorAll(`${root} :is(${selector})`)].filter(
    node => !node.hidden && !node.getAttribute("aria-label") && !node.textContent
        && !node.closest("label")?.textContent && !node.labels?.length).map(node => node.outerHTML)"""
STEP_IS_SHOWN = """([counter, step]) => [...document.querySelectorAll(counter)].every(
    node => Number(node.textContent.match(/\\d[\\d,]*/)?.[0].replaceAll(",", "")) >= step)"""
PIXEL = """([selector, x, y]) => {
    const plot = document.querySelector(selector);
    plot.scrollIntoView({block: "nearest", inline: "nearest"});
    const box = plot.getBoundingClientRect(), side = box.width - 2;
    return [box.x + 1 + (x + 1) / 2 * side, box.y + 1 + (1 - y) / 2 * side];
}"""


class WidgetStage:
    """The widget that a program makes, displayed by the only cell of a notebook.

    A class for one kind of widget sets PROGRAM, which makes ``widget`` when ``source`` has been put in at its {}; ROOT,
    the selector of the widget's outermost element; and PLOT, that of the part which is pointed at and takes keys.
    """

    PROGRAM, ROOT, PLOT = "{}", "", "canvas"

    def __init__(self, notebook, source="", show="widget"):
        self.notebook, self.page = notebook, notebook.page
        notebook.run(f"{self.PROGRAM.format(source)}\n{show}")
        self.root = self.page.locator(self.ROOT).first
        self.plot = self.root.locator(self.PLOT).first
        self.plot.wait_for(state="attached")
        self.settle()

    def settle(self):
        """Wait until Python has answered everything, and the answer is drawn."""
        self.page.wait_for_selector(f'{self.ROOT}[aria-busy="false"]')
        self.page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def button(self, name):
        return self.root.get_by_role("button", name=name, exact=True)

    def click(self, name):
        """Press the button of this name."""
        self.button(name).click()
        self.settle()

    def select(self, name, option):
        """Choose an option, by its label or its value, from the list of this name."""
        self.root.get_by_role("combobox", name=name, exact=True).select_option(option)
        self.settle()

    def slide(self, name, value):
        self.root.get_by_role("slider", name=name, exact=True).fill(str(value))
        self.settle()

    def press(self, *keys):
        """Press keys on the plot, one after the other."""
        for key in keys:
            self.plot.press(key)
        self.settle()

    def drag_mouse(self, start, end, steps=15):
        """Press at one place of the page, move to another and let go."""
        self.page.mouse.move(*start)
        self.page.mouse.down()
        self.page.mouse.move(*end, steps=steps)
        self.page.mouse.up()
        self.settle()

    def drag_right(self, node, pixels, steps=10):
        """Drag an element by so many pixels, and leave."""
        box = node.bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        self.drag_mouse((x, y), (x + pixels, y), steps)
        self.page.mouse.move(2, 2)
        self.settle()

    def text(self, selector):
        return self.root.locator(selector).first.inner_text()

    def value(self, expression):
        """A plain Python value from the kernel."""
        return self.notebook.value(expression)

    @property
    def state(self):
        return self.value("widget.state")

    def picture(self, canvas=None):
        """What a canvas shows, by default the plot, float (height, width, 3)."""
        url = (canvas or self.plot).evaluate("canvas => canvas.toDataURL()")
        return imread(io.BytesIO(base64.b64decode(url.split(",")[1])))[..., :3]

    def shown_step(self):
        """The number that the counter of a training begins with."""
        return int(re.search(r"\d[\d,]*", self.text(".counter"))[0].replace(",", ""))

    def wait_for_step(self, step):
        """Wait until all counters have come to this step."""
        self.page.wait_for_function(STEP_IS_SHOWN, arg=[f"{self.ROOT} .counter", step], timeout=60_000)

    def wait_for_text(self, selector, words):
        self.page.wait_for_function(
            "([selector, words]) => document.querySelector(selector)?.textContent.includes(words)",
            arg=[f"{self.ROOT} {selector}", words],
        )

    def copied_state(self):
        """The text that "Copy state" puts on the clipboard."""
        self.click("Copy state")
        self.wait_for_text(".status", "copied")
        return self.page.evaluate("navigator.clipboard.readText()")

    def cells(self):
        """The types of the notebook's cells: a key that reaches JupyterLab may delete or change them."""
        return self.page.evaluate("() => jupyterapp.shell.currentWidget.content.widgets.map(cell => cell.model.type)")

    def nameless(self, selector):
        """The elements that a selector finds and a screen reader has no name for, as HTML."""
        return self.page.evaluate(NAMELESS, [self.ROOT, selector])

    def record_redraws(self, what="detail.milliseconds"):
        """From now on ``window.redraws`` lists each picture: how long it took from the hand, or another expression."""
        self.page.evaluate(
            f"""() => {{
                if (!window.redraws) document.addEventListener("redraw", ({{detail}}) => window.redraws.push({what}));
                window.redraws = [];
            }}"""
        )


class PlaneStage(WidgetStage):
    """A widget whose plot is the square from -1 to 1 in both directions."""

    PLOT = ".plot"

    def pixel(self, place):
        """Where a place of the plane is on the page; the page is scrolled to it."""
        return self.page.evaluate(PIXEL, [f"{self.ROOT} {self.PLOT}", *map(float, place)])

    def click_at(self, place):
        self.page.mouse.click(*self.pixel(place))
        self.settle()

    def drag(self, start, end, steps=15):
        """From one place of the plane to another."""
        self.drag_mouse(self.pixel(start), self.pixel(end), steps)
