"""Right answers to assignment 2's `gpu_kernels`, in the styles students write them: by function, then by style."""

TEXTS = {
    "relu_kernel": {
        "fmaxf": r"""
extern "C" __global__ void relu(const float *x, float *out, int n) {
    int thread = blockDim.x * blockIdx.x + threadIdx.x, threads = blockDim.x * gridDim.x;
for (int i = thread; i < n; i += threads) out[i] = fmaxf(0.0f, x[i]);
}
""",
        "a macro for the loop": r"""
#define EACH(i, n) for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < (n); i += blockDim.x * gridDim.x)

extern "C" __global__ void relu(const float *x, float *out, int n) {
EACH(i, n) { out[i] = max(x[i], 0.f); }
}
""",
        "while": r"""
extern "C" __global__ void relu(const float* __restrict__ input, float* __restrict__ result, const int count) {
    int thread = blockDim.x * blockIdx.x + threadIdx.x, threads = blockDim.x * gridDim.x;
while (thread < count) { float v = input[thread]; result[thread] = v * (v > 0); thread += threads; }
}
""",
        "size_t and if": r"""
extern "C" __global__ void relu(const float *x, float *out, int n) {
for (size_t i = blockIdx.x * (size_t)blockDim.x + threadIdx.x; i < n; i += (size_t)blockDim.x * gridDim.x)
    if (x[i] > 0) out[i] = x[i]; else out[i] = 0;
}
""",
        "a share for each thread": r"""
extern "C" __global__ void relu(const float *x, float *out, int n) {
    int thread = blockDim.x * blockIdx.x + threadIdx.x, threads = blockDim.x * gridDim.x;
int share = (n + threads - 1) / threads;
for (int i = thread * share; i < (thread + 1) * share && i < n; ++i) out[i] = x[i] < 0 ? 0 : x[i];
}
""",
        "from behind, parameters not const": r"""
__device__ float rectified(float v) { return v >= 0.f ? v : 0.f; }
extern "C" __global__ void relu(float *x, float *out, int n) {
    int thread = blockDim.x * blockIdx.x + threadIdx.x, threads = blockDim.x * gridDim.x;
for (int i = n - 1 - thread; i >= 0; i -= threads) out[i] = rectified(x[i]);
}
""",
    },
    "relu_backward_kernel": {
        "times a comparison": r"""
extern "C" __global__ void relu_backward(const float *dout, const float *x, float *dx, int n) {
    int thread = blockDim.x * blockIdx.x + threadIdx.x, threads = blockDim.x * gridDim.x;
for (int i = thread; i < n; i += threads) dx[i] = dout[i] * (x[i] > 0);
}
""",
        "zeroed afterwards": r"""
#define EACH(i, n) for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < (n); i += blockDim.x * gridDim.x)

extern "C" __global__ void relu_backward(const float *dout, const float *x, float *dx, int n) {
EACH(i, n) { dx[i] = dout[i]; if (x[i] <= 0) dx[i] = 0; }
}
""",
        "if and else in double precision": r"""
#define EACH(i, n) for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < (n); i += blockDim.x * gridDim.x)

extern "C" __global__ void relu_backward(const float *dout, const float *x, float *dx, int n) {
EACH(i, n) if (x[i] > 0.0) dx[i] = dout[i]; else dx[i] = 0.0;
}
""",
        "a mask first": r"""
#define EACH(i, n) for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < (n); i += blockDim.x * gridDim.x)

extern "C" __global__ void relu_backward(const float *dout, const float *x, float *dx, int n) {
EACH(k, n) { float m = x[k] >= 0 ? 1.f : 0.f; dx[k] = m * dout[k]; }
}
""",
        "do while": r"""
extern "C" __global__ void relu_backward(const float *dout, const float *x, float *dx, int n) {
int i = blockIdx.x * blockDim.x + threadIdx.x;
do { if (i >= n) return; dx[i] = x[i] < 0 ? 0 : dout[i]; i += gridDim.x * blockDim.x; } while (true);
}
""",
        "rounds for all": r"""
extern "C" __global__ void relu_backward(const float *dout, const float *x, float *dx, int n) {
    int thread = blockDim.x * blockIdx.x + threadIdx.x, threads = blockDim.x * gridDim.x;
for (int start = 0; start < n; start += threads) {
    const int i = start + thread;
    if (i < n) dx[i] = copysignf(1.f, x[i]) > 0 ? dout[i] : 0;
}
}
""",
    },
    "softmax_loss_kernel": {
        "a thread for a row, in place": r"""
#define EACH(i, n) for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < (n); i += blockDim.x * gridDim.x)

extern "C" __global__ void softmax_loss(const float *scores, const int *y, float *losses, float *dscores,
                                int rows, int classes) {
EACH(r, rows) {
    const float *s = scores + (size_t)r * classes; float *d = dscores + r * classes;
    float top = s[0];
    for (int j = 1; j < classes; j++) if (s[j] > top) top = s[j];
    float sum = 0;
    for (int j = 0; j < classes; j++) { d[j] = expf(s[j] - top); sum += d[j]; }
    for (int j = 0; j < classes; j++) d[j] /= sum;
    losses[r] = -logf(d[y[r]] + 1e-38f);
    if (losses[r] > 80) losses[r] = logf(sum) - s[y[r]] + top;
    d[y[r]] -= 1;
    for (int j = 0; j < classes; j++) d[j] /= rows;
}
}
""",
        "double precision": r"""
#define EACH(i, n) for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < (n); i += blockDim.x * gridDim.x)

extern "C" __global__ void softmax_loss(const float *scores, const int *y, float *losses, float *dscores,
                                int rows, int classes) {
EACH(r, rows) {
    const float *s = scores + (size_t)r * classes; float *d = dscores + r * classes;
    float top = s[0];
    for (int j = 1; j < classes; j++) if (s[j] > top) top = s[j];
    double sum = 0;
    for (int j = 0; j < classes; j++) sum += exp((double)s[j] - top);
    losses[r] = log(sum) + top - s[y[r]];
    for (int j = 0; j < classes; j++)
        d[j] = (exp((double)s[j] - top) / sum - (y[r] == j ? 1 : 0)) / rows;
}
}
""",
        "a single pass": r"""
#define EACH(i, n) for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < (n); i += blockDim.x * gridDim.x)

extern "C" __global__ void softmax_loss(const float *scores, const int *y, float *losses, float *dscores,
                                int rows, int classes) {
EACH(r, rows) {
    const float *s = scores + (size_t)r * classes; float *d = dscores + r * classes;
    float top = s[0], sum = 1;
    for (int j = 1; j < classes; ++j) {
        float m = fmaxf(top, s[j]);
        sum = sum * expf(top - m) + expf(s[j] - m);
        top = m;
    }
    float log_sum = logf(sum);
    losses[r] = log_sum - (s[y[r]] - top);
    for (int j = 0; j < classes; ++j) {
        float p = expf(s[j] - top - log_sum);
        if (j == y[r]) p -= 1.0f;
        d[j] = p / rows;
    }
}
}
""",
        "the first thread alone": r"""
extern "C" __global__ void softmax_loss(const float *scores, const int *y, float *losses, float *dscores,
                                int rows, int classes) {
__shared__ float top, sum;
for (int r = blockIdx.x; r < rows; r += gridDim.x) {
    const float *s = scores + r * classes;
    if (threadIdx.x == 0) {
        top = s[0]; sum = 0;
        for (int j = 0; j < classes; j++) top = max(top, s[j]);
        for (int j = 0; j < classes; j++) sum += expf(s[j] - top);
        losses[r] = logf(sum) - (s[y[r]] - top);
    }
    __syncthreads();
    for (int j = threadIdx.x; j < classes; j += blockDim.x)
        dscores[r * classes + j] = (expf(s[j] - top) / sum - (j == y[r])) / rows;
    __syncthreads();
}
}
""",
        "everybody adds up everything": r"""
extern "C" __global__ void softmax_loss(const float *scores, const int *y, float *losses, float *dscores,
                                int rows, int classes) {
__shared__ float tops[256], sums[256];
int t = threadIdx.x;
for (int r = blockIdx.x; r < rows; r += gridDim.x) {
    const float *s = scores + r * classes;
    float top = s[0], sum = 0;
    for (int j = t; j < classes; j += blockDim.x) top = fmaxf(top, s[j]);
    tops[t] = top;
    __syncthreads();
    for (int k = 0; k < blockDim.x; k++) top = fmaxf(top, tops[k]);
    for (int j = t; j < classes; j += blockDim.x) sum += expf(s[j] - top);
    sums[t] = sum;
    __syncthreads();
    sum = 0;
    for (int k = 0; k < blockDim.x; k++) sum += sums[k];
    for (int j = t; j < classes; j += blockDim.x)
        dscores[r * classes + j] = (expf(s[j] - top) / sum - (j == y[r] ? 1.f : 0.f)) * (1.f / rows);
    if (t == blockDim.x - 1) losses[r] = logf(sum) - (s[y[r]] - top);
    __syncthreads();
}
}
""",
        "functions for the reductions": r"""
__device__ float together(float *buffer, float v, bool largest) {
    buffer[threadIdx.x] = v;
    __syncthreads();
    for (int gap = 1; gap < blockDim.x; gap *= 2) {
        if (threadIdx.x % (2 * gap) == 0) {
            float w = buffer[threadIdx.x + gap], u = buffer[threadIdx.x];
            buffer[threadIdx.x] = largest ? fmaxf(u, w) : u + w;
        }
        __syncthreads();
    }
    float result = buffer[0];
    __syncthreads();
    return result;
}

extern "C" __global__ void softmax_loss(const float *scores, const int *y, float *losses, float *dscores,
                                int rows, int classes) {
__shared__ float buffer[256];
for (int r = blockIdx.x; r < rows; r += gridDim.x) {
    const float *s = scores + r * classes;
    float v = -1e38f;
    for (int j = threadIdx.x; j < classes; j += blockDim.x) v = fmaxf(v, s[j]);
    float top = together(buffer, v, true);
    v = 0;
    for (int j = threadIdx.x; j < classes; j += blockDim.x) v += expf(s[j] - top);
    float sum = together(buffer, v, false);
    for (int j = threadIdx.x; j < classes; j += blockDim.x) {
        float p = expf(s[j] - top) / sum;
        dscores[r * classes + j] = (p - float(j == y[r])) / float(rows);
        if (j == y[r]) losses[r] = logf(sum) + (top - s[j]);
    }
}
}
""",
    },
    "max_pool_kernel": {
        "from minus infinity": r"""
#define EACH(i, n) for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < (n); i += blockDim.x * gridDim.x)
#ifndef INFINITY
#define INFINITY __int_as_float(0x7f800000)
#endif

extern "C" __global__ void max_pool(const float *x, float *out, int *switches, int planes, int height,
                                int width, int size, int stride) {
int HH = 1 + (height - size) / stride, WW = 1 + (width - size) / stride;
EACH(i, planes * HH * WW) {
    int w = i % WW, h = (i / WW) % HH, p = i / WW / HH;
    float best = -INFINITY; int place = -1;
    for (int r = 0; r < size; r++) for (int c = 0; c < size; c++) {
        int at = (h * stride + r) * width + w * stride + c;
        float v = x[p * height * width + at];
        if (v > best) { best = v; place = at; }
    }
    out[i] = best; switches[i] = place;
}
}
""",
        "a pointer that moves": r"""
#define EACH(i, n) for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < (n); i += blockDim.x * gridDim.x)

extern "C" __global__ void max_pool(const float *x, float *out, int *switches, int planes, int height,
                                int width, int size, int stride) {
int HH = 1 + (height - size) / stride, WW = 1 + (width - size) / stride;
EACH(i, planes * HH * WW) {
    int w = i % WW, h = (i / WW) % HH, p = i / WW / HH;
    const float *at = x + (p * height + h * stride) * width + w * stride;
    float best = *at; int r0 = 0, c0 = 0;
    for (int r = 0; r < size; ++r, at += width)
        for (int c = 0; c < size; ++c) if (at[c] > best) best = at[c], r0 = r, c0 = c;
    out[i] = best;
    switches[i] = (h * stride + r0) * width + (w * stride + c0);
}
}
""",
        "from behind": r"""
#define EACH(i, n) for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < (n); i += blockDim.x * gridDim.x)

extern "C" __global__ void max_pool(const float *x, float *out, int *switches, int planes, int height,
                                int width, int size, int stride) {
int HH = 1 + (height - size) / stride, WW = 1 + (width - size) / stride;
EACH(i, planes * HH * WW) {
    int w = i % WW, h = (i / WW) % HH, p = i / WW / HH;
    const float *image = &x[p * height * width];
    int best = (h * stride + size - 1) * width + w * stride + size - 1;
    for (int k = size * size - 1; k >= 0; k--) {
        int at = (h * stride + k / size) * width + w * stride + k % size;
        if (image[at] >= image[best]) best = at;
    }
    out[i] = image[best]; switches[i] = best;
}
}
""",
        "a block for a plane": r"""
extern "C" __global__ void max_pool(const float *x, float *out, int *switches, int planes, int height,
                                int width, int size, int stride) {
int HH = 1 + (height - size) / stride, WW = 1 + (width - size) / stride;
for (int p = blockIdx.x; p < planes; p += gridDim.x)
    for (int i = threadIdx.x; i < HH * WW; i += blockDim.x) {
        int r0 = i / WW * stride, c0 = i % WW * stride;
        float top = -3e38f; int place = 0;
        for (int r = r0; r != r0 + size; r++)
            for (int c = c0; c != c0 + size; c++)
                if (x[(p * height + r) * width + c] > top) { top = x[(p * height + r) * width + c]; place = r
                    * width + c; }
        out[p * HH * WW + i] = top;
        switches[p * HH * WW + i] = place;
    }
}
""",
        "values first, then places": r"""
#define EACH(i, n) for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < (n); i += blockDim.x * gridDim.x)

extern "C" __global__ void max_pool(const float *x, float *out, int *switches, int planes, int height,
                                int width, int size, int stride) {
int HH = 1 + (height - size) / stride, WW = 1 + (width - size) / stride;
EACH(i, planes * HH * WW) {
    int w = i % WW, h = (i / WW) % HH, p = i / WW / HH;
    float top = x[(p * height + h * stride) * width + w * stride];
    for (int r = 0; r < size; r++) for (int c = 0; c < size; c++)
        top = fmaxf(top, x[(p * height + h * stride + r) * width + w * stride + c]);
    out[i] = top;
    for (int k = 0; k < size * size; k++) {
        int r = h * stride + k / size, c = w * stride + k % size;
        if (x[(p * height + r) * width + c] == top) { switches[i] = r * width + c; break; }
    }
}
}
""",
        "a counter says whose turn it is": r"""
extern "C" __global__ void max_pool(const float *x, float *out, int *switches, int planes, int height,
                                int width, int size, int stride) {
int HH = 1 + (height - size) / stride, WW = 1 + (width - size) / stride;
int thread = blockDim.x * blockIdx.x + threadIdx.x, threads = blockDim.x * gridDim.x;
int turn = 0;
for (int p = 0; p < planes; p++) for (int h = 0; h < HH; h++) for (int w = 0; w < WW; w++) {
    if (turn++ % threads != thread) continue;
    int best = h * stride * width + w * stride, o = (p * HH + h) * WW + w;
    for (int r = h * stride; r < h * stride + size; r++) for (int c = w * stride; c < w * stride + size; c++)
        best = x[p * height * width + best] < x[p * height * width + r * width + c] ? r * width + c : best;
    switches[o] = best; out[o] = x[p * height * width + best];
}
}
""",
    },
    "max_pool_backward_kernel": {
        "asks all windows": r"""
#define EACH(i, n) for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < (n); i += blockDim.x * gridDim.x)

extern "C" __global__ void max_pool_backward(const float *dout, const int *switches, float *dx, int planes,
                                int height, int width, int size, int stride) {
int HH = 1 + (height - size) / stride, WW = 1 + (width - size) / stride;
EACH(i, planes * height * width) {
    int c = i % width, r = (i / width) % height, p = i / width / height;
    float sum = 0;
    for (int k = 0; k < HH * WW; k++)
        if (switches[p * HH * WW + k] == r * width + c) sum += dout[p * HH * WW + k];
    dx[i] = sum;
}
}
""",
        "adds in place": r"""
#define EACH(i, n) for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < (n); i += blockDim.x * gridDim.x)

extern "C" __global__ void max_pool_backward(const float *dout, const int *switches, float *dx, int planes,
                                int height, int width, int size, int stride) {
int HH = 1 + (height - size) / stride, WW = 1 + (width - size) / stride;
EACH(i, planes * height * width) {
    int c = i % width, r = (i / width) % height, p = i / width / height;
    dx[i] = 0;
    for (int h = max(0, (r - size + stride) / stride); h <= min(HH - 1, r / stride); h++)
        for (int w = max(0, (c - size + stride) / stride); w <= min(WW - 1, c / stride); w++) {
            int k = (p * HH + h) * WW + w;
            dx[i] += switches[k] == r * width + c ? dout[k] : 0;
        }
}
}
""",
        "from the last window": r"""
#define EACH(i, n) for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < (n); i += blockDim.x * gridDim.x)

extern "C" __global__ void max_pool_backward(const float *dout, const int *switches, float *dx, int planes,
                                int height, int width, int size, int stride) {
int HH = 1 + (height - size) / stride, WW = 1 + (width - size) / stride;
EACH(i, planes * height * width) {
    int c = i % width, r = (i / width) % height, p = i / width / height;
    double sum = 0;
    for (int h = HH - 1; h >= 0; h--) for (int w = WW - 1; w >= 0; w--) {
        if (h * stride > r || h * stride + size <= r || w * stride > c || w * stride + size <= c) continue;
        int k = p * HH * WW + h * WW + w;
        if (switches[k] - c == r * width) sum += dout[k];
    }
    dx[i] = sum;
}
}
""",
        "a thread for a plane": r"""
#define EACH(i, n) for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < (n); i += blockDim.x * gridDim.x)

extern "C" __global__ void max_pool_backward(const float *dout, const int *switches, float *dx, int planes,
                                int height, int width, int size, int stride) {
int HH = 1 + (height - size) / stride, WW = 1 + (width - size) / stride;
EACH(p, planes) {
    float *image = dx + p * height * width;
    for (int i = 0; i < height * width; i++) image[i] = 0;
    for (int k = p * HH * WW; k < (p + 1) * HH * WW; k++) image[switches[k]] += dout[k];
}
}
""",
        "a block for a plane": r"""
extern "C" __global__ void max_pool_backward(const float *dout, const int *switches, float *dx, int planes,
                                int height, int width, int size, int stride) {
int HH = 1 + (height - size) / stride, WW = 1 + (width - size) / stride;
for (int p = blockIdx.x; p < planes; p += gridDim.x) {
    for (int i = threadIdx.x; i < height * width; i += blockDim.x) dx[p * height * width + i] = 0;
    __syncthreads();
    if (threadIdx.x == 0)
        for (int k = 0; k < HH * WW; k++)
            dx[p * height * width + switches[p * HH * WW + k]] += dout[p * HH * WW + k];
    __syncthreads();
}
}
""",
        "by place": r"""
extern "C" __global__ void max_pool_backward(const float *dout, const int *switches, float *dx, int planes,
                                int height, int width, int size, int stride) {
int HH = 1 + (height - size) / stride, WW = 1 + (width - size) / stride;
int pixel = blockIdx.x * blockDim.x + threadIdx.x;
while (pixel < planes * height * width) {
    int p = pixel / (height * width), place = pixel - p * height * width;
    float sum = 0.0f;
    for (int h = 0; h < HH && h * stride <= place / width; ++h)
        for (int w = 0; w < WW && w * stride <= place % width; ++w)
            if (place == switches[p * HH * WW + h * WW + w]) sum = sum + dout[p * HH * WW + h * WW + w];
    dx[pixel] = sum;
    pixel += gridDim.x * blockDim.x;
}
}
""",
    },
}
