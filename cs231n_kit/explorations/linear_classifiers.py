"""Lecture 02: what a linear classifier has learned, as pictures, what it cannot learn, and coordinates that help."""

import numpy as np
from matplotlib.figure import Figure

from cs231n_kit.explorations.exploration import Exploration, choice, slider
from cs231n_kit.linear_classifier import SoftmaxClassifier
from cs231n_kit.plots import COLORS, INK, MUTED, RIGHT, WRONG, draw_regions, image_grid, new_figure, show_image


def templates(W, shape):
    """The weights W (H * W * channels, C) of every class as a uint8 picture of ``shape``, gray where a weight is 0."""
    pictures = np.asarray(W, float).T.reshape(-1, *shape)
    largest = np.abs(pictures).reshape(len(pictures), -1).max(axis=1)
    scale = np.maximum(largest, 1e-12).reshape(-1, *[1] * len(shape))
    return np.round(127.5 + 127.5 * pictures / scale).astype(np.uint8)


def templates_figure(W, shape, class_names, title=""):
    """Show the template of each class, five in a row."""
    pictures = templates(W, shape)
    rows = -(-len(pictures) // 5)
    figure, axes = new_figure(9.2, 2.05 * rows + 0.3, rows, 5, squeeze=False)
    for ax in axes.flat[len(pictures) :]:
        ax.axis("off")
    for ax, picture, name in zip(axes.flat, pictures, class_names, strict=False):
        show_image(ax, picture, name)
    figure.suptitle(title, fontsize=12)
    return figure


def explore_templates(W, b, X, images, labels, class_names):
    """Lay every template over an image: the products add up to the scores.

    W (D, C), b (C,); X (N, ...): the images (N, H, W, channels) as the classifier sees them; labels (N,).
    """
    pictures, shape = templates(W, images.shape[1:]), images.shape[1:]
    X = np.reshape(X, (len(images), -1))

    def draw(image, label):
        index = image - 1
        scores = X[index] @ W + b
        products = X[index] * W[:, label]
        winner, truth = int(scores.argmax()), labels[index]
        figure = Figure(figsize=(9.8, 3.1), layout="constrained", facecolor="white")
        grid = figure.add_gridspec(1, 4, width_ratios=(1, 1, 1, 1.5))
        show_image(figure.add_subplot(grid[0]), images[index], f"image {image}: {class_names[truth]}")
        show_image(figure.add_subplot(grid[1]), pictures[label], f"template: {class_names[label]}")
        ax = figure.add_subplot(grid[2])
        cells = products.reshape(shape).sum(axis=-1)
        reach = max(float(np.abs(cells).max()), 1e-12)
        ax.imshow(cells, cmap="PuOr", vmin=-reach, vmax=reach, interpolation="nearest")
        ax.set(xticks=[], yticks=[])
        ax.set_title("their products", fontsize=10)
        ax = figure.add_subplot(grid[3])
        colors = [RIGHT if c == truth else COLORS[1] if c == winner else "#b9c4cc" for c in range(len(scores))]
        ax.barh(range(len(scores)), scores, color=colors)
        ax.set_yticks(range(len(scores)), class_names, fontsize=9)
        ax.get_yticklabels()[label].set_fontweight("bold")
        ax.invert_yaxis()
        ax.axvline(0, color=INK, linewidth=0.8)
        ax.set_title("scores (green: the right class)", fontsize=10)
        ax.spines[["top", "right", "left"]].set_visible(False)
        return figure, (
            f"Products {products.sum():+.2f} and bias {b[label]:+.2f} give {class_names[label]} the score "
            f"<b>{scores[label]:.2f}</b>. Largest: <b>{class_names[winner]}</b>, "
            f"{'which is right.' if winner == truth else f'but it is a {class_names[truth]}.'}"
        )

    controls = {
        "image": slider("Image", 1, len(images), 1),
        "label": choice("Template of", [(name, c) for c, name in enumerate(class_names)], int(labels[0])),
    }
    return Exploration(draw, controls, description="An image, the template of a class, their products, and all scores")


def members_by_score(scores, images, labels, label, class_name, shown=10):
    """Show the members of a class that fit their template best, and those that fit it worst.

    scores (N, C) of images (N, H, W, channels) with labels (N,).
    """
    members = np.flatnonzero(labels == label)
    order = members[np.argsort(-(scores[members, label]), kind="stable")]
    rows = [images[order[:shown]], images[order[-shown:]]]
    return image_grid(rows, ["fit best", "fit worst"], shown, title=f"{class_name}: one template for all of these")


def several_modes(seed=0, count=30):
    """Points (5 count, 2) of two classes: class 0 in three places, class 1 in two between them; and labels."""
    centers = np.array([[-0.76, 0.0], [0.0, 0.0], [0.76, 0.0], [-0.38, 0.0], [0.38, 0.0]])
    scatter = np.random.default_rng(seed).standard_normal((5 * count, 2)) * (0.07, 0.25)
    return (np.repeat(centers, count, axis=0) + scatter).clip(-0.97, 0.97), np.repeat([0, 0, 0, 1, 1], count)


def ring(seed=0, count=80):
    """Points (2 count, 2): class 0 in the middle, class 1 in a ring around it; and labels."""
    rng = np.random.default_rng(seed)
    radius = np.concatenate([0.35 * np.sqrt(rng.random(count)), rng.uniform(0.6, 0.9, count)])
    angle = rng.uniform(0, 2 * np.pi, 2 * count)
    return radius[:, None] * np.column_stack([np.cos(angle), np.sin(angle)]), np.repeat([0, 1], count)


def exclusive_or(seed=0, count=160):
    """Points (count, 2): class 0 where both coordinates have one sign, class 1 where not; and labels."""
    X = np.random.default_rng(seed).uniform(0.08, 0.92, (count, 2))
    signs = np.array([[1, 1], [-1, -1], [1, -1], [-1, 1]])[np.arange(count) % 4]
    return X * signs, (np.arange(count) % 4 >= 2).astype(int)


HARD = {"ring": ring, "exclusive or": exclusive_or, "several modes": several_modes}


def polar(X):
    """Distance from the origin and angle / π of points (N, 2)."""
    return np.column_stack([np.hypot(*X.T), np.arctan2(X[:, 1], X[:, 0]) / np.pi])


def product(X):
    """x₁ and the product x₁ x₂ of points (N, 2)."""
    return np.column_stack([X[:, 0], 3 * X[:, 0] * X[:, 1]])


def squares(X):
    """The squares of both coordinates of points (N, 2)."""
    return X**2


FEATURES = {
    "as they are: x₁, x₂": (lambda X: X, ("$x_1$", "$x_2$")),
    "polar: distance, angle": (polar, ("distance", "angle / π")),
    "product: x₁, 3 x₁x₂": (product, ("$x_1$", "$3 x_1 x_2$")),
    "squares: x₁², x₂²": (squares, ("$x_1^2$", "$x_2^2$")),
}


class FeatureClassifier:
    """A linear softmax classifier of ``features(X)``, a function from points (N, 2) to features (N, D)."""

    def __init__(self, features, steps=400):
        self.features = features
        self.model = SoftmaxClassifier(0.3, regularization=1e-4, steps=steps, batch_size=10_000)

    def fit(self, X, y):
        """Learn from points X (N, 2) with labels y (N,)."""
        self.model.fit(self.features(np.asarray(X, float)), y, progress=False)
        return self

    def scores(self, X):
        """The scores of points X (N, 2), shape (N, C)."""
        return self.model.scores(self.features(np.asarray(X, float)))

    def predict(self, X):
        """The labels of points X (N, 2)."""
        return self.model.predict(self.features(np.asarray(X, float)))

    def accuracy(self, X, y):
        """The share of points that get their label."""
        return float(np.mean(self.predict(X) == y))


def failing_cases():
    """Let a linear classifier do its best on each of ``HARD``; the titles say how much that is."""
    figure, axes = new_figure(9.8, 3.5, 1, len(HARD))
    for ax, (name, make) in zip(axes, HARD.items(), strict=True):
        X, y = make()
        classifier = FeatureClassifier(FEATURES["as they are: x₁, x₂"][0]).fit(X, y)
        draw_regions(ax, classifier, X, y, limit=1, title=f"{name}: {classifier.accuracy(X, y):.0%} right")
    return figure


def explore_features():
    """Choose data that no line separates and features for them: the border is straight in the new coordinates."""

    def draw(data, features):
        X, y = HARD[data]()
        transform, names = FEATURES[features]
        classifier = FeatureClassifier(transform).fit(X, y)
        right = classifier.accuracy(X, y)
        figure, axes = new_figure(9.8, 4.3, 1, 2)
        draw_regions(axes[0], classifier, X, y, limit=1, title="the plane of the points")
        axes[0].set(xlabel="$x_1$", ylabel="$x_2$")
        _draw_feature_plane(axes[1], classifier.model, transform(X), y)
        axes[1].set(xlabel=names[0], ylabel=names[1])
        axes[1].set_title("the plane of the features", fontsize=11)
        return figure, f"{data}, {features}: <b>{right:.1%}</b> of the points are on the right side of a straight line."

    controls = {
        "data": choice("Data", list(HARD)),
        "features": choice("Features", list(FEATURES)),
    }
    return Exploration(draw, controls, description="Points in the plane, and the same points by their features")


def _draw_feature_plane(ax, model, points, y):
    """Points (N, 2) in feature space, and the straight line on which both classes score the same."""
    for label, marker in ((0, "o"), (1, "s")):
        ax.scatter(*points[y == label].T, color=COLORS[label], marker=marker, edgecolor="white", s=34)
    low, high = points.min(axis=0) - 0.15, points.max(axis=0) + 0.15
    (u, v), offset = model.W_[:, 1] - model.W_[:, 0], model.b_[1] - model.b_[0]
    normal = np.array([u, v], float)
    if np.linalg.norm(normal) > 1e-6:
        foot = -float(offset) * normal / (normal @ normal)
        along = 10 * np.array([-normal[1], normal[0]]) / np.linalg.norm(normal)
        ax.plot(*np.column_stack([foot - along, foot + along]), color=WRONG, linewidth=2)
    ax.axhline(0, color=MUTED, linewidth=0.6)
    ax.axvline(0, color=MUTED, linewidth=0.6)
    ax.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]))
    ax.spines[["top", "right"]].set_visible(False)
