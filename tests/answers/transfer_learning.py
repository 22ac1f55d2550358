# ruff: noqa: F821 (names of the notebook)
"""Correct answers to assignment 3's notebook `transfer_learning`, in the styles students use. All earn full points.

They use what the notebook gives (blocks, block_forward, adamw, train, ...), so they work in its namespace only. The
first answers to all functions make a notebook, so do the second ones, and so on.
"""

import copy
import functools
import itertools

import numpy as np

# select_classes


def classes_by_appending(X, y, classes):
    images, labels = [], []
    for i in range(len(X)):
        for k in range(len(classes)):
            if y[i] == classes[k]:
                images.append(X[i])
                labels.append(k)
    return np.array(images), np.array(labels)


def classes_by_a_dictionary(X, y, classes):
    new = {label: k for k, label in enumerate(classes.tolist())}
    mask = np.isin(y, classes)
    return X[mask], np.array([new[label] for label in y[mask].tolist()])


def classes_by_a_sorted_search(X, y, classes):
    order = np.argsort(classes)
    keep = np.flatnonzero(np.isin(y, classes))
    return X[keep], order[np.searchsorted(classes, y[keep], sorter=order)]


def classes_by_a_table(X, y, classes):
    table = np.full(max(y.max(), classes.max()) + 1, -1)
    table[classes] = np.arange(len(classes))
    return X[table[y] >= 0], table[y][table[y] >= 0]


def classes_one_by_one_then_in_order(X, y, classes):
    rows = np.concatenate([np.where(y == c)[0] for c in classes])
    labels = np.concatenate([np.full((y == c).sum(), float(k)) for k, c in enumerate(classes)])
    order = rows.argsort()
    return X[rows[order]], labels[order]


def classes_overwriting_the_labels(X, y, classes):
    new = -np.ones_like(y)
    for k, c in enumerate(classes):
        new[y == c] = k
    y[:] = new
    return [X[y != -1], y[y != -1]]


# loss_and_gradients


def loss_with_all_gradients_and_a_choice(params, X, y, frozen):
    caches, h = [], X
    for b in blocks(params):
        h, cache = block_forward(params, b, h, "test" if b in frozen else "train")
        caches.append((b, cache))
    scores, cache = affine_forward(h, params["head.w"], params["head.b"])
    loss, dscores = softmax_loss(scores, y)
    dh, dw, db = affine_backward(dscores, cache)
    grads = {}
    for b, c in caches[::-1]:
        dh, g = block_backward(dh, c)
        for key in g:
            grads[b + "." + key] = g[key]
    grads = {name: g for name, g in grads.items() if layer_of(name) not in frozen}
    grads["head.w"] = dw
    grads["head.b"] = db
    return loss, grads


def loss_by_recursion(params, X, y, frozen):
    def through(x, left):
        """Loss, gradient with respect to x, gradients of the layers that are left."""
        if not left:
            scores, cache = affine_forward(x, params["head.w"], params["head.b"])
            loss, dscores = softmax_loss(scores, y)
            dx, dw, db = affine_backward(dscores, cache)
            return loss, dx, {"head.w": dw, "head.b": db}
        block, *rest = left
        out, cache = block_forward(params, block, x, ("train", "test")[block in frozen])
        loss, dout, grads = through(out, rest)
        dx, own = block_backward(dout, cache)
        if block not in frozen:
            grads.update({f"{block}.{k}": v for k, v in own.items()})
        return loss, dx, grads

    loss, _, grads = through(X, blocks(params))
    return loss, grads


def loss_written_out(params, X, y, frozen):
    N = X.shape[0]
    a = X
    caches = {}
    for b in blocks(params):
        if b in frozen:
            a, caches[b] = block_forward(params, b, a, "test")
        else:
            a, caches[b] = block_forward(params, b, a, "train")
    flat = a.reshape(N, -1)
    scores = flat.dot(params["head.w"]) + params["head.b"]
    scores -= scores.max(axis=1, keepdims=True)
    p = np.exp(scores)
    p /= p.sum(axis=1, keepdims=True)
    loss = -np.log(p[np.arange(N), y]).mean()
    p[np.arange(N), y] -= 1
    p /= N
    grads = {"head.w": flat.T.dot(p), "head.b": p.sum(axis=0)}
    da = p.dot(params["head.w"].T).reshape(a.shape)
    trained = [b for b in blocks(params) if b not in frozen]
    for b in blocks(params)[::-1]:
        if not trained:
            break
        da, g = block_backward(da, caches[b])
        if b in trained:
            trained.remove(b)
            for k in ("w", "gamma", "beta"):
                grads[f"{b}.{k}"] = g[k]
    return loss, grads


def loss_with_gradients_of_frozen_blocks_too(params, X, y, frozen):
    """update leaves them alone."""
    steps = [
        lambda x, b=b: block_forward(params, b, x, "test" if b in set(frozen) else "train") for b in blocks(params)
    ]
    out, caches = X, []
    for step in steps:
        out, cache = step(out)
        caches.append(cache)
    scores, cache = affine_forward(out, params["head.w"], params["head.b"])
    loss, dscores = softmax_loss(scores, y)
    dout, *head = affine_backward(dscores, cache)
    grads = dict(zip(("head.w", "head.b"), head, strict=True))
    for block in reversed(blocks(params)):
        dout, found = block_backward(dout, caches.pop())
        grads |= {f"{block}.{kind}": g for kind, g in found.items()}
    return np.array([loss]), grads


def loss_in_two_parts(params, X, y, frozen):
    """The frozen blocks at the bottom first, as for features; then a smaller network."""
    names = blocks(params)
    bottom = list(itertools.takewhile(lambda b: b in frozen, names))
    for b in bottom:
        X, _ = block_forward(params, b, X, "test")
    stack = []
    for b in names[len(bottom) :]:
        X, cache = block_forward(params, b, X, "test" if b in frozen else "train")
        stack.append((b, cache))
    scores, cache = affine_forward(X, params["head.w"], params["head.b"])
    loss, d = softmax_loss(scores, y)
    d, dw, db = affine_backward(d, cache)
    grads = dict([("head.w", dw), ("head.b", db)])
    while stack:
        b, cache = stack.pop()
        d, g = block_backward(d, cache)
        if b not in frozen:
            grads[f"{b}.w"], grads[f"{b}.gamma"], grads[f"{b}.beta"] = g["w"], g["gamma"], g["beta"]
    return [float(loss), grads]


def loss_with_modes_in_a_dictionary(params, X, y, frozen):
    names = blocks(params)
    mode = dict.fromkeys(names, "train") | {b: "test" for b in frozen if b in names}
    outs, caches = [X], []
    for b in names:
        out, cache = block_forward(params, b, outs[-1].copy(), mode[b])
        outs.append(out)
        caches.append(cache)
    scores, hc = affine_forward(outs[-1], params["head.w"], params["head.b"])
    loss, dscores = softmax_loss(scores, y)
    dout, dw, db = affine_backward(dscores, hc)
    lowest = next((i for i, b in enumerate(names) if mode[b] == "train"), len(names))
    grads = {"head.w": dw, "head.b": db}
    for i in range(len(names) - 1, lowest - 1, -1):
        dout, g = block_backward(dout, caches[i])
        grads |= {f"{names[i]}.{k}": v for k, v in g.items() if mode[names[i]] == "train"}
    return loss, grads


# update


def update_in_place(params, grads, configs, frozen, learning_rate, body_scale, weight_decay):
    for name in grads:
        layer = name.split(".")[0]
        if layer not in frozen:
            config = configs.get(name, {})
            config["learning_rate"] = learning_rate
            if layer != "head":
                config["learning_rate"] *= body_scale
            config["weight_decay"] = weight_decay
            next_w, configs[name] = adamw(params[name], grads[name], config)
            params[name][...] = next_w
    return params, configs


def update_by_comprehensions(params, grads, configs, frozen, learning_rate, body_scale, weight_decay):
    trained = [name for name in grads if layer_of(name) not in frozen]
    rates = {name: learning_rate if name.startswith("head.") else learning_rate * body_scale for name in trained}
    asked = {
        name: configs.get(name, {}) | {"learning_rate": rates[name], "weight_decay": weight_decay} for name in trained
    }
    done = {name: adamw(params[name], grads[name], asked[name]) for name in trained}
    return (
        {name: done[name][0] if name in done else array for name, array in params.items()},
        {**configs, **{name: config for name, (_, config) in done.items()}},
    )


def update_written_out(params, grads, configs, frozen, learning_rate, body_scale, weight_decay):
    """AdamW's formula, with configs of its own that read the same."""
    new_params, new_configs = copy.copy(params), copy.copy(configs)
    for name, dw in grads.items():
        if layer_of(name) in frozen:
            continue
        lr = learning_rate if layer_of(name) == "head" else body_scale * learning_rate
        config = configs.get(name, {"m": 0.0, "v": 0.0, "t": 0})
        t = config["t"] + 1
        m = 0.9 * config["m"] + 0.1 * dw
        v = 0.999 * config["v"] + 0.001 * dw**2
        w = params[name] * (1 - lr * weight_decay)
        new_params[name] = w - lr * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
        new_configs[name] = {"m": m, "v": v, "t": t}
    return new_params, new_configs


def update_layer_by_layer(params, grads, configs, frozen, learning_rate, body_scale, weight_decay):
    """Comes back in another order of layers."""
    stepped, kept = {}, dict(configs)
    for layer in ["head", *blocks(params)[::-1]]:
        for name in sorted(params):
            if layer_of(name) != layer:
                continue
            stepped[name] = params[name]
            if name in grads and layer not in frozen:
                rate = learning_rate * {"head": 1.0}.get(layer, body_scale)
                config = dict(kept.get(name) or {}, learning_rate=rate, weight_decay=weight_decay)
                stepped[name], kept[name] = adamw(params[name], grads[name], config)
    return stepped, kept


def update_with_setdefault(params, grads, configs, frozen, learning_rate, body_scale, weight_decay):
    for name in list(grads):
        if any(name.startswith(f"{layer}.") for layer in frozen):
            grads.pop(name)
    for name, dw in grads.items():
        config = configs.setdefault(name, {})
        config.update(learning_rate=(body_scale if "block" in name else 1) * learning_rate, weight_decay=weight_decay)
        params[name], new = adamw(params[name], dw, config)
        config.update(new)
    return [params, configs]


def update_with_a_rate_for_each(params, grads, configs, frozen, learning_rate, body_scale, weight_decay):
    rates = {**{b: learning_rate * body_scale for b in blocks(params)}, "head": learning_rate}
    for layer in frozen:
        rates.pop(layer, None)
    result, memory = {k: v.copy() for k, v in params.items()}, copy.deepcopy(configs)
    for name in params:
        if name in grads and layer_of(name) in rates:
            memory.setdefault(name, {})
            memory[name]["learning_rate"], memory[name]["weight_decay"] = rates[layer_of(name)], weight_decay
            result[name], memory[name] = adamw(result[name], grads[name], memory[name])
    return result, memory


# replace_head


def head_on_a_deep_copy(params, num_classes, weight_scale=0.01):
    new = copy.deepcopy(params)
    D = new["head.w"].shape[0]
    new["head.w"] = np.random.randn(D, num_classes) * weight_scale
    new["head.b"] = np.zeros(num_classes)
    return new


def head_from_a_generator(params, num_classes, weight_scale=0.01):
    rng = np.random.default_rng()
    old = params["head.w"]
    head = {"head.w": rng.normal(0, weight_scale, (len(old), num_classes)), "head.b": np.zeros((num_classes,))}
    return {name: array + 0 for name, array in params.items() if not name.startswith("head")} | head


def head_in_a_loop(params, num_classes, weight_scale=0.01):
    network = {}
    for name in params:
        if layer_of(name) != "head":
            network[name] = np.array(params[name])
    features, _ = params["head.w"].shape
    network["head.w"] = np.random.normal(scale=weight_scale, size=[features, num_classes]).astype(np.float32)
    network["head.b"] = np.zeros_like(params["head.b"], shape=num_classes)
    return network


def head_first(params, num_classes, weight_scale=0.01):
    w = weight_scale * np.random.standard_normal((params["head.w"].shape[0], num_classes))
    new = dict(**{"head.w": w, "head.b": 0 * w[0]})
    for name, array in params.items():
        new.setdefault(name, np.copy(array))
    return new


def head_overwritten_in_a_copy(params, num_classes, weight_scale=0.01):
    new = {name: array.astype(array.dtype, copy=True) for name, array in params.items()}
    w, b = new.pop("head.w"), new.pop("head.b")
    new.update(
        {"head.w": np.random.randn(len(w), num_classes).astype(w.dtype), "head.b": np.zeros(num_classes, b.dtype)}
    )
    new["head.w"] *= weight_scale
    return new


def head_biases_as_a_row(params, num_classes, weight_scale=0.01):
    new = {name: copy.deepcopy(array) for name, array in params.items()}
    new["head.w"] = weight_scale * np.random.RandomState().randn(len(params["head.w"]), num_classes)
    new["head.b"] = np.zeros(num_classes, dtype=params["head.b"].dtype)
    return new


# extract_features


def features_stacked(params, X, batch_size=100):
    N = X.shape[0]
    rows = None
    for i in range(0, N, batch_size):
        h = X[i : min(i + batch_size, N)]
        for b in blocks(params):
            h = block_forward(params, b, h, "test")[0]
        h = h.reshape(h.shape[0], -1)
        rows = h if rows is None else np.vstack((rows, h))
    return rows


def features_filled_in(params, X, batch_size=100):
    features = np.empty((0, 0))
    for start in range(0, len(X), batch_size):
        stop = start + batch_size
        out = functools.reduce(lambda x, b: block_forward(params, b, x, "test")[0], blocks(params), X[start:stop])
        if start == 0:
            features = np.empty((len(X), out[0].size), out.dtype)
        features[start:stop] = out.reshape(len(out), -1)
    return features


def features_one_image_at_a_time(params, X, batch_size=100):
    rows = []
    for image in X:
        out = image[np.newaxis]
        for b in blocks(params):
            out, _ = block_forward(params, b, out, mode="test")
        rows.append(out.ravel())
    return np.array(rows)


def features_of_split_arrays(params, X, batch_size=100):
    parts = np.array_split(X, np.arange(batch_size, len(X), batch_size))
    for block in blocks(params):
        parts = [block_forward(params, block, part, "test")[0] for part in parts]
    return np.concatenate([part.reshape(part.shape[0], part[0].size) for part in parts], axis=0)


def features_of_a_copy_with_an_iterator(params, X, batch_size=100):
    network, todo, rows = dict(params), X.copy(), []
    while len(todo):
        out, todo = todo[:batch_size], todo[batch_size:]
        for b in blocks(network):
            out, _ = block_forward(network, b, out, "test")
        rows.extend(out.reshape(len(out), -1).tolist())
    return np.array(rows, dtype=X.dtype)


def features_counting_batches(params, X, batch_size=100):
    count = int(np.ceil(len(X) / batch_size))
    found = []
    for k in range(count):
        a = X[k * batch_size : (k + 1) * batch_size]
        for b in blocks(params):
            a, _ = block_forward(params, b, a, "test")
        found += list(a.reshape(a.shape[0], np.prod(a.shape[1:])))
    return np.stack(found)


# train_head


def head_split_off(params, features, y, epochs, batch_size, learning_rate, seed):
    head = {"head.w": params["head.w"], "head.b": params["head.b"]}
    head = train(head, features, y, (), epochs, batch_size, learning_rate, seed)
    return {**params, **head}


def head_put_into_a_copy(params, features, y, epochs, batch_size, learning_rate, seed):
    result = {name: array.copy() for name, array in params.items()}
    head = {name: result[name] for name in result if name in ("head.w", "head.b")}
    result.update(train(head, features, y, [], epochs, batch_size, learning_rate, seed=seed))
    return result


def head_in_a_loop_of_its_own(params, features, y, epochs, batch_size, learning_rate, seed):
    head, configs = {name: params[name] for name in ("head.w", "head.b")}, {}
    rng = np.random.RandomState(seed)
    for _ in range(epochs):
        order = rng.permutation(len(features))
        for start in range(0, len(order), batch_size):
            rows = order[start : start + batch_size]
            _, grads = loss_and_gradients(head, features[rows], y[rows], ())
            head, configs = update(head, grads, configs, (), learning_rate, 1.0, 0.01)
    return params | head


def head_trained_in_params(params, features, y, epochs, batch_size, learning_rate, seed):
    body = {name: params.pop(name) for name in list(params) if layer_of(name) != "head"}
    train(params, features, y, (), epochs, batch_size, learning_rate, seed)
    params.update(body)
    return params


def head_by_name(params, features, y, epochs, batch_size, learning_rate, seed):
    settings = dict(frozen=(), epochs=epochs, batch_size=batch_size, learning_rate=learning_rate, seed=seed)
    trained = train({n: np.copy(a) for n, a in params.items() if n[:4] == "head"}, X=features, y=y, **settings)
    for name, array in trained.items():
        params[name] = array
    return params


def head_with_softmax_written_out(params, features, y, epochs, batch_size, learning_rate, seed):
    w, b = params["head.w"].copy(), params["head.b"].copy()
    rng, cw, cb = np.random.RandomState(seed), {}, {}
    for _ in range(epochs):
        order = rng.permutation(len(features))
        for start in range(0, len(features), batch_size):
            x, labels = (part[order[start : start + batch_size]] for part in (features, y))
            scores = x @ w + b
            p = np.exp(scores - scores.max(axis=1, keepdims=True))
            p /= p.sum(axis=1, keepdims=True)
            d = (p - np.eye(len(b))[labels]) / len(x)
            w, cw = adamw(w, x.T @ d, {**cw, "learning_rate": learning_rate, "weight_decay": 0.01})
            b, cb = adamw(b, d.sum(axis=0), {**cb, "learning_rate": learning_rate, "weight_decay": 0.01})
    return {**params, "head.w": w, "head.b": b}


# fine_tune


def tuned_in_a_loop(params, X, y, stages, epochs, batch_size, learning_rate, body_scale, seed):
    all_blocks = blocks(params)
    for n in stages:
        frozen = []
        for i in range(len(all_blocks)):
            if i < len(all_blocks) - n:
                frozen.append(all_blocks[i])
        train(params, X, y, frozen, epochs, batch_size, learning_rate, seed, body_scale)
    return params


def tuned_by_sets(params, X, y, stages, epochs, batch_size, learning_rate, body_scale, seed):
    network = {name: array.copy() for name, array in params.items()}
    for count in stages:
        trained = set(blocks(network)[::-1][:count])
        frozen = set(blocks(network)) - trained
        network = train(network, X, y, frozen, epochs, batch_size, learning_rate, seed, body_scale=body_scale)
    return network


def tuned_by_recursion(params, X, y, stages, epochs, batch_size, learning_rate, body_scale, seed):
    if len(stages) == 0:
        return params
    first, *later = stages
    last = len(blocks(params)) - first
    params = train(params, X, y, tuple(blocks(params)[:last]), epochs, batch_size, learning_rate, seed, body_scale)
    if not later:
        return params
    return fine_tune(params, X, y, later, epochs, batch_size, learning_rate, body_scale, seed)


def tuned_with_numbers(params, X, y, stages, epochs, batch_size, learning_rate, body_scale, seed):
    depth = len(blocks(params))
    for stage in range(len(stages)):
        frozen = [f"block{i}" for i in range(1, depth - stages[stage] + 1)]
        params = train(params, X, y, frozen, epochs, batch_size, learning_rate, seed, body_scale, 0.01)
    return params


def tuned_freezing_by_index(params, X, y, stages, epochs, batch_size, learning_rate, body_scale, seed):
    names = blocks(params)
    for count in stages:
        frozen = {b for i, b in enumerate(names) if len(names) - i > count}
        params = dict(train(dict(params), X, y, frozen, epochs, batch_size, learning_rate, seed, body_scale))
    return params


def tuned_with_the_whole_loop(params, X, y, stages, epochs, batch_size, learning_rate, body_scale, seed):
    for count in stages:
        frozen, configs, rng = blocks(params), {}, np.random.RandomState(seed)
        for _ in range(count):
            frozen.pop()
        for _ in range(epochs):
            order = rng.permutation(len(X))
            for start in range(0, len(X), batch_size):
                rows = order[start : start + batch_size]
                grads = loss_and_gradients(params, X[rows], y[rows], frozen)[1]
                params, configs = update(params, grads, configs, frozen, learning_rate, body_scale, 0.01)
    return params


STYLES = {
    "select_classes": (
        classes_by_appending,
        classes_by_a_dictionary,
        classes_by_a_sorted_search,
        classes_by_a_table,
        classes_one_by_one_then_in_order,
        classes_overwriting_the_labels,
    ),
    "loss_and_gradients": (
        loss_with_all_gradients_and_a_choice,
        loss_by_recursion,
        loss_written_out,
        loss_with_gradients_of_frozen_blocks_too,
        loss_in_two_parts,
        loss_with_modes_in_a_dictionary,
    ),
    "update": (
        update_in_place,
        update_by_comprehensions,
        update_written_out,
        update_layer_by_layer,
        update_with_setdefault,
        update_with_a_rate_for_each,
    ),
    "replace_head": (
        head_on_a_deep_copy,
        head_from_a_generator,
        head_in_a_loop,
        head_first,
        head_overwritten_in_a_copy,
        head_biases_as_a_row,
    ),
    "extract_features": (
        features_stacked,
        features_filled_in,
        features_one_image_at_a_time,
        features_of_split_arrays,
        features_of_a_copy_with_an_iterator,
        features_counting_batches,
    ),
    "train_head": (
        head_split_off,
        head_put_into_a_copy,
        head_in_a_loop_of_its_own,
        head_trained_in_params,
        head_by_name,
        head_with_softmax_written_out,
    ),
    "fine_tune": (
        tuned_in_a_loop,
        tuned_by_sets,
        tuned_by_recursion,
        tuned_with_numbers,
        tuned_freezing_by_index,
        tuned_with_the_whole_loop,
    ),
}
