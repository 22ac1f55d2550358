// The plane on a canvas: axes, points and the cross. The plane is white in both themes.

import { SHAPES, number } from "./elements.js";

export const INK = "#1f2430";

// Grid lines and numbers of the square [-1, 1] x [-1, 1] on `size` pixels, and the names of its axes.
export function drawAxes(context, size, [across, up] = ["x₁", "x₂"]) {
  context.strokeStyle = "rgb(31 36 48 / 0.14)";
  context.lineWidth = 1;
  context.beginPath();
  for (const at of [0.25, 0.5, 0.75]) {
    const line = Math.round(size * at) + 0.5;
    context.moveTo(line, 0);
    context.lineTo(line, size);
    context.moveTo(0, line);
    context.lineTo(size, line);
  }
  context.stroke();
  context.fillStyle = "rgb(31 36 48 / 0.6)";
  context.font = "12px system-ui, sans-serif";
  context.textAlign = "center";
  for (const value of [-0.5, 0, 0.5]) {
    context.fillText(number(value, 1), (size * (value + 1)) / 2, size - 6);
    if (value) context.fillText(number(value, 1), 16, (size * (1 - value)) / 2 - 4);
  }
  context.font = "italic 15px Georgia, serif";
  context.fillText(across, size - 14, size - 8);
  context.fillText(up, 14, 18);
}

export function drawShape(context, shape, [x, y], radius, { fill, stroke, width }) {
  context.save();
  context.translate(x, y);
  context.scale(radius, radius);
  const path = new Path2D(SHAPES[shape]);
  context.lineJoin = "round";
  if (stroke) {
    context.strokeStyle = stroke;
    context.lineWidth = width / radius;
    context.stroke(path);
  }
  if (fill) {
    context.fillStyle = fill;
    context.fill(path);
  }
  context.restore();
}

// Points with their classes' colours and shapes; those in `marked` get a dark rim, the selected one a ring.
export function drawPoints(context, session, toPixel, size, marked = new Set()) {
  const { state, setup, selected } = session;
  const radius = Math.min(Math.max(size / 80, 4.5), 8);
  state.points.forEach((point, index) => {
    const at = toPixel(point);
    const shape = setup.shapes[state.labels[index]];
    const fill = setup.colors[state.labels[index]];
    const large = index === selected || marked.has(index) ? radius * 1.25 : radius;
    if (index === selected) drawShape(context, "circle", at, radius + 7, { stroke: INK, width: 2.5 });
    if (marked.has(index)) drawShape(context, shape, at, large, { stroke: INK, width: 7.5 });
    else drawShape(context, shape, at, large, { stroke: "rgb(31 36 48 / 0.35)", width: 6 });
    drawShape(context, shape, at, large, { fill, stroke: "#fff", width: 4 });
  });
}

// The cross at a pixel: where the pointer or the keyboard is.
export function drawCross(context, [x, y]) {
  for (const [style, grow] of [["#fff", 1.5], [INK, 0]]) {
    context.strokeStyle = style;
    context.lineWidth = 2 + 2 * grow;
    context.beginPath();
    context.moveTo(x - 7 - grow, y);
    context.lineTo(x + 7 + grow, y);
    context.moveTo(x, y - 7 - grow);
    context.lineTo(x, y + 7 + grow);
    context.stroke();
  }
}
