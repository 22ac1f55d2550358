"""A picture and the controls that redraw it: what every movable figure of the lectures is made of."""

import base64
import inspect
from html import escape
from io import BytesIO

import ipywidgets as widgets
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

PIXELS_PER_INCH = 140


class Exploration(widgets.VBox):
    """Controls above, one picture and one sentence below; moving a control draws the picture anew.

    draw: function of the controls' values that returns a matplotlib Figure, or (Figure, sentence in HTML). It is
    called once at the start, so a picture is there before anything is moved, also in print and on GitHub.
    controls: {argument of draw: ipywidget with a `value`}. description: what a screen reader says of the picture.

    The new picture replaces the old one in place when it is ready, so nothing flickers, and while one is being drawn
    the browser keeps only the newest slider position. An exception in `draw` is shown below the picture and the
    controls go on working.
    """

    def __init__(self, draw, controls, *, description=""):
        missing = set(controls) - set(inspect.signature(draw).parameters)
        if missing:
            raise TypeError(f"draw does not take {', '.join(sorted(missing))}")
        self.draw, self.controls, self.description = draw, dict(controls), description
        self._initial = self.values
        self.picture = widgets.Image(format="png", layout=widgets.Layout(max_width="100%"))
        self.sentence = widgets.HTML()
        reset = widgets.Button(
            description="Reset", icon="undo", tooltip="Put every control back", layout=widgets.Layout(width="90px")
        )
        reset.on_click(lambda _: self.set(**self._initial))
        for control in self.controls.values():
            # Room for the longest description; the wrapping box puts as many controls in a row as the window holds.
            control.style.description_width = "150px"
            control.layout.width = "390px"
            control.observe(self._redraw, names="value")
        row = widgets.Layout(flex_flow="row wrap", align_items="center", overflow="visible")
        bar = widgets.Box([*self.controls.values(), reset], layout=row)
        super().__init__([bar, self.picture, self.sentence])
        self._redraw(first=True)

    @property
    def _heard(self):
        # The image widget has no alternative text, so screen readers get the description beside it, unseen.
        hidden = "position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%)"
        return f'<span style="{hidden}">Picture: {escape(self.description)}.</span>'

    @property
    def values(self):
        """{name: value} of all controls."""
        return {name: control.value for name, control in self.controls.items()}

    def set(self, **values):
        """Set several controls by name and draw once."""
        unknown = set(values) - set(self.controls)
        if unknown:
            raise ValueError(f"there is no control {', '.join(sorted(unknown))}; there are {', '.join(self.controls)}")
        for control in self.controls.values():
            control.unobserve(self._redraw, names="value")
        try:
            for name, value in values.items():
                self.controls[name].value = value
        finally:
            for control in self.controls.values():
                control.observe(self._redraw, names="value")
        self._redraw()

    def figure(self):
        """Return the picture for the present values as a matplotlib Figure."""
        drawn = self.draw(**self.values)
        return drawn if isinstance(drawn, Figure) else drawn[0]

    def _redraw(self, _change=None, first=False):
        try:
            drawn = self.draw(**self.values)
        except Exception as error:
            if first:
                raise
            self.sentence.value = f"<b>Not drawn:</b> {type(error).__name__}: {escape(str(error))}"
            return
        figure, sentence = (drawn, "") if isinstance(drawn, Figure) else drawn
        self.picture.value = png(figure)
        self.picture.width = round(figure.get_figwidth() * 100)
        self.sentence.value = (
            f'{self._heard}<div style="max-width: 62em; line-height: 1.5" role="status">{sentence}</div>'
        )

    def _repr_mimebundle_(self, **kwargs):
        """Offer the still picture beside the live one: viewers without widgets (GitHub, print) show that."""
        bundle = super()._repr_mimebundle_(**kwargs)
        bundle["image/png"] = base64.b64encode(self.picture.value).decode()
        bundle["text/plain"] = self.description or bundle.get("text/plain", "")
        return bundle


def png(figure):
    """Return a matplotlib Figure as PNG bytes.

    In half the time of `Figure.savefig`, which draws twice: sliders answer as fast as this function does.
    """
    figure.set_dpi(PIXELS_PER_INCH)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    buffer = BytesIO()
    Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB").save(buffer, "png", compress_level=1)
    return buffer.getvalue()


def slider(description, low, high, value, step=1, **options):
    """Return a slider that answers while it is being dragged; whole numbers when `step` is whole."""
    kind = widgets.IntSlider if isinstance(step, int) else widgets.FloatSlider
    return kind(description=description, min=low, max=high, value=value, step=step, **options)


def choice(description, options, value=None):
    """Return a drop-down list; `options` is a list of names or of (name, value) pairs."""
    chosen = {"index": 0} if value is None else {"value": value}
    return widgets.Dropdown(description=description, options=options, **chosen)
