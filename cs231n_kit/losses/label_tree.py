"""Hierarchical softmax: classes are the leaves of a tree, with a small softmax at every node."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from cs231n_kit.arrays import array_module
from cs231n_kit.losses import arguments
from cs231n_kit.losses.classification import cross_entropies


@dataclass(frozen=True)
class Node:
    """An inner node: its name, the columns of its children's scores, and the child that leads to each class."""

    name: str
    columns: slice
    child_names: tuple[str, ...]
    child_of_class: np.ndarray  # (C,), index of the child, or -1 for classes that are not below this node


class LabelTree:
    """A tree over class names.

    Parameters
    ----------
    tree
        A dictionary from names to subtrees, or a list or tuple of class names and subtrees, e.g.
        ``{"animal": {"cat": ["tabby", "lynx"], "dog": ["pug", "collie"]}, "vehicle": ["car", "ship"]}``.
        Every inner node needs at least one child, and a class name may occur only once.
    class_names
        The order of the classes, by which labels count. Left out, the leaves from left to right.

    Attributes
    ----------
    class_names : the C classes; label c stands for ``class_names[c]``.
    nodes : the inner nodes, the root first. The columns of a score matrix are the children of the first node,
        then those of the second, and so on.
    n_scores : the number of these columns, which is what a network must put out.
    """

    def __init__(self, tree, class_names: Sequence[str] | None = None):
        leaves = _leaves(tree)
        twice = {name for name in leaves if leaves.count(name) > 1}
        if twice:
            raise ValueError(f"Every class must occur once in the tree; these occur more often: {sorted(twice)}")
        self.class_names = tuple(leaves if class_names is None else class_names)
        if sorted(self.class_names) != sorted(leaves):
            raise ValueError(
                f"class_names must be the leaves of the tree, {sorted(leaves)}, not {sorted(self.class_names)}"
            )
        self.nodes: list[Node] = []
        self.n_scores = 0
        self._add("root", tree)

    def log_probabilities(self, x):
        """log P(class) of every class, shape (N, C), for scores x (N, n_scores); its argmax is the prediction.

        P(class) is the product of the softmax probabilities along the path from the root.
        """
        x = self._check_scores(x)
        xp = array_module(x)
        result = xp.zeros((len(x), len(self.class_names)), x.dtype)
        for node in self.nodes:
            shifted = x[:, node.columns] - x[:, node.columns].max(axis=1, keepdims=True)
            logs = shifted - xp.log(xp.exp(shifted).sum(axis=1, keepdims=True))
            below = np.flatnonzero(node.child_of_class >= 0)
            result[:, below] += logs[:, node.child_of_class[below]]
        return result

    def _add(self, name, tree):
        children = _children(tree)
        columns = slice(self.n_scores, self.n_scores + len(children))
        self.n_scores = columns.stop
        child_of_class = np.full(len(self.class_names), -1)
        for i, (_, child) in enumerate(children):
            for leaf in _leaves(child):
                child_of_class[self.class_names.index(leaf)] = i
        self.nodes.append(Node(name, columns, tuple(child_name for child_name, _ in children), child_of_class))
        for child_name, child in children:
            if not isinstance(child, str):
                self._add(child_name, child)

    def _check_scores(self, x):
        x = arguments.scores(x, f"(N, {self.n_scores})", 2)
        if x.shape[1] != self.n_scores:
            raise ValueError(f"x must have {self.n_scores} columns, one for each branch of the tree, not {x.shape[1]}")
        return x


def hierarchical_softmax_loss(x, y, tree: LabelTree):
    """L = -1/N Σᵢ log P(yᵢ), where P is the product of softmax probabilities from the root to the class yᵢ.

    (Morin & Bengio, 2005; lecture 06.) Scores x (N, tree.n_scores), one for each branch of the tree, in the order
    of ``tree.nodes``; labels y (N,), indices into ``tree.class_names``. Returns the loss, a float, and
    dL/dx (N, tree.n_scores), which is 0 at nodes that a sample's path does not visit.
    Raises ValueError or TypeError for other shapes, labels or types, and for an empty batch.
    """
    if not isinstance(tree, LabelTree):
        raise TypeError(f"tree must be a LabelTree, not {type(tree).__name__}: use LabelTree(tree)")
    xp = array_module(x, y)
    x = tree._check_scores(x)
    classes = len(tree.class_names)
    y = arguments.labels(y, x.shape[:1], classes, f"the tree has {classes} classes")
    loss, gradient = 0.0, xp.zeros(x.shape, x.dtype)
    for node in tree.nodes:
        child = xp.asarray(node.child_of_class)[y]
        visiting = xp.nonzero(child >= 0)[0]
        if len(visiting):
            losses, at_node = cross_entropies(xp, x[visiting, node.columns], child[visiting])
            loss += float(losses.sum(dtype=xp.float64))
            gradient[visiting, node.columns] = at_node
    gradient /= len(x)
    return loss / len(x), gradient


def _children(tree) -> list[tuple[str, object]]:
    """The (name, subtree) pairs below an inner node."""
    if isinstance(tree, Mapping):
        children = [(str(name), child) for name, child in tree.items()]
    elif isinstance(tree, list | tuple):
        children = [(child if isinstance(child, str) else f"branch {i}", child) for i, child in enumerate(tree)]
    else:
        raise TypeError(f"A tree is made of dictionaries, lists, tuples and class names (str), not {tree!r}")
    if not children:
        raise ValueError("Every inner node of the tree needs at least one child, and one has none")
    return children


def _leaves(tree) -> list[str]:
    if isinstance(tree, str):
        return [tree]
    return [leaf for _, child in _children(tree) for leaf in _leaves(child)]
