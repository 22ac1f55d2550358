"""standardize."""

import numpy as np

from grader.check import Check, Mistake, Property

TRAINING, VALIDATION, STATISTICS = (0,), (1,), (2, 3)
_EITHER_CONVENTION = {
    "rtol": 1.2e-2,
    "atol": 2e-2,
}  # 1/N or 1/(N - 1) under the root: with 60 images or more it is little


def _features(rng, count=60, held_out=9, d=4):
    """(F_train, F_val), features of very different sizes; those of the validation images are larger and vary more."""
    center, spread = rng.uniform(2, 9, size=d) * rng.choice((-1, 1), size=d), rng.uniform(0.3, 6, size=d)
    while True:
        F_train, F_val = rng.normal(size=(count, d)), 1.8 * rng.normal(size=(held_out, d)) + 1.5
        if np.abs(F_val.std(axis=0) - 1).min() > 0.2 and np.abs(F_val.mean(axis=0)).min() > 0.3:
            return center + spread * F_train, center + spread * F_val


def _pairs(rng):
    return [_features(rng), _features(rng, 75, 14, 3)]


def _constant(rng):
    """Features that never change, in no image; the numbers are such that their mean is exact."""
    cases = []
    for value, column in ((0.0, 1), (0.5, 3)):
        F_train, F_val = _features(rng, 64)
        F_train[:, column] = F_val[:, column] = value
        cases.append((F_train, F_val))
    return cases


def _narrow(rng):
    F_train, F_val = _features(rng)
    return [(F_train, F_val[:1]), tuple(F.astype(np.float32) for F in _features(rng, 60, 5))]


_MEAN = "mean = F_train.mean(axis=0)"
_STD = "std = F_train.std(axis=0)"
_GUARD = "std[std == 0] = 1"
_RETURN = "return (F_train - mean) / std, (F_val - mean) / std, mean, std"

STANDARDIZE = Check(
    "standardize",
    (
        Property("Training features: mean 0, standard deviation 1", 1, _pairs, outputs=TRAINING, **_EITHER_CONVENTION),
        Property(
            "Validation features, by the mean and std of the training images",
            1.5,
            _pairs,
            outputs=VALIDATION,
            **_EITHER_CONVENTION,
        ),
        Property("mean and std, to be kept", 0.5, _pairs, outputs=STATISTICS, **_EITHER_CONVENTION),
        Property("A feature that never changes becomes 0", 0.5, _constant, outputs=(0, 1), **_EITHER_CONVENTION),
        Property("A single validation image; float32", 0.5, _narrow, outputs=(0, 1), **_EITHER_CONVENTION),
    ),
    (
        Mistake(
            "validation by its own statistics",
            "The validation features are standardised by their own mean and std. The classifier was trained on another "
            "scale; and a single image would always become 0.",
            ((_RETURN, "return (F_train - mean) / std, (F_val - F_val.mean(0)) / F_val.std(0), mean, std"),),
        ),
        Mistake(
            "statistics of all images",
            "mean and std are those of training and validation images together. Then the validation images take part "
            "in the making of the classifier that they are to judge.",
            (
                (_MEAN, "mean = np.concatenate([F_train, F_val]).mean(axis=0)"),
                (_STD, "std = np.concatenate([F_train, F_val]).std(axis=0)"),
            ),
        ),
        Mistake(
            "statistics of the validation images",
            "mean and std are those of the validation images. They belong to the training images.",
            ((_MEAN, "mean = F_val.mean(axis=0)"), (_STD, "std = F_val.std(axis=0)")),
        ),
        Mistake(
            "validation left alone",
            "The validation features come back as they were. They need the same treatment as the training features.",
            ((_RETURN, "return (F_train - mean) / std, F_val, mean, std"),),
        ),
        Mistake(
            "not divided",
            "The features are centred, but not divided by their standard deviations.",
            ((_RETURN, "return F_train - mean, F_val - mean, mean, std"),),
        ),
        Mistake(
            "not centred",
            "The features are divided by their standard deviations, but the mean was not subtracted.",
            ((_RETURN, "return F_train / std, F_val / std, mean, std"),),
        ),
        Mistake(
            "divided first",
            "The mean is subtracted after the division, where it is on another scale. Subtract first.",
            ((_RETURN, "return F_train / std - mean, F_val / std - mean, mean, std"),),
        ),
        Mistake(
            "variance",
            "The features are divided by their variance. The standard deviation is its square root.",
            ((_STD, "std = F_train.var(axis=0)"),),
        ),
        Mistake(
            "images instead of features",
            "Every image is standardised by itself. Every feature should be: mean and std run over the images.",
            (
                (
                    _RETURN,
                    "a, b = ((F - F.mean(1, keepdims=True)) / F.std(1, keepdims=True) for F in (F_train, F_val))\n"
                    "    return a, b, F_train.mean(axis=1), F_train.std(axis=1)",
                ),
            ),
        ),
        Mistake(
            "one number for all features",
            "There is one mean and one std for all features together. Every feature has its own: say along which axis.",
            ((_MEAN, "mean = np.full(F_train.shape[1], F_train.mean())"), (_STD, "std = 0 * mean + F_train.std()")),
        ),
        Mistake(
            "lowest 0, highest 1",
            "The features are scaled to lie between 0 and 1. Asked for is mean 0 and standard deviation 1.",
            ((_MEAN, "mean = F_train.min(axis=0)"), (_STD, "std = np.ptp(F_train, axis=0)")),
        ),
        Mistake(
            "largest absolute value",
            "The features are divided by their largest absolute value. Divide by the standard deviation.",
            ((_STD, "std = np.abs(F_train).max(axis=0)"),),
        ),
        Mistake(
            "mean and std exchanged",
            "The statistics come back in the wrong order: first mean, then std.",
            ((_RETURN, "return (F_train - mean) / std, (F_val - mean) / std, std, mean"),),
        ),
        Mistake(
            "division by zero",
            "A feature that never changes has the standard deviation 0, and 0 / 0 is NaN. Divide such a feature by "
            "something else.",
            ((_GUARD, "pass"),),
        ),
        Mistake(
            "statistics of the standardised features",
            "mean and std are those of the standardised features, 0 and 1. To be kept are the ones that were used.",
            ((_RETURN, "return (F_train - mean) / std, (F_val - mean) / std, 0 * mean, 0 * std + 1"),),
        ),
    ),
)
