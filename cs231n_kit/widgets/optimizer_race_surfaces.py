"""Surfaces for optimizers to race on: functions of x and y with exact gradients, and maps of them."""

import math
from dataclasses import dataclass, field

import numpy as np

from cs231n_kit.graph import ExpressionError
from cs231n_kit.graph.expression import read
from cs231n_kit.graph.operations import Elementwise

RESOLUTION = 101  # of the map
LEVELS = 18  # contour lines


class Surface:
    """A function f(x, y), typed as for ``cs231n_kit.graph.parse``, and its derivatives, for many points at once.

    Names other than x and y need values: ``"a = 3; a * x**2 + y**2"``.

    Raises:
        ExpressionError: it cannot be read, another name varies, or an operation is not one of numbers.
    """

    def __init__(self, expression):
        graph = read(expression)
        free = [name for name in graph.inputs if name not in ("x", "y", *graph.given)]
        if free:
            reason = f"only x and y vary here: give {free[0]} a value in front, {free[0]} = 2; ..."
            raise ExpressionError(reason, expression, 0, len(expression))
        for node in graph.operations:
            if not isinstance(node.operation, Elementwise):
                reason = f"{node.operation.name} is for arrays; x and y are numbers"
                raise ExpressionError(reason, expression, 0, len(expression))
        self.expression = expression
        self._graph = graph

    def values(self, points):
        """f at points (..., 2), float64 (...); NaN or infinite where it is not defined or too large."""
        points = np.asarray(points, np.float64)
        return np.broadcast_to(self._forward(points), points.shape[:-1]).copy()

    def values_and_gradients(self, points):
        """f and its gradient at points (N, 2): float64 (N,) and (N, 2), not finite where f is not defined."""
        points = np.asarray(points, np.float64)
        values, upstream = self._forward(points), {self._graph.output: np.ones(())}
        with np.errstate(all="ignore"):
            for node in reversed(self._graph.operations):  # whoever uses a node comes before it
                for parent, local in zip(node.parents, node.local_gradients(), strict=True):
                    if not parent.constant:
                        upstream[parent] = upstream.get(parent, 0.0) + upstream[node] * local
        gradients = np.zeros(points.shape)
        for column, name in enumerate("xy"):
            gradients[:, column] = upstream.get(self._graph.inputs.get(name), 0.0)
        return np.broadcast_to(values, len(points)).copy(), gradients

    def curvatures(self, points):
        """The eigenvalues of the second derivatives at points (N, 2), ascending (N, 2), NaN where there are none.

        The second derivatives are centred differences of the exact gradients.
        """
        points = np.asarray(points, np.float64)
        steps = 1e-5 * (1 + np.abs(points))
        hessians = np.empty((len(points), 2, 2))
        for column in range(2):
            step = np.zeros_like(points)
            step[:, column] = steps[:, column]
            ahead, behind = (self.values_and_gradients(points + way * step)[1] for way in (1, -1))
            hessians[:, :, column] = (ahead - behind) / (2 * steps[:, [column]])
        hessians = (hessians + hessians.transpose(0, 2, 1)) / 2
        finite = np.isfinite(hessians).all(axis=(1, 2))
        found = np.full((len(points), 2), np.nan)
        found[finite] = np.linalg.eigvalsh(hessians[finite])
        return found

    def why_undefined(self, point):
        """Why f or its gradient has no finite value at a point; "" where it has."""
        place = zip("xy", map(float, point), strict=True)
        try:
            self._graph.set(**{name: value for name, value in place if name in self._graph.inputs}).forward()
            self._graph.backward()
        except ExpressionError as error:
            return error.reason
        except ValueError:  # not a finite place
            return "it has left the numbers"
        return ""

    def lowest_point(self, center, reach):
        """The lowest point that a search finds from the lowest one of a square's grid, (2,).

        None where f has no value in the square, and where it falls for ever.
        """
        grid = plane(center, reach, 41)
        values = self.values(grid)
        if not np.isfinite(values).any():
            return None
        best = grid[np.unravel_index(np.nanargmin(np.where(np.isfinite(values), values, np.nan)), values.shape)]
        half = reach / 20
        for _ in range(120):
            near = plane(best, half, 5)
            values = self.values(near)
            row, column = np.unravel_index(np.nanargmin(np.where(np.isfinite(values), values, np.inf)), values.shape)
            best = near[row, column]
            if 0 < row < 4 and 0 < column < 4:
                half /= 2
            if half < 1e-9 * reach:
                return best
        return None

    def _forward(self, points):
        for column, name in enumerate("xy"):
            if name in self._graph.inputs:
                self._graph.inputs[name].value = points[..., column]
        with np.errstate(all="ignore"):
            for node in self._graph.operations:
                node.forward()
        return self._graph.output.value


def plane(center, reach, count):
    """A square grid of points, float64 (count, count, 2), from the upper left corner on."""
    along = np.linspace(-reach, reach, count)
    return np.stack(np.meshgrid(center[0] + along, center[1] - along), axis=-1)


@dataclass(frozen=True)
class Ground:
    """A surface to choose: its window, where races start, and learning rates that suit it."""

    title: str
    expression: str
    minima: tuple = ()
    center: tuple = (0.0, 0.0)
    reach: float = 3.0
    start: tuple = (-2.0, 2.0)
    steps: int = 100
    rates: dict = field(default_factory=dict)


GROUNDS = {
    "bowl": Ground(
        "Bowl",
        "",  # depends on the condition number and the angle, see bowl()
        minima=((0.0, 0.0),),
        reach=1.2,
        start=(-1.0, 0.6),
        rates={"sgd": 0.045, "sgd_momentum": 0.01, "nesterov": 0.01, "adagrad": 0.3, "rmsprop": 0.05, "adam": 0.1},
    ),
    "saddle": Ground(
        "Saddle between two minima",
        "square(x) / 2 - square(y) / 2 + square(square(y)) / 4",
        minima=((0.0, 1.0), (0.0, -1.0)),
        reach=1.6,
        start=(-1.4, 0.001),
        rates={"sgd": 0.1, "sgd_momentum": 0.1, "nesterov": 0.1, "adagrad": 0.1, "rmsprop": 0.02, "adam": 0.05},
    ),
    "ravine": Ground(
        "Ravine (Rosenbrock)",
        "square(1 - x) + 100 * square(y - square(x))",
        minima=((1.0, 1.0),),
        center=(0.0, 1.0),
        reach=2.0,
        start=(-1.2, 1.0),
        steps=300,
        rates={"sgd": 2e-3, "sgd_momentum": 1.5e-3, "nesterov": 1.5e-3, "adagrad": 1.0, "rmsprop": 0.02, "adam": 0.3},
    ),
    "beale": Ground(
        "Beale",
        "square(1.5 - x + x * y) + square(2.25 - x + x * square(y)) + square(2.625 - x + x * square(y) * y)",
        minima=((3.0, 0.5),),
        reach=4.5,
        start=(1.0, 1.5),
        steps=150,
        rates={"sgd": 0.02, "sgd_momentum": 5e-3, "nesterov": 5e-3, "adagrad": 1.0, "rmsprop": 0.05, "adam": 0.3},
    ),
    "own": Ground(
        "Your own",
        "square(x) / 4 + square(y) + sin(3 * x) * cos(2 * y)",
        rates={"sgd": 0.05, "sgd_momentum": 0.02, "nesterov": 0.02, "adagrad": 0.3, "rmsprop": 0.05, "adam": 0.1},
    ),
}


def bowl(condition, angle):
    """f = (u² + κ v²) / 2 with u and v turned by an angle in degrees: the eigenvalues of its curvature are 1 and κ."""
    if angle == 0:
        return f"(square(x) + {condition:.6g} * square(y)) / 2"
    c, s = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    return (
        f"u = {c:.6f} * x + {s:.6f} * y; v = {c:.6f} * y - {s:.6f} * x; (square(u) + {condition:.6g} * square(v)) / 2"
    )


@dataclass(frozen=True)
class Map:
    """A picture of a surface in a window: shade uint8 (R, R) from the upper left, low is pale; contour lines (n, 2)."""

    shade: np.ndarray
    lines: list


def draw_map(surface, center, reach, lowest):
    """The ``Map`` of a window, its levels at equal ratios above the lowest value of the surface, a number."""
    from cs231n_kit.plots import new_figure

    grid = plane(center, reach, RESOLUTION)
    heights = surface.values(grid)
    heights[~np.isfinite(heights)] = np.nan
    if np.isnan(heights).all():
        return Map(np.zeros((RESOLUTION, RESOLUTION), np.uint8), [])
    above = heights - min(lowest, float(np.nanmin(heights)))
    top = float(np.nanmax(above))
    low = max(float(np.nanquantile(above, 0.002)), 1e-7 * top, 1e-300)
    with np.errstate(divide="ignore", invalid="ignore"):
        shade = np.log(np.maximum(above, low) / low) / max(math.log(max(top, 1e-300) / low), 1e-9)
    shade = np.nan_to_num(255 * shade.clip(0, 1), nan=255).astype(np.uint8)
    if top <= low:
        return Map(shade, [])
    levels = np.geomspace(low, top, LEVELS + 1)[:-1]
    drawn = new_figure(1, 1)[1].contour(grid[0, :, 0], grid[:, 0, 1], np.ma.masked_invalid(above), levels)
    return Map(shade, [line for lines in drawn.allsegs for line in lines if len(line) > 1])
