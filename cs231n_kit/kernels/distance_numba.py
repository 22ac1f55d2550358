"""Distances in machine code: all L1 distances, and those of chosen pairs."""

import numpy as np
from numba import prange

from cs231n_kit.kernels.parallel import compiled


@compiled(parallel=True)
def sum_absolute_differences(X, Y, distances):
    """Write sum_d |X[n, d] - Y[m, d]| into distances[n, m].

    Blocks of 4 rows of X by 2 rows of Y: of every 6 numbers loaded come 8 differences, kept in registers.
    Indices are unsigned, because signed ones (which may count from the end) keep LLVM from vectorising.
    """
    N, M, D = np.uint64(X.shape[0]), np.uint64(Y.shape[0]), np.uint64(X.shape[1])
    one, two, four = np.uint64(1), np.uint64(2), np.uint64(4)
    for block in prange((N + np.uint64(3)) // four):
        n = np.uint64(block) * four
        # The last block repeats the last row, so that there is no second loop for what is left over.
        n0, n1, n2, n3 = n, min(n + one, N - one), min(n + two, N - one), min(n + np.uint64(3), N - one)
        for pair in range((M + one) // two):
            m0 = np.uint64(pair) * two
            m1 = min(m0 + one, M - one)
            zero = distances.dtype.type(0)
            s00 = s01 = s10 = s11 = s20 = s21 = s30 = s31 = zero
            for d in range(D):
                d = np.uint64(d)
                y0, y1 = Y[m0, d], Y[m1, d]
                x = X[n0, d]
                s00 += abs(x - y0)
                s01 += abs(x - y1)
                x = X[n1, d]
                s10 += abs(x - y0)
                s11 += abs(x - y1)
                x = X[n2, d]
                s20 += abs(x - y0)
                s21 += abs(x - y1)
                x = X[n3, d]
                s30 += abs(x - y0)
                s31 += abs(x - y1)
            distances[n0, m0], distances[n0, m1] = s00, s01
            distances[n1, m0], distances[n1, m1] = s10, s11
            distances[n2, m0], distances[n2, m1] = s20, s21
            distances[n3, m0], distances[n3, m1] = s30, s31


@compiled(parallel=True)
def paired_l1(X, Y, rows, columns, distances):
    """Write sum_d |X[n, d] - Y[m, d]|, computed in float64, for each pair (n, m) of rows and columns."""
    for i in prange(len(rows)):
        n, m, total = np.uint64(rows[i]), np.uint64(columns[i]), 0.0
        for d in range(np.uint64(X.shape[1])):
            total += abs(np.float64(X[n, d]) - np.float64(Y[m, d]))
        distances[i] = total


@compiled(parallel=True)
def paired_l2(X, Y, rows, columns, distances):
    """Write the root of sum_d (X[n, d] - Y[m, d])², computed in float64, for each pair (n, m) of rows and columns."""
    for i in prange(len(rows)):
        n, m, total = np.uint64(rows[i]), np.uint64(columns[i]), 0.0
        for d in range(np.uint64(X.shape[1])):
            difference = np.float64(X[n, d]) - np.float64(Y[m, d])
            total += difference * difference
        distances[i] = np.sqrt(total)
