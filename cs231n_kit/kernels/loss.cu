// Softmax and hinge losses of scores x (N, C) with the right classes y (N): losses and gradient in one kernel.
//
// A warp takes a row, its 32 lanes take turns at the classes, and shuffles join what they found. Rows are read from
// memory once for each of two or three passes, of which all but the first find them in the cache.

#ifndef real
#define real float
#endif

typedef long long int64;

#define ALL_LANES 0xffffffffu

// After five exchanges with the lane whose number differs in one bit, every lane has the sum, or the largest, of all.
__device__ real sum_of_lanes(real value) {
    for (int bit = 16; bit > 0; bit /= 2) value += __shfl_xor_sync(ALL_LANES, value, bit);
    return value;
}

__device__ real largest_of_lanes(real value) {
    for (int bit = 16; bit > 0; bit /= 2) {
        real other = __shfl_xor_sync(ALL_LANES, value, bit);
        value = other > value ? other : value;
    }
    return value;
}

// Rows are dealt out to warps; a block has whole warps, so that all lanes of one work on the same row.
#define FOR_EACH_ROW(row, N)                                                        \
    for (int64 row = (blockIdx.x * (int64)blockDim.x + threadIdx.x) / 32; row < N; \
         row += (int64)gridDim.x * blockDim.x / 32)

// losses[i] = log sum_j exp(x[i, j]) - x[i, y[i]] and dx = (softmax(x) - one-hot(y)) / N. With the largest score taken
// off all scores of a row the same comes out, and no exp is larger than 1.
extern "C" __global__ void softmax_loss(const real *x, const int64 *y, real *losses, real *dx, int64 N, int64 C) {
    int lane = threadIdx.x % 32;
    FOR_EACH_ROW(row, N) {
        const real *scores = x + row * C;
        real largest = scores[0];
        for (int64 j = lane; j < C; j += 32) largest = scores[j] > largest ? scores[j] : largest;
        largest = largest_of_lanes(largest);
        real sum = 0;
        for (int64 j = lane; j < C; j += 32) sum += exp(scores[j] - largest);
        sum = sum_of_lanes(sum);
        for (int64 j = lane; j < C; j += 32)
            dx[row * C + j] = (exp(scores[j] - largest) / sum - (j == y[row] ? 1 : 0)) / N;
        if (lane == 0) losses[row] = log(sum) - (scores[y[row]] - largest);
    }
}

// losses[i] = sum over j != y[i] of the margins max(0, x[i, j] - x[i, y[i]] + delta), or of their squares. A wrong class
// gets the derivative of its term, and the right class minus the sum of these.
template <bool SQUARED>
__device__ void hinge(const real *x, const int64 *y, real *losses, real *dx, real delta, int64 N, int64 C) {
    int lane = threadIdx.x % 32;
    FOR_EACH_ROW(row, N) {
        const real *scores = x + row * C;
        real right = scores[y[row]], loss = 0, slopes = 0;
        for (int64 j = lane; j < C; j += 32) {
            if (j == y[row]) continue;
            real margin = scores[j] - right + delta;
            margin = margin <= 0 ? 0 : margin;  // NaN stays
            real slope = SQUARED ? 2 * margin : real(margin > 0);
            loss += SQUARED ? margin * margin : margin;
            slopes += slope;
            dx[row * C + j] = slope / N;
        }
        loss = sum_of_lanes(loss);
        slopes = sum_of_lanes(slopes);
        if (lane == 0) {
            losses[row] = loss;
            dx[row * C + y[row]] = -slopes / N;
        }
    }
}

extern "C" __global__ void svm_loss(const real *x, const int64 *y, real *losses, real *dx, real delta, int64 N, int64 C) {
    hinge<false>(x, y, losses, dx, delta, N, C);
}

extern "C" __global__ void squared_hinge_loss(const real *x, const int64 *y, real *losses, real *dx, real delta, int64 N,
                                              int64 C) {
    hinge<true>(x, y, losses, dx, delta, N, C);
}
