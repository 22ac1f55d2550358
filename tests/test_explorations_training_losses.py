"""What lecture 06 measures of losses: trees of classes, attributes, turned digits, sequences; and their figures."""

import itertools
import math

import numpy as np
import pytest
from scipy import stats
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import precision_score, recall_score
from sklearn.svm import LinearSVC
from test_explorations import (
    assert_labelled,
    test_every_control_works_to_its_ends_and_changes_the_picture,
    test_it_says_what_it_shows_and_offers_a_still_picture,
)

from cs231n_kit.datasets import load
from cs231n_kit.explorations import (
    attributes,
    label_tree_cost,
    label_trees,
    loss_shapes,
    scoring,
    structured_prediction,
    turned_digits,
)
from cs231n_kit.losses import LabelTree, logistic_loss, softmax_loss

# The same two tests as for the figures of lecture 02, on the fixture below.
__all__ = [
    "test_every_control_works_to_its_ends_and_changes_the_picture",
    "test_it_says_what_it_shows_and_offers_a_still_picture",
]

CIFAR10 = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
RNG = np.random.default_rng(0)
DIGITS = load("digits")


def tree_figure():
    images, y = DIGITS.X_test[:20], DIGITS.y_test[:20]
    tree = LabelTree(label_trees.DIGIT_TREE, DIGITS.class_names)
    other = LabelTree(label_trees.shuffled(label_trees.DIGIT_TREE, RNG), DIGITS.class_names)
    trees = {"sensible": (tree, RNG.normal(size=(20, 16))), "random": (other, RNG.normal(size=(20, 16)))}
    return label_trees.explore_tree(images, y, RNG.normal(size=(20, 10)), trees, DIGITS.class_names)


def attribute_figure():
    names, table = attributes.attribute_table(DIGITS.class_names)
    scores = {name: RNG.normal(size=(20, 7)) for name in attributes.LOSSES}
    return attributes.explore_attributes(
        DIGITS.X_test[:20], DIGITS.y_test[:20], scores, table, names, DIGITS.class_names
    )


def zero_shot_figure():
    names, table = attributes.attribute_table(DIGITS.class_names)
    flat = DIGITS.X_test.reshape(200, -1).astype(np.float32) / 255
    problem = attributes.ZeroShot(flat, DIGITS.y_test, flat[:100], DIGITS.y_test[:100], table)
    return attributes.explore_zero_shot(problem, DIGITS.X_test[:100], names, DIGITS.class_names, (3, 4))


def angle_figure():
    problem = turned_digits.turned_digits(DIGITS.X_test[:2], DIGITS.X_test[:6], copies=1)
    found = {name: RNG.uniform(-90, 90, 6) for name in turned_digits.NAMES}
    return turned_digits.explore_angles(
        problem, {"one": (found, RNG.dirichlet(np.ones(36), 6)), "two": (found, RNG.dirichlet(np.ones(36), 6))}
    )


def sequence_figure():
    found = structured_prediction.readings(DIGITS.X_test, DIGITS.y_test, 40, seed=0)
    chain = structured_prediction.ChainSVM(epochs=5).fit(found.inputs(), found.digits)
    return structured_prediction.explore_sequences(chain, found, found.digits[:, ::-1])


EXPLORATIONS = {
    "loss shapes": loss_shapes.explore_loss_shapes,
    "tree cost": label_tree_cost.explore_cost,
    "tree": tree_figure,
    "attributes": attribute_figure,
    "angles": angle_figure,
    "sequences": sequence_figure,
}


@pytest.fixture(scope="module", params=EXPLORATIONS.values(), ids=EXPLORATIONS)
def exploration(request):
    return request.param()


@pytest.fixture(scope="module")
def digit_features():
    X, X_new, _ = scoring.features(DIGITS.X_train, DIGITS.X_test)
    return X, DIGITS.y_train, X_new, DIGITS.y_test


# Losses as curves


@pytest.mark.parametrize("losses", [loss_shapes.CLASSIFICATION, loss_shapes.REGRESSION], ids=["classes", "numbers"])
def test_curves_are_the_formulas_and_slopes_their_derivatives(losses):
    formulas = {
        "hinge": lambda m: max(0, 1 - m),
        "squared hinge": lambda m: max(0, 1 - m) ** 2,
        "cross-entropy": lambda m: math.log(1 + math.exp(-m)),
        "L2": lambda e: e**2,
        "L1": abs,
        "Huber, δ = 1": lambda e: e**2 / 2 if abs(e) <= 1 else abs(e) - 0.5,
    }
    measured = loss_shapes.of_margin if losses is loss_shapes.CLASSIFICATION else loss_shapes.of_error
    for name, loss in losses.items():
        for at in (-2.3, -0.4, 0.35, 1.7):
            value, slope = measured(loss, at)
            assert value == pytest.approx(formulas[name](at)), name
            numeric = (formulas[name](at + 1e-6) - formulas[name](at - 1e-6)) / 2e-6
            assert slope == pytest.approx(numeric, abs=1e-5), name


# Trees of classes


def ways(tree, above=()):
    """{class: names from the root down} of a tree of dictionaries and lists."""
    if isinstance(tree, list):
        return {leaf: (*above, leaf) for leaf in tree}
    return {leaf: way for name, child in tree.items() for leaf, way in ways(child, (*above, name)).items()}


@pytest.mark.parametrize(
    ("tree", "names"), [(label_trees.CIFAR10_TREE, CIFAR10), (label_trees.DIGIT_TREE, DIGITS.class_names)]
)
def test_paths_and_distances_are_those_of_the_tree(tree, names):
    assert label_trees.sensible_tree(names) is tree
    labels, expected = LabelTree(tree, names), ways(tree)
    for label, name in enumerate(names):
        found = [node.child_names[child] for node, child in label_trees.path_of(labels, label)]
        assert tuple(found) == expected[name]
    apart = label_trees.distances(labels)
    for (a, one), (b, other) in itertools.product(enumerate(names), repeat=2):
        shared = sum(
            1
            for _ in itertools.takewhile(
                lambda pair: pair[0] == pair[1], zip(expected[one], expected[other], strict=False)
            )
        )
        assert apart[a, b] == max(len(expected[one]), len(expected[other])) - shared
    assert [names[label] for label in label_trees.leaf_order(labels)] == list(expected)
    with pytest.raises(ValueError, match="not for \\('cat', 'dog'\\)"):
        label_trees.sensible_tree(("cat", "dog"))


def test_a_shuffled_tree_has_the_same_shape_and_classes():
    mixed = label_trees.shuffled(label_trees.CIFAR10_TREE, np.random.default_rng(1))
    assert sorted(label_trees.leaves(mixed)) == sorted(CIFAR10) != label_trees.leaves(mixed)
    assert [[len(pair) for pair in half] for half in mixed] == [[2, 2, 2], [2, 2]]
    sizes = [len(node.child_names) for node in LabelTree(mixed, CIFAR10).nodes]
    assert sizes == [len(node.child_names) for node in LabelTree(label_trees.CIFAR10_TREE, CIFAR10).nodes]


def test_going_down_takes_the_likelier_child_at_every_node():
    tree = LabelTree(label_trees.CIFAR10_TREE, CIFAR10)
    scores = RNG.normal(size=(200, tree.n_scores))
    found, looked = label_trees.greedy_classes(scores, tree)
    columns = {node.name: node.columns for node in tree.nodes}
    for row, label, seen in zip(scores, found, looked, strict=True):
        part, name, count = label_trees.CIFAR10_TREE, "root", 0
        while not isinstance(part, str):
            count += len(part)
            best = row[columns[name]].argmax()
            name = (list(part) if isinstance(part, dict) else part)[best]
            part = part[name] if isinstance(part, dict) else name
        assert (CIFAR10[label], seen) == (name, count)
    likeliest = tree.log_probabilities(scores).argmax(axis=1)
    assert 0.6 < (likeliest == found).mean() < 1, "not always the likeliest leaf"


def test_the_sentence_multiplies_along_the_path():
    tree = LabelTree(label_trees.CIFAR10_TREE, CIFAR10)
    scores = RNG.normal(size=(3, tree.n_scores))
    images = np.zeros((3, 32, 32, 3), np.uint8)
    figure = label_trees.explore_tree(images, np.zeros(3, int), np.zeros((3, 10)), {"a": (tree, scores)}, CIFAR10)
    figure.set(image=1, target=CIFAR10.index("dog"))
    animal, pet, dog = (softmax(scores[1, tree.nodes[node].columns])[child] for node, child in ((0, 0), (1, 0), (2, 1)))
    text = figure.sentence.value
    assert f"{animal:.2f} (animal) × {pet:.2f} (pet) × {dog:.2f} (dog) = <b>{animal * pet * dog:.3f}</b>" in text
    assert "looks at 7 of the tree's 17 scores; flat softmax, which says 0.100, needs all 10" in text


def test_trees_are_measured_as_they_are(digit_features):
    X, y, X_new, y_new = digit_features
    found = label_trees.compare(X, y, X_new, y_new, DIGITS.class_names, random_trees=2)
    assert [entry["name"] for entry in found] == ["flat softmax", "sensible tree", "random tree 1", "random tree 2"]
    flat, sensible, *_ = found
    peer = LogisticRegression(C=1 / (2 * len(X) * 0.01)).fit(X, y)  # scikit-learn's sum of losses + Σ w² / 2
    assert flat["accuracy"] == pytest.approx(peer.score(X_new, y_new), abs=0.05)
    assert (
        sensible["accuracy"] == (sensible["tree"].log_probabilities(sensible["scores"]).argmax(axis=1) == y_new).mean()
    )
    assert 0.8 < sensible["greedy"] <= sensible["accuracy"] + 0.02
    needed = [2 + 2 + (3 if name in "147235" else 2) for name in DIGITS.class_names]
    assert sensible["on_path"] == pytest.approx(np.mean([needed[label] for label in y]))
    loops = np.isin(y_new, [0, 6, 8, 9])
    root = sensible["scores"][:, :2].argmax(axis=1) == 0
    assert sensible["root"] == pytest.approx((root == loops).mean())
    right = flat["predicted"] == y_new, sensible["predicted"] == y_new
    gain, error = label_trees.advantage(flat["predicted"], sensible["predicted"], y_new)
    assert gain == pytest.approx(right[0].mean() - right[1].mean())
    assert error == pytest.approx(stats.sem(right[0].astype(float) - right[1], ddof=0))
    figure = label_trees.comparison_figure(found, y_new)
    assert_labelled(figure)
    widths = [bar.get_width() for container in figure.axes[1].containers for bar in container]
    assert sum(widths) == pytest.approx(100 * sum(1 - entry["accuracy"] for entry in found))


def test_costs_are_those_of_full_trees():
    for branches, levels in ((2, 3), (4, 2), (10, 1)):
        tree = [str(leaf) for leaf in range(branches**levels)]
        while len(tree) > branches:
            tree = [tree[start : start + branches] for start in range(0, len(tree), branches)]
        labels = LabelTree(tree)
        classes = branches**levels
        assert label_tree_cost.all_branches(classes, branches) == labels.n_scores
        on_path = sum(len(node.child_names) for node, _ in label_trees.path_of(labels, 0))
        assert label_tree_cost.multiply_adds(classes, 7, branches) == 7 * on_path
    assert label_tree_cost.depth(1000, 2) == math.ceil(math.log2(1000))
    figure = label_tree_cost.explore_cost()
    figure.set(classes=100_000, branching=10, inputs=64)
    assert "100,000 × 64 = 6,400,000" in figure.sentence.value and "2,000.0 times fewer" in figure.sentence.value


# Attributes


def test_attributes_describe_the_classes():
    names, table = attributes.attribute_table(CIFAR10)
    assert table.shape == (10, len(names)) and set(np.unique(table)) == {0, 1}
    assert [CIFAR10[label] for label in np.flatnonzero(table[:, names.index("flies")])] == ["airplane", "bird"]
    rows = [tuple(row) for row in table]
    same = {(one, other) for one, other in itertools.combinations(range(10), 2) if rows[one] == rows[other]}
    assert same == {(CIFAR10.index("cat"), CIFAR10.index("dog"))}
    _, strokes = attributes.attribute_table(DIGITS.class_names)
    assert len({tuple(row) for row in strokes}) == 10 and strokes[8].all()
    assert strokes.sum(axis=1).tolist() == [6, 2, 5, 5, 4, 5, 6, 3, 7, 6]  # lit strokes of a seven-segment display
    with pytest.raises(ValueError, match="not for \\('cat',\\)"):
        attributes.attribute_table(("cat",))


def test_measures_are_scikit_learns():
    scores, present = RNG.normal(size=(50, 3)), RNG.integers(0, 2, (50, 3))
    found = attributes.measure(scores, present, threshold=0.4)
    for column in range(3):
        said, truth = scores[:, column] > 0.4, present[:, column]
        assert found["precision"][column] == pytest.approx(precision_score(truth, said))
        assert found["recall"][column] == pytest.approx(recall_score(truth, said))
        assert found["accuracy"][column] == pytest.approx((said == truth).mean())
        assert found["guess"][column] == pytest.approx(max(truth.mean(), 1 - truth.mean()))
    assert np.isnan(attributes.measure(scores, present, threshold=99)["precision"]).all()


def test_a_class_is_as_likely_as_its_attributes():
    scores, table = RNG.normal(size=(5, 4)), RNG.integers(0, 2, (3, 4))
    found = attributes.class_log_likelihoods(scores, table)
    chances = 1 / (1 + np.exp(-scores))
    for image, label in itertools.product(range(5), range(3)):
        assert found[image, label] == pytest.approx(stats.bernoulli(chances[image]).logpmf(table[label]).sum())
    assert np.isfinite(attributes.class_log_likelihoods(np.full((1, 4), 800.0), table)).all()


def test_attributes_are_learned_as_well_as_by_scikit_learn(digit_features):
    X, y, X_new, y_new = digit_features
    names, table = attributes.attribute_table(DIGITS.class_names)
    network = scoring.trained(X, table[y], logistic_loss, len(names))
    found = attributes.measure(network.forward(X_new), table[y_new])
    for column in range(len(names)):
        peer = LogisticRegression(C=1 / (2 * len(X) * 0.01)).fit(X, table[y, column])
        assert found["accuracy"][column] == pytest.approx(peer.score(X_new, table[y_new, column]), abs=0.06)
    figure = attributes.accuracy_figure({"logistic": network.forward(X_new)}, table[y_new], names)
    assert_labelled(figure)


def test_unseen_classes_are_never_seen(digit_features):
    X, y, X_new, y_new = digit_features
    _, table = attributes.attribute_table(DIGITS.class_names)
    spoiled = X.copy()
    spoiled[(y == 3) | (y == 4)] = np.nan  # a single one of them in training would spoil all scores
    problem = attributes.ZeroShot(spoiled, y, X_new, y_new, table)
    found = problem.likelihoods(3, 4)
    assert np.isfinite(found).all()
    between, among = problem.accuracies(found, (3, 4))
    for place, (own, other) in enumerate(((3, 4), (4, 3))):
        part = found[y_new == own]
        assert between[place] == pytest.approx((part[:, own] > part[:, other]).mean())
        assert among[place] == pytest.approx((part.argmax(axis=1) == own).mean())
    assert between.mean() > 0.8 > 0.3 > among.mean()
    table[4] = table[3]
    assert attributes.ZeroShot(X, y, X_new, y_new, table).accuracies(
        attributes.class_log_likelihoods(np.zeros((len(y_new), 7)), table), (3, 4)
    )[0].tolist() == [0.5, 0.5]


def test_any_two_classes_can_be_hidden():
    figure = zero_shot_figure()
    start = bytes(figure.picture.value)
    assert "Trained without one 3 and without one 4; what tells them: top, upper left, bottom." in figure.sentence.value
    figure.set(first=0, second=8)
    assert "what tells them: middle." in figure.sentence.value and bytes(figure.picture.value) != start
    figure.set(second=0)
    assert "Choose two <b>different</b> classes" in figure.sentence.value
    assert figure._repr_mimebundle_()["image/png"]


# Turned digits


def test_digits_are_turned_and_labelled():
    image = RNG.random((1, 5, 5)).astype(np.float32)
    np.testing.assert_allclose(turned_digits.turn(image, [90])[0], np.rot90(image[0]), atol=1e-6)
    problem = turned_digits.turned_digits(DIGITS.X_train[:40], DIGITS.X_test[:10], copies=2)
    assert problem.X.shape == (80, 12, 12) and problem.X.dtype == np.float32 and problem.X_new.shape == (20, 12, 12)
    upright = np.pad(DIGITS.X_train[7, ..., 0] / 255, 2)
    np.testing.assert_allclose(problem.X[15], turned_digits.turn(upright[None], problem.angles[15:16])[0], atol=1e-6)
    assert np.abs(problem.angles).max() <= 90 and problem.angles.std() > 40
    assert turned_digits.bin_of([-90, -85.1, -84.9, 0, 90]).tolist() == [0, 0, 1, 18, 35]
    np.testing.assert_allclose(turned_digits.bin_of(turned_digits.CENTERS), np.arange(36))
    angles = np.linspace(-90, 90, 5000)
    assert (turned_digits.with_wrong_labels(angles, 0.1) != angles).mean() == pytest.approx(0.1, abs=0.015)
    assert np.array_equal(turned_digits.with_wrong_labels(angles, 0), angles)


def test_what_the_lecture_says_of_angles_is_true():
    """Classification is ahead, and wrong angles hurt L2 the most and the likeliest bin little."""
    problem = turned_digits.turned_digits(DIGITS.X_train, DIGITS.X_test)
    runs = {
        share: turned_digits.answers(problem, turned_digits.with_wrong_labels(problem.angles, share))
        for share in (0.0, 0.1)
    }
    clean, hurt = (turned_digits.mean_errors(found, problem.angles_new) for found, _ in runs.values())
    errors = np.abs(runs[0.0][0]["l1"] - problem.angles_new)
    assert clean["l1"] == pytest.approx((errors.mean(), stats.sem(errors, ddof=0)))
    assert max(mean for mean, _ in clean.values()) < 25, "guessing gives 45"
    assert clean["mode"][0] < clean["l1"][0] < clean["l2"][0]
    losses = {name: hurt[name][0] - clean[name][0] for name in clean}
    assert max(losses["l1"], losses["mode"]) < losses["l2"] - 2
    for found, shares in runs.values():
        np.testing.assert_allclose(shares.sum(axis=1), 1)
        np.testing.assert_allclose(found["mean"], shares @ (np.arange(36) * 5 - 87.5))
    assert_labelled(turned_digits.error_figure({"right": runs[0.0], "wrong": runs[0.1]}, problem.angles_new))


# Sequences


def score(unary, transitions, sequence):
    places = sum(unary[t, digit] for t, digit in enumerate(sequence))
    return places + sum(transitions[a, b] for a, b in itertools.pairwise(sequence))


def test_the_best_sequence_of_all_is_found():
    for seed in range(5):
        rng = np.random.default_rng(seed)
        unary, transitions = rng.normal(size=(4, 10)), rng.normal(size=(10, 10))
        truth = rng.integers(0, 10, 4)
        unary[np.arange(4), truth] += 2  # so that the bonus of 1 for wrong digits decides
        every = np.array(list(itertools.product(range(10), repeat=4)))
        scores = np.array([score(unary, transitions, sequence) for sequence in every])
        assert structured_prediction.viterbi(unary, transitions).tolist() == every[scores.argmax()].tolist()
        wrong = (every != truth).sum(axis=1)
        found, task_loss = structured_prediction.most_violating(np.concatenate([unary, transitions]), truth)
        best = (scores + wrong).argmax()
        assert found.tolist() == every[best].tolist() and task_loss == wrong[best]
        parts = structured_prediction.parts_of(every[best])
        assert (parts * np.concatenate([unary, transitions])).sum() == pytest.approx(scores[best])


def test_readings_follow_the_rule_of_the_meter():
    found = structured_prediction.readings(DIGITS.X_train, DIGITS.y_train, 400, seed=3)
    steps = np.diff(found.digits, axis=1) % 10
    shares = np.bincount(steps.ravel(), minlength=10) / steps.size
    np.testing.assert_allclose(shares[:3], [0.35, 0.5, 0.15], atol=0.04)
    assert shares[3:].sum() == 0 and set(np.unique(found.digits)) == set(range(10))
    assert found.images.shape == (400, 8, 8, 8) and 0 <= found.images.min() and found.images.max() <= 1
    again = structured_prediction.readings(DIGITS.X_train, DIGITS.y_train, 400, seed=3)
    assert np.array_equal(found.images, again.images)
    clean = structured_prediction.readings(DIGITS.X_train, DIGITS.y_train, 2, seed=3, noise=0, dirt=0)
    scans = {scan.tobytes() for scan in (DIGITS.X_train[..., 0].astype(np.float32) / 255)}
    assert all(picture.tobytes() in scans for picture in clean.images.reshape(-1, 8, 8))


def test_neighbours_help_and_the_rule_is_learned():
    seen = structured_prediction.readings(DIGITS.X_train, DIGITS.y_train, 300, seed=0)
    new = structured_prediction.readings(DIGITS.X_test, DIGITS.y_test, 200, seed=1)
    X, X_new = seen.inputs(), new.inputs()
    alone = structured_prediction.ChainSVM(transitions=False, epochs=8).fit(X, seen.digits)
    chain = structured_prediction.ChainSVM(epochs=8).fit(X, seen.digits)
    assert not alone.A_.any() and chain.losses_[-1] < chain.losses_[0] / 1.5
    peer = LinearSVC(multi_class="crammer_singer", fit_intercept=False, C=0.01).fit(
        X.reshape(-1, 65), seen.digits.ravel()
    )
    by_place, _ = structured_prediction.accuracies(alone.predict(X_new), new.digits)
    assert by_place == pytest.approx(peer.score(X_new.reshape(-1, 65), new.digits.ravel()), abs=0.05)
    together, whole = structured_prediction.accuracies(chain.predict(X_new), new.digits)
    assert together > by_place + 0.08
    assert whole == pytest.approx(
        np.mean([list(a) == list(b) for a, b in zip(chain.predict(X_new), new.digits, strict=True)])
    )
    following = (np.arange(10)[None] - np.arange(10)[:, None]) % 10 <= 2
    assert chain.A_[following].min() > chain.A_[~following].max(), "what can follow, and what cannot"
    assert_labelled(structured_prediction.transition_figure(chain.A_, seen.digits))
    shown = structured_prediction.explore_sequences(chain, new, alone.predict(X_new))
    shown.set(sequence=2, weight=0.0)
    unary = X_new[2] @ chain.W_
    assert f"Read: {' '.join(str(digit) for digit in unary.argmax(axis=1))}, " in shown.sentence.value


def test_features_of_new_images_are_scaled_like_those_of_training():
    X, X_new, described = scoring.features(DIGITS.X_train, DIGITS.X_train[:5])
    np.testing.assert_array_equal(X[:5], X_new)
    assert described == "64 pixels" and abs(X.mean()) < 1e-5
    photographs = RNG.integers(0, 256, (12, 32, 32, 3), dtype=np.uint8)
    assert scoring.features(photographs, photographs)[2] == "154 gradients and hues"
    first, again = (scoring.trained(X, DIGITS.y_train, softmax_loss, 10, updates=20).forward(X) for _ in range(2))
    np.testing.assert_array_equal(first, again)
