// Maxima and means of windows that slide over images, forward and backward.
//
// Images (N, C, H, W) are planes of H x W pixels, one after another, and so are the outputs: planes of height x width.
// The window of the output (row, column) begins at the pixel (row * stride_h - pad_h, column * stride_w - pad_w).
// Each thread computes what it writes from all that it takes, so that no two threads ever write to one place: no
// atomics, and the same sums in the same order at each run.

#ifndef real  // float or double
#define real float
#endif
#ifndef switch_type
#define switch_type unsigned char  // numbers the positions of a window
#endif

// Numbers from `first` up to, but without, `end`.
struct Range { int first, end; };

// The pixels along an axis of length `size` that the window of an output holds: padding is left out.
__device__ Range pixels_of(int output, int size, int window, int stride, int pad) {
    int begin = output * stride - pad;
    return {max(begin, 0), min(begin + window, size)};
}

// The outputs along an axis of length `size` whose windows hold a pixel.
__device__ Range outputs_of(int pixel, int size, int window, int stride, int pad) {
    int from_window = pixel + pad - window;  // the pixel before which a window must not end
    return {from_window < 0 ? 0 : from_window / stride + 1, min((pixel + pad) / stride + 1, size)};
}

// A thread for each output. Comparing with > keeps the first of equal pixels; NaN is what differs from itself.
extern "C" __global__ void max_pool(const real *x, real *maxima, switch_type *switches, int count, int H, int W,
                                    int height, int width, int window_h, int window_w, int stride_h, int stride_w,
                                    int pad_h, int pad_w) {
    for (unsigned i = blockIdx.x * blockDim.x + threadIdx.x; i < count; i += gridDim.x * blockDim.x) {
        int column = i % width, row = i / width % height;
        const real *plane = x + (size_t)(i / width / height) * H * W;
        Range rows = pixels_of(row, H, window_h, stride_h, pad_h);
        Range columns = pixels_of(column, W, window_w, stride_w, pad_w);
        int best_h = rows.first, best_w = columns.first;
        real best = plane[best_h * W + best_w];
        for (int h = rows.first; h < rows.end; h++)
            for (int w = columns.first; w < columns.end; w++) {
                real pixel = plane[h * W + w];
                if (pixel > best || (pixel != pixel && best == best)) best = pixel, best_h = h, best_w = w;
            }
        maxima[i] = best;
        switches[i] = (best_h - row * stride_h + pad_h) * window_w + best_w - column * stride_w + pad_w;
    }
}

// A thread for each pixel: the sum of dout over the windows that hold the pixel and have it for their maximum.
// From the last such window to the first the pixel's position grows, which is the order of NumPy's definition.
extern "C" __global__ void max_pool_gradient(const real *dout, const switch_type *switches, real *dx, int count, int H,
                                             int W, int height, int width, int window_h, int window_w, int stride_h,
                                             int stride_w, int pad_h, int pad_w) {
    for (unsigned i = blockIdx.x * blockDim.x + threadIdx.x; i < count; i += gridDim.x * blockDim.x) {
        int w = i % W, h = i / W % H;
        size_t plane = (size_t)(i / W / H) * height * width;
        Range rows = outputs_of(h, height, window_h, stride_h, pad_h);
        Range columns = outputs_of(w, width, window_w, stride_w, pad_w);
        real sum = 0;
        for (int row = rows.end - 1; row >= rows.first; row--)
            for (int column = columns.end - 1; column >= columns.first; column--) {
                size_t output = plane + row * width + column;
                int position = (h - row * stride_h + pad_h) * window_w + w - column * stride_w + pad_w;
                if (switches[output] == position) sum += dout[output];
            }
        dx[i] = sum;
    }
}

// A thread for each output. The padding counts as zeros: the sum is divided by the size of the whole window.
extern "C" __global__ void average_pool(const real *x, real *means, int count, int H, int W, int height, int width,
                                        int window_h, int window_w, int stride_h, int stride_w, int pad_h, int pad_w) {
    for (unsigned i = blockIdx.x * blockDim.x + threadIdx.x; i < count; i += gridDim.x * blockDim.x) {
        const real *plane = x + (size_t)(i / width / height) * H * W;
        Range rows = pixels_of(i / width % height, H, window_h, stride_h, pad_h);
        Range columns = pixels_of(i % width, W, window_w, stride_w, pad_w);
        real sum = 0;
        for (int h = rows.first; h < rows.end; h++)
            for (int w = columns.first; w < columns.end; w++) sum += plane[h * W + w];
        means[i] = sum / (window_h * window_w);
    }
}

// A thread for each pixel: its share of the dout of each window that holds it.
extern "C" __global__ void average_pool_gradient(const real *dout, real *dx, int count, int H, int W, int height,
                                                 int width, int window_h, int window_w, int stride_h, int stride_w,
                                                 int pad_h, int pad_w) {
    for (unsigned i = blockIdx.x * blockDim.x + threadIdx.x; i < count; i += gridDim.x * blockDim.x) {
        const real *plane = dout + (size_t)(i / W / H) * height * width;
        Range rows = outputs_of(i / W % H, height, window_h, stride_h, pad_h);
        Range columns = outputs_of(i % W, width, window_w, stride_w, pad_w);
        real sum = 0;
        for (int row = rows.first; row < rows.end; row++)
            for (int column = columns.first; column < columns.end; column++) sum += plane[row * width + column];
        dx[i] = sum / (window_h * window_w);
    }
}
