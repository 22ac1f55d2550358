// Batch, layer and group normalisation: what differs is only which elements share a mean.
//
// Element i of an array belongs to set i / stride % count. With x (N, C, H, W) as one row of memory,
//     batch normalisation's sets are the channels:         count = C,     stride = H W
//     group normalisation's the G groups of each example:  count = N G,   stride = C H W / G
// and the set that shares gamma and beta is always a channel. A set's j-th element is (j / stride * count + set) *
// stride + j % stride.
//
// To add up a set, a block has `lanes` neighbouring sets side by side, one in each column of threads, which keeps
// neighbouring threads at neighbouring addresses where stride is 1; the rows of threads share out the set's elements.
// A set is also split between gridDim.y blocks, for there may be fewer sets than a GPU has room for blocks.

#define THREADS 256

typedef unsigned int place;  // of an element: 32 bits, because GPUs divide 64 bits by many instructions

__device__ int set_of(place i, int count, int stride) { return i / stride % count; }

// Where a thread's share of its set begins and ends.
struct Share {
    int set;
    place first, last, step;

    __device__ Share(place size, int count, int lanes) {
        set = blockIdx.x * lanes + threadIdx.x % lanes;
        step = THREADS / lanes;
        unsigned long long of_set = set < count ? size / count : 0;
        first = of_set * blockIdx.y / gridDim.y + threadIdx.x / lanes;
        last = of_set * (blockIdx.y + 1) / gridDim.y;
    }
};

// Mean and sum of squared deviations of `count` numbers.
struct Moments {
    real count, mean, squares;

    // One more number (Welford 1962): sums of squares minus squares of sums would cancel.
    __device__ void add(real value) {
        count += 1;
        real before = value - mean;
        mean += before / count;
        squares += before * (value - mean);
    }

    // All numbers of another set (Chan, Golub and LeVeque 1979).
    __device__ void join(real other_count, real other_mean, real other_squares) {
        if (other_count == 0) return;
        real all = count + other_count, difference = other_mean - mean, share = other_count / all;
        mean += difference * share;
        squares += other_squares + difference * difference * count * share;
        count = all;
    }
};

// Stage 1: moments of each set's splits, (splits, count). They are those of x minus the set's first element, because
// a mean far from zero has no digits left for what tells the values apart.
extern "C" __global__ void split_moments(const real *x, real *means, real *squares, unsigned size, int count,
                                         int stride, int lanes) {
    __shared__ real shared[3][THREADS];
    Share share(size, count, lanes);
    Moments mine = {0, 0, 0};
    if (share.first < share.last) {
        real origin = x[share.set * stride];
        for (place j = share.first; j < share.last; j += share.step)
            mine.add(x[(j / stride * count + share.set) * stride + j % stride] - origin);
    }
    shared[0][threadIdx.x] = mine.count, shared[1][threadIdx.x] = mine.mean, shared[2][threadIdx.x] = mine.squares;
    for (int half = THREADS / 2; half >= lanes; half /= 2) {  // the columns' threads join in pairs
        __syncthreads();
        int other = threadIdx.x + half;
        if (threadIdx.x < half) {
            mine.join(shared[0][other], shared[1][other], shared[2][other]);
            shared[0][threadIdx.x] = mine.count;
            shared[1][threadIdx.x] = mine.mean, shared[2][threadIdx.x] = mine.squares;
        }
    }
    if (threadIdx.x < lanes && share.set < count) {
        means[blockIdx.y * count + share.set] = mine.mean;
        squares[blockIdx.y * count + share.set] = mine.squares;
    }
}

// Stage 2: join the splits. The mean is origin + error, in two numbers, as the digits of one would not do.
extern "C" __global__ void join_moments(const real *x, const real *means, const real *squares, real *origin,
                                        real *error, real *variance, real *inverse_std, unsigned size, int count,
                                        int stride, int splits, real eps) {
    for (int set = blockIdx.x * blockDim.x + threadIdx.x; set < count; set += gridDim.x * blockDim.x) {
        unsigned long long of_set = size / count;
        Moments all = {0, 0, 0};
        for (int split = 0; split < splits; split++) {
            unsigned long long numbers = of_set * (split + 1) / splits - of_set * split / splits;
            all.join(numbers, means[split * count + set], squares[split * count + set]);
        }
        origin[set] = x[set * stride];
        error[set] = all.mean;
        variance[set] = all.squares / of_set;
        inverse_std[set] = 1 / sqrt(variance[set] + eps);
    }
}

// Stage 3: out = gamma (x - mean) / sqrt(variance + eps) + beta.
extern "C" __global__ void normalize(const real *x, const real *gamma, const real *beta, const real *origin,
                                     const real *error, const real *inverse_std, real *out, unsigned size, int count,
                                     int stride, int channels, int pixels) {
    place step = gridDim.x * blockDim.x;
    for (place i = blockIdx.x * blockDim.x + threadIdx.x; i < size; i += step) {
        int set = set_of(i, count, stride), channel = set_of(i, channels, pixels);
        out[i] = (x[i] - origin[set] - error[set]) * inverse_std[set] * gamma[channel] + beta[channel];
    }
}

// Backward, stage 1: sums of dout and of dout * x_hat over splits of the sets (count, stride), which are the channels,
// for dbeta and dgamma, or those that share a mean, (means, mean_stride), with dout times gamma then.
extern "C" __global__ void split_sums(const real *dout, const real *x, const real *gamma, const real *origin,
                                      const real *error, const real *inverse_std, real *sums, real *products,
                                      unsigned size, int count, int stride, int lanes, int means, int mean_stride,
                                      int channels, int pixels, int times_gamma) {
    __shared__ real shared[2][THREADS];
    Share share(size, count, lanes);
    real sum = 0, product = 0;
    for (place j = share.first; j < share.last; j += share.step) {
        place i = (j / stride * count + share.set) * stride + j % stride;
        int set = set_of(i, means, mean_stride);
        real gradient = times_gamma ? dout[i] * gamma[set_of(i, channels, pixels)] : dout[i];
        sum += gradient;
        product += gradient * ((x[i] - origin[set] - error[set]) * inverse_std[set]);
    }
    shared[0][threadIdx.x] = sum, shared[1][threadIdx.x] = product;
    for (int half = THREADS / 2; half >= lanes; half /= 2) {
        __syncthreads();
        if (threadIdx.x < half)
            for (int k = 0; k < 2; k++) shared[k][threadIdx.x] += shared[k][threadIdx.x + half];
    }
    if (threadIdx.x < lanes && share.set < count) {
        sums[blockIdx.y * count + share.set] = shared[0][threadIdx.x];
        products[blockIdx.y * count + share.set] = shared[1][threadIdx.x];
    }
}

// Stage 2: add up the splits.
extern "C" __global__ void join_sums(const real *sums, const real *products, real *sum, real *product, int count,
                                     int splits) {
    for (int set = blockIdx.x * blockDim.x + threadIdx.x; set < count; set += gridDim.x * blockDim.x) {
        real total = 0, total_product = 0;
        for (int split = 0; split < splits; split++) {
            total += sums[split * count + set];
            total_product += products[split * count + set];
        }
        sum[set] = total, product[set] = total_product;
    }
}

// Stage 3: dx = (dout gamma - mean of these - x_hat * mean of their products with x_hat) / sqrt(variance + eps).
// sum and product are those of a set; where they lack the factor gamma, which is one number then, times_gamma is 1.
extern "C" __global__ void input_gradient(const real *dout, const real *x, const real *gamma, const real *origin,
                                          const real *error, const real *inverse_std, const real *sum,
                                          const real *product, real *dx, unsigned size, int count, int stride,
                                          int channels, int pixels, int times_gamma) {
    place step = gridDim.x * blockDim.x;
    real share = real(count) / size;
    for (place i = blockIdx.x * blockDim.x + threadIdx.x; i < size; i += step) {
        int set = set_of(i, count, stride);
        real scale = gamma[set_of(i, channels, pixels)];
        real x_hat = (x[i] - origin[set] - error[set]) * inverse_std[set];
        real of_means = (sum[set] + x_hat * product[set]) * share;
        dx[i] = (dout[i] * scale - of_means * (times_gamma ? scale : 1)) * inverse_std[set];
    }
}
