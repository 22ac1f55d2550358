"""Correct answers to assignment 1's notebook `svm`, in the styles students use. All of them earn full points.

Loaded by tests/test_checks_linear.py as if each were a cell of a notebook.
"""

import sys
import warnings

import numpy as np

# Losses: any of these is right for both functions, those without a loop also for the one that must have none.


def loss_in_plain_python(W, X, y, reg):
    """Lists and Python floats; the gradient as a list of rows."""
    weights, examples = W.tolist(), X.tolist()
    d, c, n = len(weights), len(weights[0]), len(examples)
    loss, dW = 0, [[0.0] * c for _ in range(d)]
    for x, label in zip(examples, y.tolist(), strict=True):
        scores = [sum(x[k] * weights[k][j] for k in range(d)) for j in range(c)]
        for j in range(c):
            margin = scores[j] - scores[label] + 1
            if j != label and margin > 0:
                loss += margin / n
                for k in range(d):
                    dW[k][j] += x[k] / n
                    dW[k][label] -= x[k] / n
    loss += reg * sum(w * w for row in weights for w in row)
    for k in range(d):
        for j in range(c):
            dW[k][j] += 2 * reg * weights[k][j]
    return loss, dW


def loss_with_the_penalty_in_the_loop(W, X, y, reg):
    """The starter code's order: count the violated margins, print on the way, average at the end."""
    dW = np.zeros_like(W)
    loss = 0.0
    for i in range(X.shape[0]):
        scores = X[i].dot(W)
        count = 0
        for j in range(W.shape[1]):
            if j == y[i]:
                continue
            margin = scores[j] - scores[y[i]] + 1
            if margin > 0:
                loss += margin
                count += 1
                dW[:, j] += X[i, :]
        dW[:, y[i]] -= count * X[i, :]
        print("example", i, "loss", loss)
        print("progress", file=sys.stderr)
        warnings.warn("slow", stacklevel=1)
    loss /= X.shape[0]
    dW /= X.shape[0]
    loss += reg * np.sum(W * W)
    dW += reg * 2 * W
    return loss, dW


def loss_with_one_loop(W, X, y, reg):
    loss, dW = 0.0, np.zeros_like(W)
    for x, label in zip(X, y, strict=True):
        margins = x @ W
        margins = (margins - margins[label] + 1).clip(0)
        margins[label] = 0
        loss += margins.sum()
        violated = margins > 0
        direction = violated.astype(float)
        direction[label] = -violated.sum()
        dW += np.outer(x, direction)
    return loss / len(X) + reg * (W**2).sum(), dW / len(X) + 2 * reg * W


def loss_that_spoils_its_inputs(W, X, y, reg):
    """Writes into X and W once they are no longer needed, as far as it can see."""
    loss, dW = loss_with_a_mask(W, X, y, reg)
    X *= 0
    W -= 1
    return np.array([loss]), dW


def loss_with_a_mask(W, X, y, reg):
    N = X.shape[0]
    S = X.dot(W)
    correct = S[range(N), y].reshape(-1, 1)
    M = np.maximum(0, S - correct + 1)
    M[range(N), y] = 0
    mask = np.zeros_like(M)
    mask[M > 0] = 1
    mask[range(N), y] = -np.sum(mask, axis=1)
    return np.sum(M) / N + reg * np.sum(W * W), X.T.dot(mask) / N + 2 * reg * W


def loss_with_one_hot_labels(W, X, y, reg):
    hot = np.eye(W.shape[1])[y]
    scores = X @ W
    margins = (scores - (scores * hot).sum(1, keepdims=True) + 1) * (1 - hot)
    violated = (margins > 0).astype(np.float64)
    dscores = violated - hot * violated.sum(1, keepdims=True)
    loss = (margins * violated).sum(1).mean() + reg * np.square(W).sum()
    return loss, np.einsum("nd,nc->dc", X, dscores) / len(y) + 2.0 * reg * W


def loss_that_subtracts_the_right_class(W, X, y, reg):
    """The right class counts 1 for every example, which is taken off again."""
    n = len(X)
    scores = X @ W
    margins = np.maximum(0, scores - np.take_along_axis(scores, y.reshape(-1, 1).astype(int), axis=1) + 1)
    loss = margins.sum() / n - 1 + reg * np.linalg.norm(W) ** 2
    violated = np.where(margins > 0, 1.0, 0.0)
    np.add.at(violated, (np.arange(n), y), -violated.sum(axis=1))
    return loss, (violated.T @ X / n).T + reg * (W + W)


def loss_in_float32(W, X, y, reg):
    loss, dW = loss_with_a_mask(W.astype(np.float32), X.astype(np.float32), y, np.float32(reg))
    return np.float32(loss), dW.astype(np.float32)


def loss_from_helpers(W, X, y, reg):
    margins = _margins(X @ W, y)
    return float(margins.sum() / len(y) + _penalty(W, reg)), X.T @ _slopes(margins, y) / len(y) + 2 * reg * W


def _margins(scores, y):
    margins = np.maximum(scores - scores[np.arange(len(y)), y][:, None] + 1, 0)
    margins[np.arange(len(y)), y] = 0
    return margins


def _slopes(margins, y):
    slopes = np.sign(margins)
    slopes[np.arange(len(y)), y] -= slopes.sum(1)
    return slopes


def _penalty(W, reg):
    return reg * np.tensordot(W, W)


def loss_as_a_matrix(W, X, y, reg):
    loss, dW = loss_with_a_mask(W, X, y, reg)
    return np.asarray(loss).reshape(1, 1), np.matrix(dW)


WITH_LOOPS = (loss_in_plain_python, loss_with_the_penalty_in_the_loop, loss_with_one_loop)
WITHOUT_LOOPS = (
    loss_that_spoils_its_inputs,
    loss_with_a_mask,
    loss_with_one_hot_labels,
    loss_that_subtracts_the_right_class,
    loss_in_float32,
    loss_from_helpers,
    loss_as_a_matrix,
)

# The notebook's name for the loss that training uses.
svm_loss_vectorized = loss_with_a_mask


def train_in_place(W, X, y, learning_rate, reg, num_iters, batch_size):
    history = np.zeros(num_iters)
    for step in range(num_iters):
        rows = np.random.randint(0, len(X), batch_size)
        history[step], gradient = svm_loss_vectorized(W, X[rows], y[rows], reg)
        W += -learning_rate * gradient
    return W, history


def train_without_replacement(W, X, y, learning_rate, reg, num_iters, batch_size):
    rng = np.random.default_rng()
    losses = []
    for _ in range(num_iters):
        rows = rng.choice(X.shape[0], size=min(batch_size, len(X)), replace=False)
        loss, gradient = svm_loss_vectorized(W, X[rows, :], y[rows], reg)
        losses += [float(loss)]
        W = W - gradient * learning_rate
    return W, losses


def train_by_permutations(W, X, y, learning_rate, reg, num_iters, batch_size):
    W = np.array(W)
    losses = []
    while len(losses) < num_iters:
        rows = np.random.permutation(len(X))[:batch_size]
        loss, gradient = svm_loss_vectorized(W, X[rows], y[rows], reg)
        losses.append([loss])
        W -= learning_rate * gradient
        if len(losses) % 100 == 0:
            print(f"iteration {len(losses)}: loss {loss}")
    return W, losses


def train_by_epochs(W, X, y, learning_rate, reg, num_iters, batch_size):
    """Shuffles, goes through the batches, shuffles again."""
    losses, order = [], np.array([], int)
    for _ in range(num_iters):
        if len(order) < batch_size:
            order = np.random.permutation(len(X))
        rows, order = order[:batch_size], order[batch_size:]
        loss, gradient = svm_loss_vectorized(W, X[rows], y[rows], reg)
        losses.append(loss)
        W = W - learning_rate * gradient
    return W, np.array(losses)


def train_with_the_random_module(W, X, y, learning_rate, reg, num_iters, batch_size):
    import random

    losses = []
    for _ in range(num_iters):
        rows = [random.randrange(len(X)) for _ in range(batch_size)]
        loss, gradient = svm_loss_vectorized(W, np.array([X[i] for i in rows]), np.array([y[i] for i in rows]), reg)
        losses.append(loss)
        W = np.subtract(W, np.multiply(learning_rate, gradient))
    return W, losses


def train_by_recursion(W, X, y, learning_rate, reg, num_iters, batch_size):
    if num_iters == 0:
        return W, np.empty(0)
    rows = np.random.choice(np.arange(len(y)), batch_size, replace=True)
    loss, gradient = svm_loss_vectorized(W, X[rows], y[rows], reg)
    W, losses = train_by_recursion(W - learning_rate * gradient, X, y, learning_rate, reg, num_iters - 1, batch_size)
    return W, np.append(loss, losses)


TRAINING = (
    train_in_place,
    train_without_replacement,
    train_by_permutations,
    train_by_epochs,
    train_with_the_random_module,
    train_by_recursion,
)


def predict_in_plain_python(W, X):
    result = []
    for x in X.tolist():
        scores = [sum(a * b for a, b in zip(x, column, strict=True)) for column in W.T.tolist()]
        result.append(scores.index(max(scores)))
    return result


def predict_in_a_loop(W, X):
    y_pred = np.zeros(X.shape[0])
    for i in range(X.shape[0]):
        y_pred[i] = np.argmax(X[i].dot(W))
    return y_pred


def predict_by_sorting(W, X):
    return (X @ W).argsort(axis=1)[:, -1]


def predict_transposed(W, X):
    return np.dot(W.T, X.T).argmax(axis=0)


def predict_as_a_column(W, X):
    return np.argmax(X @ W, axis=1, keepdims=True)


def predict_as_bytes(W, X):
    return np.einsum("nd,dc->nc", X, W).argmax(-1).astype(np.uint8)


def predict_from_probabilities(W, X):
    scores = X @ W
    return np.exp(scores - scores.max(1, keepdims=True)).argmax(1)


PREDICTIONS = (
    predict_in_plain_python,
    predict_in_a_loop,
    predict_by_sorting,
    predict_transposed,
    predict_as_a_column,
    predict_as_bytes,
    predict_from_probabilities,
)
