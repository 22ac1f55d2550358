"""What happens to a photograph when the camera, the light or the scene changes, and the object does not.

Every transform takes and returns a uint8 colour image (H, W, 3), and its neutral setting returns the image unchanged.
Used by lecture 02 for the semantic gap, and wherever images are altered without changing what they show.
"""

from functools import cache

import numpy as np
from scipy import ndimage
from skimage import data, draw, transform

# Outline of the cat in `skimage.data.chelsea()` (300 x 451): (row, column) corners, clockwise from the top left.
CAT_OUTLINE = (
    *((0, 0), (0, 401), (12, 394), (30, 386), (52, 374), (70, 362), (82, 358), (100, 364), (124, 367)),
    *((150, 362), (172, 350), (196, 338), (220, 334), (245, 326), (268, 322), (300, 316), (300, 0)),
)
FRAME = slice(100, 400)


def _as_image(values):
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def resize(image, size):
    """Return `image` (H, W, C) uint8 as (size, size, C) uint8, averaging over the area that each pixel covers."""
    if image.shape[:2] == (size, size):
        return image.copy()
    return _as_image(transform.resize(image, (size, size), order=1, anti_aliasing=True, preserve_range=True))


@cache
def _cat(size):
    photograph = data.chelsea()
    mask = draw.polygon2mask(photograph.shape[:2], CAT_OUTLINE).astype(float)
    width = round(size * photograph.shape[1] / photograph.shape[0])
    shape = (size, width)
    image = transform.resize(photograph, shape, order=1, anti_aliasing=True, preserve_range=True)
    return _as_image(image), transform.resize(ndimage.gaussian_filter(mask, 2.0), shape, order=1)


def cat(size=200):
    """Return a wide photograph of a cat (size, 1.5 size, 3) uint8 and its outline, 1 on the cat, 0 beside it.

    `frame` cuts the square around the face out of it; what lies outside comes into view when the camera moves. The
    photograph is scikit-image's `chelsea` (Stéfan van der Walt, CC0), so no download is needed.
    """
    image, mask = _cat(size)
    return image.copy(), mask.copy()


def frame(image):
    """Cut the square around the face out of the wide photograph that `cat` returns (or its transformed copy)."""
    size = image.shape[0]
    start = round(FRAME.start * size / 300)
    return image[:, start : start + size]


@cache
def _texture(name, size):
    sources = {"bricks": data.brick, "gravel": data.gravel, "grass": data.grass}
    tints = {"bricks": (1.15, 0.85, 0.7), "gravel": (1.05, 1.0, 0.92), "grass": (0.85, 1.0, 0.6)}
    if name not in sources:
        raise ValueError(f"there is no texture {name!r}; choose one of {', '.join(sources)}")
    gray = resize(sources[name]()[:300, :300, None], size).astype(float)
    return _as_image(gray * np.array(tints[name]))


def tiled(name, shape):
    """Return a surface repeated to fill an image of `shape` (H, W, C)."""
    tile = _texture(name, shape[0])
    return np.tile(tile, (1, -(-shape[1] // shape[0]), 1))[:, : shape[1]]


def other_photographs(size=32):
    """Return {name: (size, size, 3) uint8 image} of photographs that show no cat (all shipped with scikit-image)."""
    photographs = {
        "coffee": data.coffee()[:, 60:460],
        "rocket": data.rocket()[:, 100:527],
        "astronaut": data.astronaut(),
    }
    return {name: resize(photograph, size) for name, photograph in photographs.items()}


def change_viewpoint(image, turn=0.0, roll=0.0, zoom=1.0):
    """Look at a flat picture from another place: camera moved to the side, rolled, or stepped closer.

    turn: degrees about the vertical axis; roll: degrees about the line of sight, counter-clockwise; zoom: above 1
    is nearer. The picture is mirrored at its border to fill what the camera now sees beside it.
    """
    if turn == 0 and roll == 0 and zoom == 1:
        return image.copy()
    height, width = image.shape[:2]
    yaw, tilt, focal = np.deg2rad(turn), np.deg2rad(roll), 1.6 * width
    centre = np.array([[1, 0, (1 - width) / 2], [0, 1, (1 - height) / 2], [0, 0, 1]])
    # The plane z = 0 turned by yaw, at distance `focal` from a pinhole camera: x' = f x cos / (f - x sin).
    turned = np.array([[np.cos(yaw), 0, 0], [0, 1, 0], [-np.sin(yaw) / focal, 0, 1]])
    rolled = np.array([[np.cos(tilt), np.sin(tilt), 0], [-np.sin(tilt), np.cos(tilt), 0], [0, 0, 1 / zoom]])
    camera = np.linalg.inv(centre) @ rolled @ turned @ centre
    seen = transform.warp(image, np.linalg.inv(camera), order=1, mode="reflect", preserve_range=True, clip=False)
    return _as_image(seen)


def illuminate(image, brightness=1.0, side=0.0):
    """Change the light: `brightness` multiplies every pixel, `side` in [-1, 1] moves the lamp left (-) or right (+)."""
    ramp = np.linspace(-1, 1, image.shape[1])[None, :, None]
    return _as_image(image * (brightness * np.clip(1 + side * ramp, 0, None)))


@cache
def _displacements(height, width, seed):
    rng = np.random.default_rng(seed)
    smooth = ndimage.gaussian_filter(rng.standard_normal((2, height, width)), (0, height / 8, width / 8))
    return smooth / np.abs(smooth).max(axis=(1, 2), keepdims=True)


def deform(image, strength=0.0, seed=3):
    """Bend the picture as if it were printed on rubber; `strength` is the largest shift as a share of the width."""
    if strength == 0:
        return image.copy()
    height, width = image.shape[:2]
    rows, columns = np.mgrid[:height, :width] + strength * width * _displacements(height, width, seed)
    channels = [
        ndimage.map_coordinates(image[..., channel], (rows, columns), float, order=1, mode="mirror")
        for channel in range(image.shape[2])
    ]
    return _as_image(np.stack(channels, axis=-1))


def occlude(image, share=0.0, surface="bricks"):
    """Hide the lower `share` (0 to 1) of the picture behind a wall."""
    height = image.shape[0]
    hidden = round(share * height)
    result = image.copy()
    if hidden:
        result[height - hidden :] = tiled(surface, image.shape)[:hidden]
    return result


def clutter(image, mask, surface="gravel", amount=0.0):
    """Replace what is behind the object by a busy surface; `mask` (H, W) is 1 on the object, `amount` blends 0 to 1."""
    if amount == 0:
        return image.copy()
    behind = (amount * (1 - mask))[..., None]
    return _as_image((1 - behind) * image + behind * tiled(surface, image.shape))


def l2_distance(a, b):
    """Return the Euclidean distance between all the numbers of two images of one shape, on their 0 to 255 scale."""
    if a.shape != b.shape:
        raise ValueError(f"the images differ in shape: {a.shape} and {b.shape}")
    return float(np.linalg.norm(a.astype(float) - b.astype(float)))


def shifted(image, share):
    """Move a float image (H, W, C) right by `share` (0 to 1) of its width; its left border is repeated."""
    image = np.asarray(image, float)
    return ndimage.shift(image, (0, share * image.shape[1], 0), order=1, mode="nearest")


def tinted(image, amount, color=(40.0, 90.0, 200.0)):
    """Mix a float image with one colour: amount 0 is the image, 1 the colour alone (its mean for gray images)."""
    image = np.asarray(image, float)
    paint = np.array(color) if image.shape[2] == 3 else np.array([np.mean(color)])
    return (1 - amount) * image + amount * paint


def boxed(image, size, value=0.0):
    """Cover a centred square of `size` (share of the width, 0 to 1); its border pixels are covered in part."""
    image = np.asarray(image, float)
    cover = []
    for length in image.shape[:2]:
        centres = np.abs(np.arange(length) + 0.5 - length / 2)
        cover.append(np.clip(size * length / 2 - centres + 0.5, 0, 1))
    covered = np.outer(*cover)[..., None]
    return (1 - covered) * image + covered * value


def at_distance(change, image, distance, low=0.0, high=1.0):
    """Return `change(image, strength)` with the strength in [low, high] that puts it at L2 `distance` from `image`.

    Found by bisection (Brent), so the distance agrees to about ten digits. Raises ValueError when out of reach.
    """
    from scipy.optimize import brentq

    def excess(strength):
        return l2_distance(change(image, strength), image) - distance

    if excess(high) < 0:
        raise ValueError(
            f"{change.__name__} reaches an L2 distance of {excess(high) + distance:.0f}, not {distance:.0f}"
        )
    return change(image, brentq(excess, low, high, xtol=1e-14, rtol=1e-14))
