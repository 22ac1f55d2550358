// The map, its axes and the paths on a canvas. `plane` is a RacePlane: it turns places into pixels.

import { INK, drawShape } from "../frontend/drawing.js";
import { element, number } from "../frontend/elements.js";

const LOW = [255, 255, 255];
const HIGH = [221, 227, 237]; // as in optimizer_race_figure.py
const FAR = 9e3; // pixels beyond which a path is not drawn exactly

export function drawMap(context, plane, map) {
  map.image ??= shadeImage(map);
  const [left, top] = plane.toPixel([map.center[0] - map.reach, map.center[1] + map.reach]);
  const side = (map.reach / plane.session.state.reach) * plane.size;
  const half = side / (2 * (map.resolution - 1)); // the outer cells' centres lie on the edge
  context.imageSmoothingQuality = "high";
  context.drawImage(map.image, left - half, top - half, side + 2 * half, side + 2 * half);
  context.strokeStyle = "rgb(31 36 48 / 0.22)";
  context.lineWidth = 1;
  context.beginPath();
  for (const line of map.lines) {
    for (let i = 0; i < line.length; i += 2) {
      const [x, y] = plane.toPixel([line[i], line[i + 1]]);
      if (i) context.lineTo(x, y);
      else context.moveTo(x, y);
    }
  }
  context.stroke();
}

export function drawMapAxes(context, plane) {
  const { center, reach } = plane.session.state;
  const unit = niceStep(reach);
  const digits = Math.max(0, -Math.floor(Math.log10(unit) + 1e-9));
  context.fillStyle = "rgb(31 36 48 / 0.65)";
  context.font = "12px system-ui, sans-serif";
  for (const axis of [0, 1]) {
    context.textAlign = axis ? "left" : "center";
    for (let k = Math.ceil((center[axis] - reach) / unit); k * unit <= center[axis] + reach; k++) {
      const at = plane.toPixel([k * unit, k * unit])[axis];
      if (at < 26 || at > plane.size - 26) continue;
      if (axis) context.fillText(number(k * unit, digits), 9, at + 4);
      else context.fillText(number(k * unit, digits), at, plane.size - 7);
      context.fillRect(axis ? 0 : at - 0.5, axis ? at - 0.5 : plane.size - 5, axis ? 5 : 1, axis ? 1 : 5);
    }
  }
  context.font = "italic 15px Georgia, serif";
  context.textAlign = "left";
  context.fillText("x", plane.size - 14, plane.size - 8);
  context.fillText("y", 8, 18);
}

export function drawRace(context, plane) {
  const { session } = plane;
  const { race, setup } = session;
  for (const place of race.minima) drawMinimum(context, plane.toPixel(place));
  race.names.forEach((name, k) => {
    const line = [];
    for (let step = 0; step <= Math.min(session.position, race.last[k]); step++) {
      const place = session.place(k, step);
      if (place) line.push(plane.toPixel(place).map((part) => Math.min(Math.max(part, -FAR), FAR)));
    }
    drawPath(context, line, setup.colors[session.mark(name)]);
  });
  race.names.forEach((name, k) => {
    const place = session.place(k, Math.min(session.position, race.last[k]));
    const mark = session.mark(name);
    const style = { fill: setup.colors[mark], stroke: "#fff", width: 4 };
    if (place) drawShape(context, setup.shapes[mark], plane.toPixel(place), 6.5, style);
  });
}

function drawMinimum(context, [x, y]) {
  for (const [style, width] of [["#fff", 5], [INK, 2.2]]) {
    context.strokeStyle = style;
    context.lineWidth = width;
    context.beginPath();
    context.moveTo(x - 8, y);
    context.lineTo(x + 8, y);
    context.moveTo(x, y - 8);
    context.lineTo(x, y + 8);
    context.stroke();
  }
}

function drawPath(context, line, color) {
  context.lineJoin = "round";
  for (const [style, width] of [["rgb(255 255 255 / 0.75)", 4.5], [color, 2]]) {
    context.strokeStyle = style;
    context.lineWidth = width;
    context.beginPath();
    for (const place of line) context.lineTo(...place);
    context.stroke();
  }
  context.fillStyle = color;
  context.beginPath();
  for (const [x, y] of line) {
    context.moveTo(x + 2.4, y);
    context.arc(x, y, 2.4, 0, 7);
  }
  context.fill();
}

// 1, 2 or 5 times a power of ten, so that a few marks fit.
function niceStep(reach) {
  const unit = 10 ** Math.floor(Math.log10(reach));
  return reach / unit < 2 ? unit / 2 : reach / unit < 5 ? unit : 2 * unit;
}

function shadeImage({ resolution, shade }) {
  const canvas = element("canvas", { width: resolution, height: resolution });
  const context = canvas.getContext("2d");
  const image = context.createImageData(resolution, resolution);
  for (let cell = 0; cell < shade.length; cell++) {
    const share = shade[cell] / 255;
    for (let part = 0; part < 3; part++) image.data[4 * cell + part] = LOW[part] + share * (HIGH[part] - LOW[part]);
    image.data[4 * cell + 3] = 255;
  }
  context.putImageData(image, 0, 0);
  return canvas;
}
