"""Correct answers to assignment 1's notebook `softmax`, in the styles students use. All of them earn full points.

Loaded by tests/test_checks_linear.py as if each were a cell of a notebook.
"""

import math
import sys
import warnings

import numpy as np

# Losses: any of these is right for both functions, those without a loop also for the one that must have none.


def loss_in_plain_python(W, X, y, reg):
    """Lists, Python floats and the math module; the gradient as a list of rows."""
    weights, examples = W.tolist(), X.tolist()
    d, c, n = len(weights), len(weights[0]), len(examples)
    loss, dW = 0, [[0.0] * c for _ in range(d)]
    for x, label in zip(examples, y.tolist(), strict=True):
        scores = [sum(x[k] * weights[k][j] for k in range(d)) for j in range(c)]
        highest = max(scores)
        exponentials = [math.exp(s - highest) for s in scores]
        total = math.fsum(exponentials)
        loss += (math.log(total) + highest - scores[label]) / n
        for j in range(c):
            for k in range(d):
                dW[k][j] += x[k] * (exponentials[j] / total - (1 if j == label else 0)) / n
    loss += reg * sum(w * w for row in weights for w in row)
    for k in range(d):
        for j in range(c):
            dW[k][j] += 2 * reg * weights[k][j]
    return loss, dW


def loss_in_the_starter_codes_order(W, X, y, reg):
    """Examples outside, classes inside, the right class on a branch of its own, printing on the way."""
    loss = 0.0
    dW = np.zeros_like(W)
    for i in range(X.shape[0]):
        f = X[i].dot(W)
        f -= np.max(f)
        exp_f = np.exp(f)
        sum_f = np.sum(exp_f)
        loss += -f[y[i]] + np.log(sum_f)
        for j in range(W.shape[1]):
            if j == y[i]:
                dW[:, j] += (exp_f[j] / sum_f - 1) * X[i]
            else:
                dW[:, j] += exp_f[j] / sum_f * X[i]
        print("example", i, "loss", loss)
        print("progress", file=sys.stderr)
        warnings.warn("slow", stacklevel=1)
    loss /= X.shape[0]
    loss += reg * np.sum(W * W)
    dW /= X.shape[0]
    dW += 2 * reg * W
    return loss, dW


def loss_with_one_loop(W, X, y, reg):
    loss, dW = 0.0, np.zeros_like(W)
    for x, label in zip(X, y, strict=True):
        scores = x @ W
        scores = scores - scores.max()
        log_p = scores - np.log(np.exp(scores).sum())
        loss -= log_p[label]
        p = np.exp(log_p)
        p[label] -= 1
        dW += np.outer(x, p)
    return loss / len(X) + reg * (W**2).sum(), dW / len(X) + 2 * reg * W


def loss_that_spoils_its_inputs(W, X, y, reg):
    """Writes into X and W once they are no longer needed, as far as it can see."""
    loss, dW = loss_with_log_probabilities(W, X, y, reg)
    X *= 0
    W -= 1
    return np.array([loss]), dW


def loss_with_log_probabilities(W, X, y, reg):
    N = X.shape[0]
    S = X.dot(W)
    S = S - np.max(S, axis=1, keepdims=True)
    log_p = S - np.log(np.sum(np.exp(S), axis=1, keepdims=True))
    dS = np.exp(log_p)
    dS[range(N), y] -= 1
    return -np.sum(log_p[range(N), y]) / N + reg * np.sum(W * W), X.T.dot(dS) / N + 2 * reg * W


def loss_with_one_hot_labels(W, X, y, reg):
    """Times zero: scores of the other classes are finite, their log-probabilities need not be."""
    hot = np.eye(W.shape[1])[y]
    scores = X @ W
    scores = scores - scores.max(1).reshape(-1, 1)
    weights = np.exp(scores)
    probabilities = weights / np.einsum("nc->n", weights)[:, None]
    loss = (np.log(weights.sum(1)) - (hot * scores).sum(1)).mean() + reg * np.square(W).sum()
    return loss, np.einsum("nd,nc->dc", X, probabilities - hot) / len(y) + 2.0 * reg * W


def loss_by_logaddexp(W, X, y, reg):
    """NumPy's own stable sum of exponentials."""
    scores = X @ W
    log_total = np.logaddexp.reduce(scores, axis=1)
    right = np.take_along_axis(scores, y.reshape(-1, 1).astype(int), axis=1)[:, 0]
    dscores = np.exp(scores - log_total[:, None])
    np.add.at(dscores, (np.arange(len(y)), y), -1)
    return np.mean(log_total - right) + reg * np.linalg.norm(W) ** 2, (dscores.T @ X / len(X)).T + reg * (W + W)


def loss_with_classes_in_rows(W, X, y, reg):
    """The notation of textbooks: an example is a column."""
    A = W.T @ X.T
    A = A - A.max(axis=0)
    P = np.exp(A) / np.exp(A).sum(axis=0)
    right = A[y, np.arange(A.shape[1])] - np.log(np.exp(A).sum(axis=0))
    P[y, np.arange(A.shape[1])] -= 1
    return -right.sum() / X.shape[0] + reg * np.vdot(W, W), (P @ X).T / X.shape[0] + 2 * reg * W


def loss_shifted_by_the_right_class(W, X, y, reg):
    """Leads over the right class; the largest of them is taken out before the exponential."""
    n = len(X)
    scores = X @ W
    leads = scores - scores[np.arange(n), y][:, None]
    highest = np.maximum(leads.max(axis=1), 0)
    exponentials = np.exp(leads - highest[:, None])
    dscores = exponentials / exponentials.sum(axis=1)[:, None]
    dscores -= np.equal.outer(y, np.arange(W.shape[1]))
    losses = highest + np.log(exponentials.sum(axis=1))
    return losses.mean() + (reg * W**2).sum(), X.T @ (dscores / n) + 2 * reg * W


def loss_in_float32(W, X, y, reg):
    loss, dW = loss_with_log_probabilities(W.astype(np.float32), X.astype(np.float32), y, np.float32(reg))
    return np.float32(loss), dW.astype(np.float32)


def loss_from_helpers(W, X, y, reg):
    scores = X @ W
    penalty, slope = _penalty(W, reg)
    dscores = (_softmax(scores) - np.eye(W.shape[1])[y]) / len(y)
    return float(np.mean(_log_sum_exp(scores) - scores[np.arange(len(y)), y])) + penalty, X.T @ dscores + slope


def _log_sum_exp(scores):
    highest = scores.max(axis=1)
    return highest + np.log(np.exp(scores - highest[:, None]).sum(axis=1))


def _softmax(scores):
    return np.exp(scores - _log_sum_exp(scores)[:, None])


def _penalty(W, reg):
    return reg * np.tensordot(W, W), 2 * reg * W


def loss_as_a_matrix(W, X, y, reg):
    loss, dW = loss_with_log_probabilities(W, X, y, reg)
    return np.asarray(loss).reshape(1, 1), np.matrix(dW)


WITH_LOOPS = (loss_in_plain_python, loss_in_the_starter_codes_order, loss_with_one_loop)
WITHOUT_LOOPS = (
    loss_that_spoils_its_inputs,
    loss_with_log_probabilities,
    loss_with_one_hot_labels,
    loss_by_logaddexp,
    loss_with_classes_in_rows,
    loss_shifted_by_the_right_class,
    loss_in_float32,
    loss_from_helpers,
    loss_as_a_matrix,
)
