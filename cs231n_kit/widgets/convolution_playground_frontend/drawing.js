// Grids of numbers as SVG: cells, texts, switches and what is marked. Nodes are made once for each arrangement.

import { svgElement } from "../frontend/elements.js";

export const ARROWS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }; // down, right

export function shape(tag, attributes = {}, parent = null) {
  const node = svgElement(tag, attributes);
  parent?.append(node);
  return node;
}

// The frame of a cell, or of a rectangle of cells from one corner to the other, on the picture.
function frame(grid, [top, left], [bottom, right], attributes, parent) {
  const { cell, pad, x, y } = grid;
  return shape("rect", {
    x: x + (left + (pad ?? 0)) * cell,
    y: y + (top + (pad ?? 0)) * cell,
    width: (right - left + 1) * cell,
    height: (bottom - top + 1) * cell,
    ...attributes,
  }, parent);
}

export class Drawing {
  constructor(svg) {
    this.svg = svg;
    this.made = "";
  }

  draw(scene, marks) {
    const made = JSON.stringify([scene.width, scene.height, ...scene.grids.map((grid) =>
      [grid.name, grid.x, grid.y, grid.cell, grid.rows, grid.columns, grid.pad, Boolean(grid.texts[0])])]);
    if (made !== this.made) this.make(scene);
    this.made = made;
    for (const grid of scene.grids) this.fill(this.grids.get(grid.name), grid);
    this.mark(scene, marks);
  }

  make({ width, height, grids }) {
    const { svg } = this;
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    svg.setAttribute("width", width);
    svg.replaceChildren();
    this.grids = new Map(grids.map((grid) => [grid.name, this.makeGrid(grid)]));
    this.marks = shape("g", { class: "marks" }, svg);
  }

  makeGrid(grid) {
    const { x, y, cell, rows, columns, pad, name } = grid;
    const group = shape("g", { class: `grid ${grid.editable ? "editable" : ""} ${cell < 16 ? "picture" : ""}`, "data-grid": name }, this.svg);
    const heading = shape("text", { class: "heading", x, y: y - 25 }, group);
    const title = shape("text", { class: "title", x, y: y - 7 }, group);
    const cells = [];
    const numbers = Boolean(grid.texts.find(Boolean)) || cell >= 22;
    for (let i = 0; i < rows * columns; i++) {
      const [row, column] = [Math.floor(i / columns), i % columns];
      const padding = row < pad || column < pad || row >= rows - pad || column >= columns - pad;
      const at = { x: x + column * cell, y: y + row * cell, width: cell, height: cell };
      const rect = shape("rect", { class: padding ? "cell padding" : "cell", ...at }, group);
      const text = numbers ? shape("text", { class: padding ? "number padding" : "number", x: at.x + cell / 2, y: at.y + cell / 2 }, group) : null;
      cells.push({ rect, text, padding });
    }
    shape("rect", { class: "rim", x: x + pad * cell, y: y + pad * cell, width: (columns - 2 * pad) * cell, height: (rows - 2 * pad) * cell }, group);
    return { group, heading, title, cells, extra: shape("g", {}, group) };
  }

  fill(made, grid) {
    made.heading.textContent = grid.heading;
    made.title.textContent = grid.title;
    let value = 0;
    for (const { rect, text, padding } of made.cells) {
      if (padding) {
        if (text) this.write(text, grid.pad_text, "", grid.cell);
        continue;
      }
      const fill = grid.fills[value];
      rect.setAttribute("fill", fill || "transparent");
      rect.classList.toggle("waiting", !fill);
      if (text) this.write(text, grid.texts[value], grid.inks[value], grid.cell);
      value += 1;
    }
    made.extra.replaceChildren();
    const [rows, columns] = grid.unseen;
    const [height, width] = [grid.rows - 2 * grid.pad, grid.columns - 2 * grid.pad];
    const end = [height + grid.pad - 1, width + grid.pad - 1];
    if (rows) frame(grid, [end[0] - rows + 1, -grid.pad], end, { class: "unseen" }, made.extra);
    if (columns) frame(grid, [-grid.pad, end[1] - columns + 1], [end[0] - rows, end[1]], { class: "unseen" }, made.extra);
    for (const [row, column] of new Map(grid.dots.map((dot) => [dot.join(), dot])).values()) {
      const size = Math.max(grid.cell * 0.3, 3);
      const at = { x: grid.x + (column + grid.pad + 1) * grid.cell - size - 2, y: grid.y + (row + grid.pad) * grid.cell + 2 };
      shape("rect", { class: "dot", ...at, width: size, height: size, rx: size / 2 }, made.extra);
    }
  }

  write(node, text, ink, cell) {
    if (node.textContent !== text) node.textContent = text;
    if (ink) node.setAttribute("fill", ink);
    node.style.fontSize = `${Math.min(0.42 * cell, (1.55 * cell) / Math.max(text.length, 1)).toFixed(1)}px`;
  }

  mark(scene, marks) {
    this.marks.replaceChildren();
    const order = { read: 0, written: 1, focus: 2 };
    for (const { grid: name, kind, cells } of [...marks].sort((a, b) => order[a.kind] - order[b.kind])) {
      const grid = scene.grids.find((one) => one.name === name);
      if (!grid || !cells.length) continue;
      for (const [from, to] of boxes(cells))
        for (const edge of ["halo", "edge"]) frame(grid, from, to, { class: `mark ${kind} ${edge}`, "data-mark": name }, this.marks);
    }
  }
}

// Cells as one box, where they fill a rectangle, or as a box each.
function boxes(cells) {
  const [rows, columns] = [0, 1].map((axis) => cells.map((cell) => cell[axis]));
  const [from, to] = [[Math.min(...rows), Math.min(...columns)], [Math.max(...rows), Math.max(...columns)]];
  const distinct = new Set(cells.map(String)).size;
  return distinct === (to[0] - from[0] + 1) * (to[1] - from[1] + 1) ? [[from, to]] : cells.map((cell) => [cell, cell]);
}
