// Convolution of images x (N, C, H, W) with filters w (F, C, HH, WW): outputs (N, F, height, width).
//
// The output (row, column) sees the pixels (row * stride_h - pad_h + i * dilation_h, column * stride_w - pad_w +
// j * dilation_w) for the positions (i, j) of the filter. Pixels outside of the image count as zeros.
//
// There are two ways to compute it. The first unfolds the images into the columns of a matrix, so that a matrix product
// does the work. The second, direct, needs no columns: the threads of a block share the pixels that they see.

#ifndef real  // float or double
#define real float
#endif

// Columns (C * HH * WW, N * height * width): one for each output, with all the pixels that it sees. A thread for each
// output and channel copies HH * WW pixels; neighbouring threads write to neighbouring places.
extern "C" __global__ void unfold(const real *x, real *columns, int count, int N, int C, int H, int W, int HH, int WW,
                                  int height, int width, int stride_h, int stride_w, int pad_h, int pad_w,
                                  int dilation_h, int dilation_w) {
    unsigned outputs = N * height * width;
    for (unsigned i = blockIdx.x * blockDim.x + threadIdx.x; i < count; i += gridDim.x * blockDim.x) {
        unsigned c = i / outputs, output = i % outputs, n = output / width / height;
        const real *plane = x + (size_t)(n * C + c) * H * W;
        real *column = columns + (size_t)c * HH * WW * outputs + output;
        int top = int(output / width % height) * stride_h - pad_h, left = int(output % width) * stride_w - pad_w;
        for (int h = top; h < top + HH * dilation_h; h += dilation_h)
            for (int w = left; w < left + WW * dilation_w; w += dilation_w, column += outputs)
                *column = 0 <= h && h < H && 0 <= w && w < W ? plane[h * W + w] : real(0);
    }
}

// The transpose of unfold: each pixel's sum over all places where it stands in the columns. A thread for each pixel
// looks for them, because threads that added to pixels would need atomics, whose order differs from run to run.
extern "C" __global__ void fold(const real *columns, real *x, int count, int N, int C, int H, int W, int HH, int WW,
                                int height, int width, int stride_h, int stride_w, int pad_h, int pad_w,
                                int dilation_h, int dilation_w) {
    size_t outputs = (size_t)N * height * width;
    for (unsigned pixel = blockIdx.x * blockDim.x + threadIdx.x; pixel < count; pixel += gridDim.x * blockDim.x) {
        int w = pixel % W, h = pixel / W % H, c = pixel / W / H % C, n = pixel / W / H / C;
        real sum = 0;
        for (int i = 0; i < HH; i++) {
            int down = h + pad_h - i * dilation_h, row = down / stride_h;
            if (down < 0 || row >= height || row * stride_h != down) continue;  // no output sees it at position i
            for (int j = 0; j < WW; j++) {
                int across = w + pad_w - j * dilation_w, column = across / stride_w;
                if (across < 0 || column >= width || column * stride_w != across) continue;
                sum += columns[((size_t)(c * HH + i) * WW + j) * outputs + ((size_t)n * height + row) * width + column];
            }
        }
        x[pixel] = sum;
    }
}

// Products (F, N, pixels) of the filters and the columns become images (N, F, pixels), each with its filter's bias.
extern "C" __global__ void add_bias(const real *products, const real *b, real *out, int count, int N, int F,
                                    int pixels) {
    for (unsigned i = blockIdx.x * blockDim.x + threadIdx.x; i < count; i += gridDim.x * blockDim.x) {
        unsigned pixel = i % pixels, f = i / pixels % F, n = i / pixels / F;
        out[i] = products[((size_t)f * N + n) * pixels + pixel] + b[f];
    }
}

#ifndef FILTERS
#define FILTERS 8  // whose outputs a thread computes at the same time
#endif

// The direct way. A block computes a tile of blockDim.y x blockDim.x outputs, each thread one output of FILTERS
// filters. The windows of neighbouring outputs overlap: together they see the pixels of a rectangle, the tile and a
// halo around it. Channel by channel the threads
//   1. load the rectangle and the weights into shared memory, each thread a part of it, so that a pixel comes from the
//      slow global memory once and not once for every window that holds it;
//   2. wait until all is there;
//   3. add up what their own windows see: a pixel, once read, serves FILTERS sums, which stay in registers;
//   4. wait until all have read, before the next channel takes the place of this one.
extern "C" __global__ void direct(const real *x, const real *w, const real *b, real *out, int N, int C, int H, int W,
                                  int F, int HH, int WW, int height, int width, int stride_h, int stride_w, int pad_h,
                                  int pad_w, int dilation_h, int dilation_w) {
    extern __shared__ real shared[];
    int seen_h = (blockDim.y - 1) * stride_h + (HH - 1) * dilation_h + 1;
    int seen_w = (blockDim.x - 1) * stride_w + (WW - 1) * dilation_w + 1;
    real *seen = shared, *weights = shared + seen_h * seen_w;  // (seen_h, seen_w) and (HH * WW, FILTERS)
    int thread = threadIdx.y * blockDim.x + threadIdx.x, threads = blockDim.x * blockDim.y;

    int down = (height + blockDim.y - 1) / blockDim.y, across = (width + blockDim.x - 1) / blockDim.x;
    int groups = (F + FILTERS - 1) / FILTERS;
    for (unsigned job = blockIdx.x; job < N * groups * down * across; job += gridDim.x) {
        int row = job / across % down * blockDim.y, column = job % across * blockDim.x;  // the tile's first output
        int first_filter = job / across / down % groups * FILTERS, n = job / across / down / groups;
        int top = row * stride_h - pad_h, left = column * stride_w - pad_w;
        real sums[FILTERS] = {};
        for (int c = 0; c < C; c++) {
            const real *plane = x + ((size_t)n * C + c) * H * W;
            for (int i = thread; i < seen_h * seen_w; i += threads) {
                int h = top + i / seen_w, w = left + i % seen_w;
                seen[i] = 0 <= h && h < H && 0 <= w && w < W ? plane[h * W + w] : real(0);
            }
            for (int i = thread; i < HH * WW * FILTERS; i += threads) {
                int f = first_filter + i % FILTERS;
                weights[i] = f < F ? w[((size_t)f * C + c) * HH * WW + i / FILTERS] : real(0);
            }
            __syncthreads();
            for (int i = 0; i < HH; i++)
                for (int j = 0; j < WW; j++) {
                    int h = threadIdx.y * stride_h + i * dilation_h, w = threadIdx.x * stride_w + j * dilation_w;
                    real pixel = seen[h * seen_w + w];
                    for (int f = 0; f < FILTERS; f++) sums[f] += pixel * weights[(i * WW + j) * FILTERS + f];
                }
            __syncthreads();
        }
        row += threadIdx.y, column += threadIdx.x;
        if (row >= height || column >= width) continue;  // the last tiles may jut out
        real *first_out = out + (((size_t)n * F + first_filter) * height + row) * width + column;
        for (int f = 0; f < FILTERS; f++)  // a loop of constant length: only then can sums be registers
            if (first_filter + f < F) first_out[(size_t)f * height * width] = sums[f] + b[first_filter + f];
    }
}
