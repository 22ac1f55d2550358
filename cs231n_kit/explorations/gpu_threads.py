"""Lecture 08: how threads, blocks and grids cover arrays and images, what a warp reads, and tiles in shared memory."""

import numpy as np
from matplotlib.patches import Rectangle

from cs231n_kit.explorations.exploration import Exploration, choice, slider
from cs231n_kit.plots import COLORS, INK, MUTED, new_figure, show_image

WARP = 32  # threads that go in step
LINE = 128  # bytes that memory hands over at once
IDLE = "#e3e3e3"


def blocks_for(elements, threads):
    """How many blocks of so many threads give each element a thread."""
    return -(-elements // threads)


def explore_threads():
    """Cover an array by blocks of threads; those beyond its end have nothing to do."""

    def draw(elements, threads, block, thread):
        blocks = blocks_for(elements, threads)
        block, thread = min(block, blocks - 1), min(thread, threads - 1)
        index = block * threads + thread
        figure, ax = new_figure(9.6, 0.9 + 0.34 * blocks)
        for b in range(blocks):
            for t in range(threads):
                busy = b * threads + t < elements
                color = COLORS[b % len(COLORS)] if busy else IDLE
                ax.add_patch(Rectangle((t, b), 0.9, 0.8, color=color, linewidth=0))
        ax.add_patch(Rectangle((thread - 0.08, block - 0.1), 1.06, 1.0, fill=False, edgecolor=INK, linewidth=2.2))
        ax.set(xlim=(-0.3, threads + 0.1), ylim=(blocks, -0.3), xlabel="threadIdx.x", ylabel="blockIdx.x")
        ax.set_xticks(np.arange(0, threads, max(1, threads // 8)) + 0.45, range(0, threads, max(1, threads // 8)))
        ax.set_yticks(np.arange(blocks) + 0.4, range(blocks))
        ax.spines[:].set_visible(False)
        ax.tick_params(length=0)
        idle = blocks * threads - elements
        task = f"and computes element {index}" if index < elements else "which is no element: it must do <b>nothing</b>"
        return figure, (
            f"{blocks} blocks × {threads} threads = {blocks * threads} threads for {elements} elements, {idle} of them "
            "idle (grey). "
            f"The framed thread has i = blockIdx.x · blockDim.x + threadIdx.x = {block} · {threads} + {thread} = "
            f"<b>{index}</b>, {task}."
        )

    controls = {
        "elements": slider("Elements", 1, 200, 100),
        "threads": choice("Threads of a block", [8, 16, 32, 64], 32),
        "block": slider("Block", 0, 24, 3),
        "thread": slider("Thread", 0, 63, 5),
    }
    return Exploration(draw, controls, description="Blocks of threads over an array; threads beyond its end are grey")


def idle_share(height, width, block_height, block_width):
    """The share of threads with no pixel, when blocks cover an image."""
    covered = blocks_for(height, block_height) * block_height * blocks_for(width, block_width) * block_width
    return 1 - height * width / covered


def explore_image_blocks(image):
    """Lay a grid of two-dimensional blocks over an image (H, W, C)."""
    height, width = image.shape[:2]

    def draw(across, down):
        grid = blocks_for(width, across), blocks_for(height, down)
        figure, ax = new_figure(6.4, 6.4 * grid[1] * down / (grid[0] * across))
        show_image(ax, image)
        for x in range(grid[0]):
            for y in range(grid[1]):
                place = (x * across - 0.5, y * down - 0.5)
                ax.add_patch(Rectangle(place, across, down, fill=False, edgecolor="white", linewidth=2.6))
                ax.add_patch(Rectangle(place, across, down, fill=False, edgecolor=INK, linewidth=1.1))
        ax.set(xlim=(-1, grid[0] * across), ylim=(grid[1] * down, -1))
        ax.set_title(f"{width} × {height} pixels under blocks of {across} × {down} threads", fontsize=11)
        figure.set_size_inches(6.4, np.clip(6.4 * grid[1] * down / (grid[0] * across), 2, 7))
        idle = idle_share(height, width, down, across)
        threads = across * down
        warps = blocks_for(threads, WARP)
        return figure, (
            f"A grid of {grid[0]} × {grid[1]} blocks, {threads} threads each, which go in {warps} "
            f"warp{'s' * (warps > 1)} of {WARP}. <b>{idle:.0%}</b> of the threads lie outside the image."
            + ("" if threads <= 1024 else " <b>Too many:</b> a block has at most 1,024 threads.")
        )

    controls = {
        "across": choice("Threads across", [4, 8, 16, 32], 16),
        "down": choice("Threads down", [4, 8, 16, 32], 16),
    }
    return Exploration(draw, controls, description="An image under a grid of blocks of threads")


def lines_of_warp(stride, start=0):
    """Which lines of memory the threads of a warp touch when thread t reads the float32 x[start + t · stride]."""
    return np.unique((start + np.arange(WARP) * stride) * 4 // LINE)


def explore_warp():
    """Show which numbers a warp reads, and how much memory has to hand over for them."""

    def draw(stride, start):
        per_line = LINE // 4
        read = start + np.arange(WARP) * stride
        touched = lines_of_warp(stride, start)
        lines = 34
        cells = np.zeros((lines, per_line))
        cells[touched] = 1
        cells[read // per_line, read % per_line] = 2
        figure, ax = new_figure(9.6, 3.6)
        colors = np.array([[0.95, 0.95, 0.95], [0.78, 0.86, 0.93], [0.0, 0.36, 0.62]])
        ax.imshow(colors[cells.astype(int).T], aspect="auto", interpolation="nearest")
        ax.set(xlabel=f"line of memory ({LINE} bytes each)", ylabel="number in the line", yticks=(0, 8, 16, 24, 31))
        ax.set_title("dark: read by a thread of the warp; light: handed over for nothing", fontsize=11)
        useful = 4 * WARP / (LINE * len(touched))
        return figure, (
            f"Thread t reads x[{start} + {stride} · t]: {len(touched)} line{'s' * (len(touched) > 1)}, "
            f"{LINE * len(touched):,} bytes for {4 * WARP} that are needed. <b>{useful:.0%} useful.</b>"
        )

    controls = {"stride": slider("Stride", 1, 33, 4), "start": slider("First element", 0, 31, 0)}
    return Exploration(draw, controls, description="Lines of memory that the 32 threads of a warp touch")


def loads(n, tile):
    """Numbers read from global memory for a product of two n × n matrices: tile 1 is the kernel without tiles."""
    return 2 * n**3 // tile


def explore_tiles(n=24):
    """Step through the product of two n × n matrices, a tile at a time."""

    def draw(tile, row, column, step):
        steps = n // tile
        row, column, step = (min(value, steps - 1) for value in (row, column, step))
        figure, axes = new_figure(9.6, 3.8, 1, 3)
        places = {
            "A": [(row, k) for k in range(steps)],
            "B": [(k, column) for k in range(steps)],
            "C = A B": [(row, column)],
        }
        for ax, (name, tiles) in zip(axes, places.items(), strict=True):
            ax.set(xlim=(-0.2, n + 0.2), ylim=(n + 0.2, -0.2), aspect="equal", xticks=[], yticks=[])
            ax.set_title(name, fontsize=12)
            for line in range(0, n + 1, tile):
                ax.plot([0, n], [line, line], color="#c4c4c4", linewidth=0.8)
                ax.plot([line, line], [0, n], color="#c4c4c4", linewidth=0.8)
            for k, (r, c) in enumerate(tiles):
                now = name.startswith("C") or k == step
                shade = {"facecolor": COLORS[1] if name.startswith("C") else COLORS[0], "alpha": 1 if now else 0.25}
                ax.add_patch(Rectangle((c * tile, r * tile), tile, tile, **shade))
            ax.spines[:].set_visible(False)
        axes[0].set_xlabel("dark: now in shared memory", fontsize=10)
        axes[1].set_xlabel("dark: now in shared memory", fontsize=10)
        axes[2].set_xlabel("this block's outputs", fontsize=10)
        return figure, (
            f"Step {step + 1} of {steps}: {tile * tile} threads load {2 * tile * tile} numbers and make "
            f"{tile**3:,} multiply-adds of them. In all {loads(n, tile):,} numbers are read from global memory, "
            f"instead of {loads(n, 1):,}: <b>{tile} times less</b>."
        )

    controls = {
        "tile": choice("Tile", [2, 4, 6, 8, 12], 6),
        "row": slider("Block's row", 0, n // 2 - 1, 1),
        "column": slider("Block's column", 0, n // 2 - 1, 2),
        "step": slider("Step", 0, n // 2 - 1, 0),
    }
    return Exploration(draw, controls, description="The tiles of two matrices that a block needs for a tile of C")


def before_and_after(before, after, *, columns=8):
    """Show images (N, H, W, C) with values of both signs above the same images after a kernel."""
    count = min(columns, len(before))
    figure, axes = new_figure(9.6, 2.7, 2, count, squeeze=False)
    limit = float(np.abs(before).max())
    for row, images, name in zip(axes, (before, after), ("before", "after"), strict=True):
        for ax, image in zip(row, images[:count], strict=True):
            ax.imshow(image.mean(axis=-1), cmap="RdBu_r", vmin=-limit, vmax=limit, interpolation="nearest")
            ax.set(xticks=[], yticks=[])
        row[0].set_ylabel(name, fontsize=11)
    figure.suptitle("blue: negative, white: zero, red: positive (mean of the colours)", fontsize=11, color=MUTED)
    return figure
