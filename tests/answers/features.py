"""Correct answers to assignment 1's notebook `features`, in the styles students use. All of them earn full points.

Loaded by tests/test_checks_features.py as if each were a cell of a notebook.
"""

import colorsys
import math
import sys
import warnings

import numpy as np
from matplotlib.colors import rgb_to_hsv
from scipy import ndimage

# color_histogram_hsv


def hues_in_plain_python(im, nbin=10):
    counts = [0] * nbin
    for row in im.tolist():
        for r, g, b in row:
            hue = colorsys.rgb_to_hsv(r / 255, g / 255, b / 255)[0]
            counts[min(int(hue * nbin), nbin - 1)] += 1
    return [count / (len(im) * len(im[0])) for count in counts]


def hues_as_the_course_does_it(im, nbin=10, xmin=0, xmax=255, normalized=True):
    bins = np.linspace(xmin, xmax, nbin + 1)
    hsv = rgb_to_hsv(im / xmax) * xmax
    histogram, edges = np.histogram(hsv[:, :, 0], bins=bins, density=normalized)
    return histogram * np.diff(edges)


def hues_in_degrees(im, nbin=10):
    print("hues", file=sys.stderr)
    hue = rgb_to_hsv(im.astype(np.float32) / 255)[..., 0].ravel() * 360
    return np.histogram(hue, np.arange(nbin + 1) * (360 / nbin))[0] / hue.size


def hues_by_bincount(im, nbin=10):
    hue = rgb_to_hsv(im.astype(float) / 255.0)[:, :, 0]
    return np.bincount((hue * nbin).astype(int).ravel(), minlength=nbin) / hue.size


def hues_by_masks(im, nbin=10):
    hue = rgb_to_hsv(im / 255)[:, :, 0]
    shares = np.zeros((1, nbin), np.float32)
    for k in range(nbin):
        shares[0, k] = ((hue >= k / nbin) & (hue < (k + 1) / nbin)).mean()
    return shares


def hues_by_the_formula(im, nbin=10):
    rgb = im.astype(float)
    largest, chroma = rgb.max(2), np.ptp(rgb, axis=2)
    r, g, b = rgb[..., 0], rgb[..., 1], rgb[..., 2]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sixth = np.select([chroma == 0, largest == r, largest == g], [0, (g - b) / chroma % 6, 2 + (b - r) / chroma], 0)
        sixth = np.where((chroma > 0) & (largest != r) & (largest != g), 4 + (r - g) / chroma, sixth)
    return np.histogram(sixth, nbin, (0, 6), weights=np.full(sixth.shape, 1 / sixth.size))[0]


def hues_with_digitize(im, nbin=10):
    hue = rgb_to_hsv(im / 255)[:, :, 0].flatten()
    where = np.digitize(hue, np.linspace(0, 1, nbin + 1)[1:-1])
    im[:] = 0
    return np.array([np.count_nonzero(where == k) for k in range(nbin)]) / len(hue)


COLOR_HISTOGRAMS = (
    hues_in_plain_python,
    hues_as_the_course_does_it,
    hues_in_degrees,
    hues_by_bincount,
    hues_by_masks,
    hues_by_the_formula,
    hues_with_digitize,
)

# hog_feature


def hog_in_plain_python(im, nbin=9, cell=8):
    height, width = len(im), len(im[0])
    grey = im.tolist()
    if isinstance(grey[0][0], list):
        grey = [[0.299 * r + 0.587 * g + 0.114 * b for r, g, b in row] for row in grey]
    columns = width // cell
    votes = [0.0] * (height // cell * columns * nbin)
    for r in range(height):
        for c in range(width):
            gx = grey[r][c + 1] - grey[r][c - 1] if 0 < c < width - 1 else 0
            gy = grey[r + 1][c] - grey[r - 1][c] if 0 < r < height - 1 else 0
            turn = math.atan2(gy, gx) / math.pi % 1
            k = int(turn * nbin) % nbin
            votes[((r // cell) * columns + c // cell) * nbin + k] += math.sqrt(gx * gx + gy * gy)
    length = math.sqrt(sum(v * v for v in votes) + 1e-10)
    return [v / length for v in votes]


def _gradients(im):
    if im.ndim == 3:
        im = np.dot(im[..., :3], [0.299, 0.587, 0.114])
    im = im.astype(np.float64)
    gx, gy = np.zeros(im.shape), np.zeros(im.shape)
    gx[:, 1:-1] = im[:, 2:] - im[:, :-2]
    gy[1:-1, :] = im[2:, :] - im[:-2, :]
    return gx, gy


def hog_with_np_histogram(im, nbin=9, cell=8):
    gx, gy = _gradients(im)
    magnitude = np.sqrt(gx**2 + gy**2)
    theta = np.arctan2(gy, gx)
    theta[theta < 0] += np.pi
    theta[theta >= np.pi] = 0
    features = []
    for i in range(0, im.shape[0], cell):
        for j in range(0, im.shape[1], cell):
            a, m = theta[i : i + cell, j : j + cell], magnitude[i : i + cell, j : j + cell]
            features.append(np.histogram(a, bins=nbin, range=(0, np.pi), weights=m)[0])
    features = np.concatenate(features)
    return features / (np.linalg.norm(features) + 1e-10)


def hog_with_means_and_masks(im, nbin=9, cell=8):
    """Means over the cells and not sums: the normalisation takes the factor away."""
    gx, gy = _gradients(im)
    angle = np.rad2deg(np.arctan2(gy, gx)) % 180
    width = 180 / nbin
    result = np.zeros((im.shape[0] // cell, im.shape[1] // cell, nbin))
    for k in range(nbin):
        chosen = np.where((angle >= k * width) & (angle < (k + 1) * width), np.hypot(gx, gy), 0)
        result[:, :, k] = chosen.reshape(result.shape[0], cell, result.shape[1], cell).mean(axis=(1, 3))
    result = result.flatten()
    return result / np.sqrt((result**2).sum() + 1e-10)


def hog_with_add_at(im, nbin=9, cell=8):
    gx, gy = _gradients(im)
    k = ((np.arctan2(-gy, -gx) % np.pi) * nbin / np.pi).astype(int).clip(0, nbin - 1)
    k[(gy == 0)] = 0
    r, c = np.indices(gx.shape) // cell
    votes = np.zeros((r.max() + 1, c.max() + 1, nbin))
    np.add.at(votes, (r, c, k), np.hypot(gx, gy))
    norm = np.linalg.norm(votes)
    return (votes / norm if norm > 0 else votes).reshape(-1)


def hog_with_convolutions(im, nbin=9, cell=8):
    """SciPy's filters, borders set to 0; the complex angle; one-hot votes and einsum. Half differences."""
    grey = im.astype(np.float64) @ np.array([0.299, 0.587, 0.114]) if im.ndim == 3 else im.astype(np.float64)
    gx = ndimage.correlate1d(grey, [-0.5, 0, 0.5], axis=1)
    gy = ndimage.correlate1d(grey, [-0.5, 0, 0.5], axis=0)
    gx[:, [0, -1]] = 0
    gy[[0, -1]] = 0
    z = gx + 1j * gy
    k = np.floor(np.mod(np.angle(z, deg=True), 180) / (180 / nbin)).astype(int) % nbin
    votes = np.eye(nbin)[k] * np.abs(z)[..., None]
    h, w = grey.shape[0] // cell, grey.shape[1] // cell
    v = np.einsum("abcdk->ack", votes.reshape(h, cell, w, cell, nbin)).ravel()
    return (v / np.sqrt(v @ v + 1e-10)).astype(np.float32)


def hog_with_np_gradient(im, nbin=9, cell=8):
    """np.gradient halves the differences, which does not matter; its one-sided borders are replaced."""
    grey = np.tensordot(im, [0.299, 0.587, 0.114], axes=1) if im.ndim == 3 else im * 1.0
    gy, gx = np.gradient(grey)
    gx[:, 0] = gx[:, -1] = 0
    gy[0] = gy[-1] = 0
    with np.errstate(divide="ignore", invalid="ignore"):
        theta = np.arctan(gy / gx)
    theta = np.where(np.isnan(theta), 0, theta)
    theta = np.where(theta < 0, theta + np.pi, theta)
    k = np.minimum(theta // (np.pi / nbin), nbin - 1).astype(int)
    strength = np.linalg.norm([gx, gy], axis=0)
    rows = []
    for block, power in zip(_blocks(k, cell), _blocks(strength, cell), strict=True):
        rows.append([power[block == b].sum() for b in range(nbin)])
    rows = np.array(rows)
    im[...] = 0
    print("sum of squares", (rows**2).sum())
    return rows.reshape(1, -1) / math.sqrt((rows**2).sum() + 1e-5**2)


def _blocks(a, cell):
    return [block for band in np.vsplit(a, len(a) // cell) for block in np.hsplit(band, a.shape[1] // cell)]


def hog_in_float32(im, nbin=9, cell=8):
    if im.ndim == 3:
        grey = np.float32(0.299) * im[..., 0] + np.float32(0.587) * im[..., 1] + np.float32(0.114) * im[..., 2]
    else:
        grey = np.asarray(im, np.float32)
    padded = np.pad(grey, 1, mode="edge")
    gx, gy = padded[1:-1, 2:] - padded[1:-1, :-2], padded[2:, 1:-1] - padded[:-2, 1:-1]
    gx[:, (0, -1)], gy[(0, -1), :] = 0, 0
    angle = np.degrees(np.arctan2(gy, gx)) % 180
    bins = (angle * nbin // 180).astype(np.int64) % nbin
    here = np.arange(grey.shape[0])[:, None] // cell * (grey.shape[1] // cell) + np.arange(grey.shape[1]) // cell
    total = grey.size // cell**2 * nbin
    votes = np.bincount((here * nbin + bins).ravel(), np.hypot(gx, gy).ravel(), total).astype(np.float32)
    return votes / np.sqrt(np.square(votes).sum() + np.float32(1e-10))


HOGS = (
    hog_in_plain_python,
    hog_with_np_histogram,
    hog_with_means_and_masks,
    hog_with_add_at,
    hog_with_convolutions,
    hog_with_np_gradient,
    hog_in_float32,
)

# standardize


def standardize_in_a_loop(F_train, F_val):
    X_train, X_val = np.zeros_like(F_train), np.zeros_like(F_val)
    mean, std = [], []
    for d in range(F_train.shape[1]):
        m, s = np.mean(F_train[:, d]), np.std(F_train[:, d])
        s = s if s else 1
        X_train[:, d], X_val[:, d] = (F_train[:, d] - m) / s, (F_val[:, d] - m) / s
        mean.append(m)
        std.append(s)
    return X_train, X_val, mean, std


def standardize_in_place(F_train, F_val):
    mean, std = F_train.mean(0, keepdims=True), F_train.std(0, keepdims=True)
    std = np.maximum(std, 1e-8)
    F_train -= mean
    F_val -= mean
    F_train /= std
    F_val /= std
    return F_train, F_val, mean, std


def standardize_with_a_small_number(F_train, F_val):
    mean, std = np.mean(F_train, axis=0), np.std(F_train, axis=0)
    return (F_train - mean) / (std + 1e-8), (F_val - mean) / (std + 1e-8), mean, std


def standardize_by_the_unbiased_variance(F_train, F_val):
    """Divides by N - 1 under the root, as statisticians do."""
    mean, variance = F_train.mean(axis=0), F_train.var(axis=0, ddof=1)
    scale = 1 / np.sqrt(np.where(variance > 0, variance, 1))
    return (F_train - mean) * scale, (F_val - mean) * scale, mean, np.sqrt(variance)


def standardize_in_float32(F_train, F_val):
    F_train, F_val = np.float32(F_train), np.float32(F_val)
    mean = F_train.mean(0)
    centred = F_train - mean
    std = np.sqrt((centred**2).mean(0))
    std[std < 1e-6] = 1
    return centred / std, (F_val - mean) / std, mean, std


def standardize_and_replace_nan(F_train, F_val):
    mean, std = F_train.mean(axis=0), F_train.std(axis=0)
    X_train, X_val = np.nan_to_num((F_train - mean) / std), np.nan_to_num((F_val - mean) / std)
    return X_train, X_val, mean, std


def standardize_from_helpers(F_train, F_val):
    mean, std = _statistics(F_train)
    return _scaled(F_train, mean, std).tolist(), _scaled(F_val, mean, std).tolist(), mean, std


def _statistics(F):
    mean = np.einsum("nd->d", F) / len(F)
    return mean, np.sqrt(np.einsum("nd,nd->d", F - mean, F - mean) / len(F))


def _scaled(F, mean, std):
    return np.divide(F - mean, std, out=np.zeros(F.shape), where=std != 0)


STANDARDIZATIONS = (
    standardize_in_a_loop,
    standardize_in_place,
    standardize_with_a_small_number,
    standardize_by_the_unbiased_variance,
    standardize_in_float32,
    standardize_and_replace_nan,
    standardize_from_helpers,
)

# log_uniform


def draw_by_logarithms(u, low, high):
    return 10 ** (np.log10(low) + u * (np.log10(high) - np.log10(low)))


def draw_by_natural_logarithms(u, low, high):
    return np.exp((1 - u) * math.log(low) + u * math.log(high))


def draw_by_powers(u, low, high):
    return low ** (1 - u) * high**u


def draw_in_plain_python(u, low, high):
    ratio = high / low
    return [low * ratio**x for x in u.tolist()] if isinstance(u, np.ndarray) else low * ratio**u


def draw_by_interpolation(u, low, high):
    return np.power(2.0, np.interp(u, [0, 1], np.log2([low, high])))


def draw_as_arrays(u, low, high):
    return np.array([math.exp(math.log(low) + x * math.log(high / low)) for x in np.atleast_1d(u)])


def draw_by_root(u, low, high):
    center, half = math.sqrt(low * high), math.sqrt(high / low)
    return center * np.float64(half) ** (2 * np.asarray(u) - 1)


LOG_UNIFORMS = (
    draw_by_logarithms,
    draw_by_natural_logarithms,
    draw_by_powers,
    draw_in_plain_python,
    draw_by_interpolation,
    draw_as_arrays,
    draw_by_root,
)

# choose_best


def choose_by_a_loop(results):
    best, row = -1, None
    for i, (_, _, _, validation, _) in enumerate(results):
        if validation > best:
            best, row = validation, i
    return row


def choose_by_max_with_key(results):
    return max(range(len(results)), key=lambda i: results[i][3])


def choose_by_sorting(results):
    return np.argsort(results[:, 3])[-1]


def choose_by_sorting_rows(results):
    rows = sorted(enumerate(results.tolist()), key=lambda pair: -pair[1][3])
    return rows[0][0]


def choose_by_comparison(results):
    return np.flatnonzero(results[:, 3] == results[:, 3].max())


def choose_as_a_float(results):
    accuracies = list(results[:, -2])
    return float(accuracies.index(max(accuracies)))


def choose_by_argmin(results):
    return np.argmin(1 - results.T[3])


CHOICES = (
    choose_by_a_loop,
    choose_by_max_with_key,
    choose_by_sorting,
    choose_by_sorting_rows,
    choose_by_comparison,
    choose_as_a_float,
    choose_by_argmin,
)

VARIANTS = {
    "color_histogram_hsv": COLOR_HISTOGRAMS,
    "hog_feature": HOGS,
    "standardize": STANDARDIZATIONS,
    "log_uniform": LOG_UNIFORMS,
    "choose_best": CHOICES,
}
