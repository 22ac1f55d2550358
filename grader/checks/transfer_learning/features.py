"""extract_features: what the body makes of images, once and for all."""

from cs231n_kit.checking.answer_key import Case
from grader.check import SINGLE_PRECISION, Check, Mistake, Property

from .networks import AVERAGES, SHAPE, after_call, images, network, of_blocks

_DEEP = (6, 2, 8, 16)  # three blocks leave two places


def _network(rng, shape=SHAPE, filters=(2, 3)):
    """One where the ReLU of the last block has something to cut off: its first filter, in all places."""
    params = network(rng, shape, filters)
    params[f"block{len(filters)}.beta"][0] = -4
    return params


def _whole_batches(rng):
    return [
        (_network(rng), images(rng, (6, 1, 8, 6))[0], 3),
        (_network(rng, _DEEP, (2, 3, 2)), images(rng, _DEEP)[0], 2),
    ]


def _other_batches(rng):
    """A last batch that is smaller, by one image and by more; all images in one batch; a single one; the default."""
    X, params = images(rng, (7, 1, 8, 6))[0], _network(rng)
    return [(params, X, 3), (params, X, 4), (params, X, 50), (params, X[:1], 2), (params, X)]


def _modes(rng):
    params = _network(rng)
    take = (0, *after_call(of_blocks(params, AVERAGES)))
    return [Case((params, images(rng, (4, 1, 8, 6))[0], 2), take=take)]


_LOOP = "features = []\n    for start in range(0, len(X), batch_size):"
_FORWARD = 'out, _ = block_forward(params, block, out, "test")'
_BLOCKS = "for block in blocks(params):"
_APPEND = "features.append(out.reshape(len(out), -1))"
_RETURN = "return np.concatenate(features)"

EXTRACT_FEATURES = Check(
    "extract_features",
    (
        Property("Features of batches of the same size", 1.5, _whole_batches, **SINGLE_PRECISION),
        Property("A smaller last batch, one batch for all, a single image", 1.5, _other_batches, **SINGLE_PRECISION),
        Property("The network stays as it is, bit by bit", 1, _modes, "unmoved", **SINGLE_PRECISION),
    ),
    (
        Mistake(
            "training mode",
            'The blocks run in mode "train": an image has other features beside other images, and the running averages '
            "move with every batch.",
            ((_FORWARD, _FORWARD.replace("test", "train")),),
        ),
        Mistake(
            "training mode on a copy",
            "The blocks normalise by the batch: an image has other features beside other images. The running averages, "
            "which stay here, are made for this.",
            ((_FORWARD, 'out, _ = block_forward(dict(params), block, out, "train")'),),
        ),
        Mistake(
            "last batch dropped",
            "The last images are missing where the number of images is no multiple of batch_size.",
            ((_LOOP, _LOOP.replace("len(X)", "len(X) // batch_size * batch_size or len(X)")),),
        ),
        Mistake(
            "last batch left at zeros",
            "The last rows are all zeros where the number of images is no multiple of batch_size: the last batch may "
            "be smaller.",
            (
                (
                    _RETURN,
                    "whole = max(1, len(X) // batch_size)\n"
                    "    missing = np.zeros_like(np.concatenate(features[whole:] or [features[0][:0]]))\n"
                    "    return np.concatenate([*features[:whole], missing])",
                ),
            ),
        ),
        Mistake(
            "first batch only",
            "There are features of the first batch only.",
            ((_RETURN, "return features[0]"),),
        ),
        Mistake(
            "last batch filled up",
            "There are more rows than images: the last batch may be smaller than batch_size.",
            (
                (
                    _APPEND,
                    "out = np.resize(out, (batch_size if len(X) > batch_size else len(out), *out.shape[1:]))\n"
                    f"        {_APPEND}",
                ),
            ),
        ),
        Mistake(
            "scores of the old head",
            "These are the scores of the old head, not features. All they say is how much an image looks like the old "
            "classes. The new head gets what the old one got.",
            ((_APPEND, _APPEND.replace("-1)", '-1) @ params["head.w"] + params["head.b"]')),),
        ),
        Mistake(
            "one block too early",
            "These are features of the last block but one: all blocks belong to the body, the last one too.",
            ((_BLOCKS, "for block in blocks(params)[:-1]:"),),
        ),
        Mistake(
            "before the ReLU",
            "These are the numbers before the ReLU of the last block, pooled. The head was trained on what comes after "
            "it, and so is the new one.",
            (
                (
                    _FORWARD,
                    "w, bn = params[f'{block}.w'], {'mode': 'test'}\n"
                    "            bn |= {k: params[f'{block}.{k}'] for k in ('running_mean', 'running_var')}\n"
                    "            out, _ = conv_forward(out, w, np.zeros(len(w)), {'pad': 1})\n"
                    "            out, _ = spatial_batchnorm_forward(\n"
                    "                out, params[f'{block}.gamma'], params[f'{block}.beta'], bn)\n"
                    "            if block != blocks(params)[-1]:\n"
                    "                out, _ = relu_forward(out)\n"
                    "            out, _ = max_pool_forward(\n"
                    "                out, {'pool_height': 2, 'pool_width': 2, 'stride': 2})",
                ),
            ),
        ),
        Mistake(
            "maps averaged",
            "Each map is averaged to one number. The head gets all places of the maps, flattened.",
            ((_APPEND, "features.append(out.mean(axis=(2, 3)))"),),
        ),
        Mistake(
            "not flattened",
            "The features are still maps, (N, F, H, W). The head gets a row for each image.",
            ((_APPEND, "features.append(out)"),),
        ),
        Mistake(
            "channels last",
            "The places come first and the filters last in each row. The head's weights belong to rows that are "
            "flattened as they are, (F, H, W).",
            ((_APPEND, "features.append(out.transpose(0, 2, 3, 1).reshape(len(out), -1))"),),
        ),
    ),
)
