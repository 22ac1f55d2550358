"""What the browser is told of an architecture playground: once, and frame by frame."""

import numpy as np

from cs231n_kit.optimizers import RULES
from cs231n_kit.widgets import palette
from cs231n_kit.widgets.architecture_look import first_filters, pictures
from cs231n_kit.widgets.architecture_presets import presets
from cs231n_kit.widgets.architecture_state import RANGES, preset_settings
from cs231n_kit.widgets.training_records import rounded


def setup(data):
    """What it must know once: images, classes, presets, and the values of its controls."""
    known = presets(data.input_shape)
    used = len(data.X_train)
    some = f"the first {used:,} of {data.available:,}" if used < data.available else f"{used:,}"
    return {
        "image_shape": list(data.image_shape),
        "classes": list(data.class_names),
        "labels": data.y_val.tolist(),
        "about": f"{some} training images, {len(data.X_val):,} validation images",
        "presets": [
            {
                "name": name,
                "title": preset.title,
                "text": preset.text,
                "settings": preset_settings(name, data.input_shape),
            }
            for name, preset in known.items()
        ],
        "ranges": {name: list(ends) for name, ends in RANGES.items()},
        "rules": list(RULES),
        "signs": {"negative": palette.NEGATIVE, "zero": palette.ZERO, "positive": palette.POSITIVE},
    }


def progress(run):
    """Where the training stands."""
    return {
        "step": run.step_count,
        "epoch": round(run.epoch, 2),
        "rate": round(run.rate, 2),
        "trouble": run.trouble,
        "network": run.network is not None,
        "history": [[rounded(value) for value in record] for record in run.history],
        "losses": [[step, rounded(loss)] for step, loss in run.losses()],
    }


def inside(run, seen, values, silent, buffers):
    """What the network makes of an image, a ``Look``; adds a layer's maps, their ranges, filters and saliency.

    values: the layer's activations or gradients; silent: which of its maps are, bool (maps,), or None; see
    ``silent_maps``.
    """
    shades, ranges = pictures(values)
    filters, largest = first_filters(run.network, run.data.image_shape)
    saliency = pictures(seen.saliency[None])[0]
    buffers += [shades.tobytes(), ranges.tobytes(), filters.tobytes(), saliency.tobytes()]
    return {
        "probabilities": [rounded(value) for value in seen.probabilities],
        "label": seen.label,
        "given": seen.given,
        "shape": list(values.shape),
        "map_shape": list(shades.shape),
        "silent": None if silent is None else np.flatnonzero(silent[: len(shades)]).tolist(),
        "filter_shape": list(filters.shape),
        "largest": [rounded(value) for value in largest],
    }
