"""Lecture 06: hierarchical softmax over a tree of classes beside flat softmax: its cost, and what it gets right."""

import functools

import numpy as np

from cs231n_kit.explorations.exploration import Exploration, choice, slider
from cs231n_kit.explorations.losses import softmax
from cs231n_kit.explorations.scoring import trained
from cs231n_kit.losses import LabelTree, hierarchical_softmax_loss, softmax_loss
from cs231n_kit.plots import COLORS, INK, MUTED, WRONG, new_figure, show_image

CIFAR10_TREE = {
    "animal": {"pet": ["cat", "dog"], "hoofed": ["deer", "horse"], "neither": ["bird", "frog"]},
    "vehicle": {"on roads": ["automobile", "truck"], "elsewhere": ["airplane", "ship"]},
}
DIGIT_TREE = {
    "loop": {"and a tail": ["6", "9"], "no tail": ["0", "8"]},
    "no loop": {"straight": ["1", "4", "7"], "curved": ["2", "3", "5"]},
}


def sensible_tree(class_names):
    """A tree (dictionaries and lists of names) by meaning for the classes of CIFAR-10, by shape for the digits.

    Raises ValueError for other classes.
    """
    for tree in (CIFAR10_TREE, DIGIT_TREE):
        if set(leaves(tree)) == set(class_names):
            return tree
    raise ValueError(f"there are trees for the classes of CIFAR-10 and the digits, not for {class_names}")


def leaves(tree):
    """The class names of a tree, from left to right."""
    if isinstance(tree, str):
        return [tree]
    return [leaf for child in (tree.values() if isinstance(tree, dict) else tree) for leaf in leaves(child)]


def shuffled(tree, rng):
    """A tree of the same shape, as nested lists, with the class names in random order."""
    names = iter(rng.permutation(leaves(tree)).tolist())

    def copied(part):
        children = part.values() if isinstance(part, dict) else part
        return [next(names) if isinstance(child, str) else copied(child) for child in children]

    return copied(tree)


def train_tree(X, y, tree):
    """A linear network with one score for each branch of a ``LabelTree``, trained by hierarchical softmax."""
    return trained(X, y, functools.partial(hierarchical_softmax_loss, tree=tree), tree.n_scores)


def path_of(tree, label):
    """The (node, child) pairs that lead from the root of a ``LabelTree`` to a class."""
    return [(node, int(node.child_of_class[label])) for node in tree.nodes if node.child_of_class[label] >= 0]


def greedy_classes(scores, tree):
    """From the root always on to the likeliest child: predictions (N,), and how many scores each looked at, (N,).

    Scores (N, tree.n_scores). The likeliest leaf of all, the argmax of ``tree.log_probabilities``, looks at all.
    """
    candidates = np.ones((len(scores), len(tree.class_names)), bool)
    looked = np.zeros(len(scores), int)
    for node in tree.nodes:
        below = node.child_of_class >= 0
        at_node = (candidates & below).any(axis=1)  # nodes come before their children
        looked[at_node] += len(node.child_names)
        chosen = scores[:, node.columns].argmax(axis=1)
        candidates[at_node] &= node.child_of_class == chosen[at_node, None]
    return candidates.argmax(axis=1), looked


def distances(tree):
    """How far apart the classes of a ``LabelTree`` are, (C, C): steps up to the first node above both, 0 to itself.

    The steps are counted on the longer of the two ways.
    """
    classes = len(tree.class_names)
    depth = np.array([len(path_of(tree, label)) for label in range(classes)])
    shared = np.zeros((classes, classes), int)
    for node in tree.nodes:
        child = node.child_of_class
        shared += (child[:, None] >= 0) & (child[:, None] == child)
    return np.maximum(depth[:, None], depth) - shared


def compare(X, y, X_new, y_new, class_names, random_trees=6):
    """Flat softmax, a sensible tree and random ones on the same features; a list of dictionaries, one for each.

    Features X (N, D) with labels y (N,), and new ones. Each has: ``name``; ``tree`` (None if flat); ``scores`` of
    X_new; ``predicted`` (N',), the likeliest class; ``accuracy``; and for trees ``greedy``, the accuracy of going
    down by the likeliest child, ``looked``, the mean number of scores that this takes, ``on_path``, the mean number
    that a training example needs, and ``root``, the accuracy of the first decision.
    """
    flat = trained(X, y, softmax_loss, len(class_names)).forward(X_new)
    predicted = flat.argmax(axis=1)
    found = [
        {"name": "flat softmax", "tree": None, "scores": flat, "predicted": predicted}
        | {"accuracy": (predicted == y_new).mean()}
    ]
    sensible = sensible_tree(class_names)
    plans = {"sensible tree": sensible}
    for number in range(1, random_trees + 1):
        plans[f"random tree {number}"] = shuffled(sensible, np.random.default_rng(number))
    for name, plan in plans.items():
        tree = LabelTree(plan, class_names)
        scores = train_tree(X, y, tree).forward(X_new)
        found.append({"name": name, "tree": tree, "scores": scores} | measure(scores, y, y_new, tree))
    return found


def measure(scores, y, y_new, tree):
    """What ``compare`` says of one tree."""
    predicted = tree.log_probabilities(scores).argmax(axis=1)
    greedy, looked = greedy_classes(scores, tree)
    root = tree.nodes[0]
    needed = [sum(len(node.child_names) for node, _ in path_of(tree, label)) for label in range(len(tree.class_names))]
    return {
        "predicted": predicted,
        "accuracy": (predicted == y_new).mean(),
        "greedy": (greedy == y_new).mean(),
        "looked": looked.mean(),
        "on_path": np.mean(np.array(needed)[y]),
        "root": (scores[:, root.columns].argmax(axis=1) == root.child_of_class[y_new]).mean(),
    }


def advantage(predicted, other, y):
    """How many more labels y (N,) one prediction tells right than another: (mean share, its standard error)."""
    better = (predicted == y).astype(float) - (other == y)
    return float(better.mean()), float(better.std() / np.sqrt(len(y)))


def comparison_figure(found, y_new):
    """Accuracy against that of the first decision, for every tree; and how far off the mistakes are."""
    trees = [entry for entry in found if entry["tree"]]
    figure, axes = new_figure(10.6, 3.9, 1, 2, width_ratios=(1, 1.25))
    axes[0].axhline(100 * found[0]["accuracy"], color=MUTED, linestyle="--", label="flat softmax")
    for kind, group, marker, color in (
        ("sensible tree", trees[:1], "*", COLORS[0]),
        ("random trees", trees[1:], "o", WRONG),
    ):
        points = np.array([(100 * entry["root"], 100 * entry["accuracy"]) for entry in group])
        axes[0].plot(*points.T, marker, color=color, markersize=16 if marker == "*" else 8, label=kind)
    axes[0].set(xlabel="the first decision is right (%)", ylabel="the class is right (%)")
    axes[0].set_title("the easier its decisions, the better a tree", fontsize=10.5)
    axes[0].margins(0.16)
    axes[0].legend(frameon=False, fontsize=9.5)
    axes[0].spines[["top", "right"]].set_visible(False)
    _draw_mistakes(axes[1], [found[0], trees[0], *trees[1:]], y_new, distances(trees[0]["tree"]))
    return figure


def _draw_mistakes(ax, entries, y_new, apart):
    shares = np.array([np.bincount(apart[y_new, entry["predicted"]], minlength=apart.max() + 1) for entry in entries])
    shares = 100 * shares[:, 1:] / len(y_new)
    left = np.zeros(len(entries))
    for steps, color in zip(range(1, apart.max() + 1), ("#f6c9a8", "#e07b39", "#8f2d00"), strict=False):
        bars = ax.barh(range(len(entries)), shares[:, steps - 1], left=left, color=color, height=0.7)
        ax.bar_label(
            bars,
            [f"{share:.1f}" for share in shares[:, steps - 1]],
            label_type="center",
            fontsize=9,
            color="white" if steps == 3 else INK,
        )
        bars.set_label(f"{steps} step{'s' * (steps > 1)}")
        left += shares[:, steps - 1]
    ax.set_yticks(range(len(entries)), [entry["name"] for entry in entries])
    ax.invert_yaxis()
    ax.set(xlabel="mistakes (% of new images)")
    ax.set_title("how far up the sensible tree a mistake meets the truth", fontsize=10.5)
    ax.legend(frameon=False, fontsize=9, ncols=3, loc="upper center", bbox_to_anchor=(0.5, -0.17))
    ax.spines[["top", "right"]].set_visible(False)


def explore_tree(images, y, flat_scores, trees, class_names):
    """The probabilities on the edges of a tree for one image, the path to a class, and their product.

    images: uint8 (N, H, W, C) with labels y (N,); flat_scores (N, C) of flat softmax;
    trees: {name: (LabelTree, scores (N, tree.n_scores))}.
    """
    flat = softmax(flat_scores)

    def draw(image, tree, target):
        label_tree, scores = trees[tree]
        probabilities = np.exp(label_tree.log_probabilities(scores[image : image + 1]))[0]
        label = int(probabilities.argmax()) if target is None else target
        figure, axes = new_figure(11, 5.0, 1, 3, width_ratios=(0.8, 2.6, 0.95))
        show_image(axes[0], images[image], f"a new image: {class_names[y[image]]}")
        order = leaf_order(label_tree)
        _draw_tree(axes[1], label_tree, scores[image], order, label)
        _draw_leaves(axes[2], probabilities, flat[image], order, y[image], class_names)
        factors = [
            (node.child_names[child], softmax(scores[image, node.columns])[child])
            for node, child in path_of(label_tree, label)
        ]
        product = " × ".join(f"{share:.2f} ({name})" for name, share in factors)
        return figure, (
            f"P({class_names[label]}) = {product} = <b>{probabilities[label]:.3f}</b>. This path looks at "
            f"{sum(len(node.child_names) for node, _ in path_of(label_tree, label))} of the tree's "
            f"{label_tree.n_scores} scores; flat softmax, which says {flat[image, label]:.3f}, needs all "
            f"{len(class_names)}."
        )

    targets = [("the likeliest class", None), *((name, label) for label, name in enumerate(class_names))]
    controls = {
        "image": slider("Image", 0, min(len(y), 200) - 1, 0),
        "tree": choice("Tree", list(trees)),
        "target": choice("Follow the path to", targets),
    }
    return Exploration(draw, controls, description="A tree of classes with probabilities on its edges, for one image")


def leaf_order(tree):
    """The classes of a ``LabelTree`` from its first leaf to its last."""
    return sorted(range(len(tree.class_names)), key=lambda label: [child for _, child in path_of(tree, label)])


def _draw_tree(ax, tree, scores, order, label):
    height = np.empty(len(order))
    height[order] = np.arange(len(order))
    last = max(len(path_of(tree, leaf)) for leaf in order)

    def place(classes, depth):
        return (last if len(classes) == 1 else depth), height[classes].mean()

    for node in tree.nodes:
        below = np.flatnonzero(node.child_of_class >= 0)
        depth = [other for other, _ in path_of(tree, below[0])].index(node)
        start = place(below, depth)
        for child, share in enumerate(softmax(scores[node.columns])):
            classes = np.flatnonzero(node.child_of_class == child)
            end = place(classes, depth + 1)
            on_path = label in classes
            color = COLORS[0] if on_path else "#9a9a9a"
            ax.plot(
                *zip(start, end, strict=True), color=color, linewidth=0.8 + 8 * share, solid_capstyle="round", zorder=1
            )
            middle = [0.45 * a + 0.55 * b for a, b in zip(start, end, strict=True)]
            style = {"facecolor": "white", "edgecolor": "none", "pad": 1.2, "alpha": 0.9}
            ax.text(
                *middle,
                f"{share:.2f}",
                ha="center",
                va="center",
                fontsize=9.5,
                color=INK,
                bbox=style,
                weight="bold" if on_path else "normal",
            )
            name = node.child_names[child]
            inner = len(classes) > 1
            ax.text(
                end[0] + (0 if inner else 0.06),
                end[1],
                name,
                ha="center" if inner else "left",
                va="center",
                fontsize=10,
                color=INK,
                zorder=3,
                bbox={"boxstyle": "round,pad=0.25", "facecolor": "#eaf1fa", "edgecolor": color} if inner else None,
            )
    ax.plot(*place(np.arange(len(order)), 0), "o", color=COLORS[0], markersize=10)
    ax.set(xlim=(-0.15, last + 0.75), ylim=(len(order) - 0.4, -0.6))
    ax.axis("off")
    ax.set_title("a softmax at every node; the thicker, the likelier", fontsize=10.5)


def _draw_leaves(ax, probabilities, flat, order, truth, class_names):
    at = np.arange(len(order))
    ax.barh(at - 0.19, 100 * probabilities[order], color=COLORS[0], height=0.36, label="tree")
    ax.barh(at + 0.19, 100 * flat[order], color="#b5b5b5", height=0.36, label="flat")
    ax.set_yticks(at, [f"{class_names[label]} {'✓' if label == truth else ''}" for label in order])
    ax.set(xlim=(0, 100), ylim=(len(order) - 0.4, -0.6), xlabel="probability (%)")
    ax.set_title("the product at each leaf", fontsize=10.5)
    ax.legend(frameon=False, fontsize=9)
    ax.spines[["top", "right"]].set_visible(False)
