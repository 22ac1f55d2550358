"""Lecture 01: recognition beyond labels (where, which pixels, how far, in words), and a quiz on labels themselves."""

import base64
import time
from dataclasses import dataclass
from functools import cache
from html import escape

import ipywidgets as widgets
import numpy as np
from matplotlib.patches import Rectangle
from scipy import ndimage
from skimage import data, feature, filters, measure, transform

from cs231n_kit import image_transforms as transforms
from cs231n_kit.explorations.early_vision import turned
from cs231n_kit.explorations.exploration import Exploration, choice, png, slider
from cs231n_kit.explorations.rules import gray
from cs231n_kit.plots import COLORS, RIGHT, WRONG, new_figure, show_image

SIZE = 256
FACE = (0.44, 0.26, 0.22)  # of the astronaut: centre (x, y) and width, as shares of the photograph


@dataclass(frozen=True)
class Box:
    """A place in an image: the column and row of its top left corner, and the length of its sides, in pixels."""

    x: int
    y: int
    size: int

    @property
    def centre(self):
        return self.x + self.size / 2, self.y + self.size / 2


@cache
def astronaut():
    """The astronaut Eileen Collins (SIZE, SIZE, 3) uint8 (NASA, public domain; shipped with scikit-image)."""
    return transforms.resize(data.astronaut(), SIZE)


@cache
def _face_detector():
    return feature.Cascade(data.lbp_frontal_face_cascade_filename())


def find_faces(image):
    """Boxes of faces, found by a cascade of learned yes-or-no questions in windows of all places and sizes."""
    found = _face_detector().detect_multi_scale(
        img=image, scale_factor=1.15, step_ratio=1, min_size=(30, 30), max_size=(160, 160)
    )
    return [Box(int(each["c"]), int(each["r"]), int(each["width"])) for each in found]


def count_windows(shape, smallest=30, largest=160, factor=1.15, steps=10):
    """How many windows an exhaustive search looks at: each size, moved by a tenth of it."""
    sizes = smallest * factor ** np.arange(np.log(largest / smallest) / np.log(factor))
    return int(sum(np.prod([(side - size) // (size / steps) + 1 for side in shape[:2]]) for size in sizes))


def explore_detection():
    """Turn, zoom and darken the astronaut until the face detector loses her face."""
    image = astronaut()
    windows = count_windows(image.shape)
    x, y, width = (SIZE * share for share in FACE)

    def draw(angle, zoom, brightness):
        seen, there = turned(image, angle, zoom, brightness)
        faces = find_faces(seen)
        true_x, true_y = there((x, y))[0]
        figure, ax = new_figure(4.8, 4.6)
        show_image(ax, seen, "boxes: what the detector takes for a face")
        right = [np.hypot(face.centre[0] - true_x, face.centre[1] - true_y) < width * zoom / 2 for face in faces]
        for face, is_right in zip(faces, right, strict=True):
            color = RIGHT if is_right else WRONG
            ax.add_patch(Rectangle((face.x, face.y), face.size, face.size, fill=False, color=color, linewidth=3))
        verdict = "The face was found" if any(right) else "The face was <b>not</b> found"
        wrong = len(right) - sum(right)
        return figure, f"{verdict}; {wrong} false alarm{'' if wrong == 1 else 's'} among some {windows:,} windows."

    controls = {
        "angle": slider("Turn (°)", -90, 90, 0, 5),
        "zoom": slider("Zoom", 0.4, 1.6, 1.0, 0.1),
        "brightness": slider("Light", 0.1, 1.0, 1.0, 0.1),
    }
    return Exploration(draw, controls, description="An astronaut, and boxes where a detector sees a face")


@cache
def coins():
    """A photograph of coins as a colour image (H, W, 3) uint8 (Pompeii, British Museum; shipped with scikit-image)."""
    photograph = transform.resize(data.coins(), (202, 256), preserve_range=True, anti_aliasing=True)
    return np.repeat(photograph[..., None], 3, axis=2).astype(np.uint8)


def label_pixels(image, threshold, smallest=60):
    """Which pixels are brighter than the threshold, 0 to 255 (semantic), and which of them hang together (instances).

    Returns (H, W) booleans and (H, W) integers, 0 for the background, 1, 2, ... for the objects.
    """
    bright = ndimage.binary_fill_holes(filters.gaussian(gray(image), 1.5) * 255 > threshold)
    instances = measure.label(bright)
    sizes = np.bincount(instances.ravel())
    kept = np.flatnonzero(sizes >= smallest)[1:] if sizes[0] else np.flatnonzero(sizes >= smallest)
    renumbered = np.zeros(len(sizes), int)
    renumbered[kept] = np.arange(1, len(kept) + 1)
    return bright, renumbered[instances]


def explore_segmentation_kinds():
    """Give each pixel of a photograph of 24 coins a label, then each coin a label of its own."""
    image = coins()
    colors = np.array([tuple(int(color[i : i + 2], 16) for i in (1, 3, 5)) for color in COLORS])

    def draw(threshold):
        bright, instances = label_pixels(image, threshold)
        figure, axes = new_figure(9.6, 3.0, 1, 3)
        show_image(axes[0], image, "the photograph: 24 coins")
        semantic = np.where(bright[..., None], 0.4 * image + 0.6 * colors[0], image).astype(np.uint8)
        show_image(axes[1], semantic, "semantic: coin or not, for each pixel")
        painted = 0.4 * image + 0.6 * colors[(instances - 1) % len(colors)]
        show_image(
            axes[2], np.where((instances > 0)[..., None], painted, image).astype(np.uint8), "instances: which coin"
        )
        return figure, f"<b>{instances.max()} objects</b>; {bright.mean():.0%} of the pixels are called coin."

    controls = {"threshold": slider("Brighter than", 60, 200, 120, 2)}
    return Exploration(draw, controls, description="Coins, their pixels, and each coin in a colour of its own")


@cache
def stereo_pair():
    """Two views of a motorcycle and how far each pixel of the left one moved, at a fifth of their size.

    Returns left (H, W, 3) uint8, right, and the true disparity (H, W) in pixels, NaN where unknown (Middlebury
    2014, Scharstein et al.; shipped with scikit-image).
    """
    left, right, disparity = data.stereo_motorcycle()
    shape = (left.shape[0] // 5, left.shape[1] // 5)
    images = [
        transform.resize(image, shape, preserve_range=True, anti_aliasing=True).astype(np.uint8)
        for image in (left, right)
    ]
    rows, columns = (np.arange(size) * 5 + 2 for size in shape)
    known = disparity[np.ix_(rows, columns)]
    return *images, np.where(np.isfinite(known), known / 5, np.nan)


def match_blocks(left, right, window, most=14):
    """For each pixel of the left view, how far to the left its surroundings are found in the right one (H, W).

    The sum of absolute differences over window x window pixels decides, the L1 distance of lecture 02.
    """
    costs = []
    for shift in range(most + 1):
        moved = np.roll(right.astype(float), shift, axis=1)
        difference = np.abs(left - moved).mean(axis=2)
        difference[:, :shift] = 255
        costs.append(ndimage.uniform_filter(difference, window))
    return np.argmin(costs, axis=0)


def explore_depth():
    """Match small windows between two eyes' views: what moves more is nearer."""
    left, right, truth = stereo_pair()

    def draw(window):
        disparity = match_blocks(left, right, window)
        known = np.isfinite(truth)
        good = np.abs(disparity - truth)[known] <= 1
        figure, axes = new_figure(9.6, 4.8, 2, 2)
        show_image(axes[0, 0], left, "left eye")
        show_image(axes[0, 1], right, "right eye")
        for ax, shown, title in (
            (axes[1, 0], disparity, "matched"),
            (axes[1, 1], truth, "measured with structured light"),
        ):
            ax.imshow(shown, cmap="inferno", vmin=0, vmax=14)
            ax.set(xticks=[], yticks=[])
            ax.set_title(f"{title}: bright is near", fontsize=10)
        return (
            figure,
            f"Windows of {window} × {window} pixels: <b>{good.mean():.0%}</b> of the pixels right within one pixel.",
        )

    controls = {"window": slider("Window (pixels)", 1, 25, 7, 2)}
    return Exploration(draw, controls, description="Two views of a motorcycle and the depth that follows from them")


def caption(image, faces):
    """A sentence about an image (H, W, C) and the faces found in it, by a rule, as captions were once made."""
    red, green, blue = image.reshape(-1, 3).mean(axis=0)
    light = "bright" if red + green + blue > 330 else "dark"
    if not faces:
        return f"A {light} picture without a face."
    x, y = faces[0].centre
    across = ("on the left", "in the middle", "on the right")[min(2, int(3 * x / image.shape[1]))]
    size = "large" if faces[0].size > image.shape[1] / 3 else "small"
    many = "a" if len(faces) == 1 else f"{len(faces)} faces, the first a"
    return f"A {light} picture of {many} {size} face {across}, {'high up' if y < image.shape[0] / 2 else 'low down'}."


def explore_captions():
    """Four photographs and the sentences that a rule makes of them."""
    photographs = {"astronaut": astronaut(), "cat": transforms.frame(transforms.cat(SIZE)[0])}
    photographs |= {name: image for name, image in transforms.other_photographs(SIZE).items() if name != "astronaut"}

    def draw(name, mirrored):
        image = np.ascontiguousarray(photographs[name][:, ::-1] if mirrored else photographs[name])
        faces = find_faces(image)
        figure, ax = new_figure(4.6, 4.4)
        show_image(ax, image, name)
        for face in faces:
            ax.add_patch(Rectangle((face.x, face.y), face.size, face.size, fill=False, color=RIGHT, linewidth=3))
        return figure, f"The rule says: <b>“{caption(image, faces)}”</b> What do you say?"

    controls = {
        "name": choice("Photograph", list(photographs)),
        "mirrored": choice("Mirrored", [("no", False), ("yes", True)]),
    }
    return Exploration(draw, controls, description="A photograph and a sentence about it")


class Quiz(widgets.VBox):
    """Name small images yourself, one after the other; the score and your time are kept.

    images: (N, H, W, C) uint8; labels: (N,) integers; class_names: a name for each label.
    """

    def __init__(self, images, labels, class_names):
        if len(images) == 0 or len(images) != len(labels):
            raise ValueError(
                f"there must be as many labels as images, at least one, not {len(labels)} and {len(images)}"
            )
        self.images, self.labels, self.class_names = images, labels, tuple(class_names)
        self.answers, self.seconds = [], []
        self.picture = widgets.Image(format="png", layout=widgets.Layout(width="300px"))
        self.sentence = widgets.HTML("What is it? The first is in front of you.")
        self.buttons = []
        for number, name in enumerate(self.class_names):
            button = widgets.Button(description=name, layout=widgets.Layout(width="120px"))
            button.on_click(lambda _, number=number: self.answer(number))
            self.buttons.append(button)
        row = widgets.Layout(flex_flow="row wrap", overflow="visible")
        super().__init__([self.picture, widgets.Box(self.buttons, layout=row), self.sentence])
        self._show()

    def answer(self, number):
        """Take the class of that number as the answer for the present image, and show the next one."""
        if len(self.answers) == len(self.images):
            return
        place = len(self.answers)
        self.answers.append(int(number))
        self.seconds.append(time.monotonic() - self._shown)
        right, name = self.labels[place], self.class_names[self.labels[place]]
        verdict = "Right" if right == number else f"No, it is labelled <b>{escape(name)}</b>"
        score = int(np.sum(self.labels[: place + 1] == np.array(self.answers)))
        self.sentence.value = (
            f'<div role="status">{verdict}. <b>{score} of {place + 1}</b> right, '
            f"{np.mean(self.seconds):.1f} seconds an image.</div>"
        )
        if place + 1 == len(self.images):
            for button in self.buttons:
                button.disabled = True
            self.sentence.value += f"<div>Done: <b>{score / len(self.images):.0%}</b> right.</div>"
        else:
            self._show()

    def _show(self):
        place = len(self.answers)
        figure, ax = new_figure(3, 3.2)
        show_image(ax, self.images[place], f"image {place + 1} of {len(self.images)}")
        self.picture.value = png(figure)
        self._shown = time.monotonic()

    def _repr_mimebundle_(self, **kwargs):
        """Offer the first picture beside the live quiz: viewers without widgets (GitHub, print) show that."""
        bundle = super()._repr_mimebundle_(**kwargs)
        bundle["image/png"] = base64.b64encode(self.picture.value).decode()
        bundle["text/plain"] = f"A quiz of {len(self.images)} images"
        return bundle
