// Activation functions, element by element, forward and backward (lecture 06).
//
// All kernels are bound by memory: each value is read once and written once, and the arithmetic in between costs
// nothing. Neighbouring threads take neighbouring elements, so that a warp reads whole lines of memory.
// NaN stays NaN: the comparisons below are turned so that they are false for it.

#ifndef real  // float or double: the file is compiled for each
#define real float
#endif

typedef long long int64;  // int would end at 2^31 elements

// A grid-stride loop: a grid of any size goes through all n elements.
#define FOR_EACH(i, n) \
    for (int64 i = blockIdx.x * (int64)blockDim.x + threadIdx.x; i < n; i += (int64)gridDim.x * blockDim.x)

extern "C" __global__ void relu_forward(const real *x, real *out, int64 n) {
    FOR_EACH(i, n) out[i] = x[i] <= 0 ? 0 : x[i];
}

extern "C" __global__ void relu_backward(const real *dout, const real *x, real *dx, int64 n) {
    FOR_EACH(i, n) dx[i] = x[i] > 0 ? dout[i] : 0;
}

extern "C" __global__ void leaky_relu_forward(const real *x, real *out, real alpha, int64 n) {
    FOR_EACH(i, n) out[i] = x[i] > 0 ? x[i] : alpha * x[i];
}

extern "C" __global__ void leaky_relu_backward(const real *dout, const real *x, real *dx, real alpha, int64 n) {
    FOR_EACH(i, n) dx[i] = x[i] > 0 ? dout[i] : alpha * dout[i];
}

// expm1(x) is e^x - 1 without the cancellation near zero.
extern "C" __global__ void elu_forward(const real *x, real *out, real alpha, int64 n) {
    FOR_EACH(i, n) out[i] = x[i] > 0 ? x[i] : alpha * expm1(x[i]);
}

extern "C" __global__ void elu_backward(const real *dout, const real *x, real *dx, real alpha, int64 n) {
    FOR_EACH(i, n) dx[i] = x[i] > 0 ? dout[i] : dout[i] * (alpha * exp(x[i]));
}

// 1 / (1 + e^-x) where x >= 0, and the equal e^x / (e^x + 1) where x < 0: the power is never larger than 1.
extern "C" __global__ void sigmoid_forward(const real *x, real *out, int64 n) {
    FOR_EACH(i, n) {
        real z = exp(-fabs(x[i]));
        out[i] = (x[i] >= 0 ? 1 : z) / (1 + z);
    }
}

extern "C" __global__ void sigmoid_backward(const real *dout, const real *out, real *dx, int64 n) {
    FOR_EACH(i, n) dx[i] = dout[i] * out[i] * (1 - out[i]);
}

extern "C" __global__ void tanh_forward(const real *x, real *out, int64 n) {
    FOR_EACH(i, n) out[i] = tanh(x[i]);
}

extern "C" __global__ void tanh_backward(const real *dout, const real *out, real *dx, int64 n) {
    FOR_EACH(i, n) dx[i] = dout[i] * (1 - out[i] * out[i]);
}

// The largest of each unit's pieces, and which one it was: the first of equal ones, or the first that is NaN.
extern "C" __global__ void maxout_forward(const real *x, real *out, long long *switches, int64 units, int64 pieces) {
    FOR_EACH(i, units) {
        const real *piece = x + i * pieces;
        real largest = piece[0];
        int64 winner = 0;
        for (int64 k = 1; k < pieces; k++) {
            if (piece[k] > largest || (piece[k] != piece[k] && largest == largest)) {
                largest = piece[k];
                winner = k;
            }
        }
        out[i] = largest;
        switches[i] = winner;
    }
}

// A gather: each piece asks whether it was the largest, instead of each unit writing to one of its pieces.
extern "C" __global__ void maxout_backward(const real *dout, const long long *switches, real *dx, int64 units,
                                           int64 pieces) {
    FOR_EACH(i, units * pieces) dx[i] = switches[i / pieces] == i % pieces ? dout[i / pieces] : 0;
}
