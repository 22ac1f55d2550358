// The picture on the canvas, from the regions at the bottom to the points on top.

import { SHAPES, element, number } from "./elements.js";

const TIE = 255;
const INK = "#1f2430";

export function draw(context, session, toPixel, size) {
  drawRegions(context, session, size);
  drawAxes(context, size);
  drawProbe(context, session, toPixel, size);
  drawPoints(context, session, toPixel, Math.min(Math.max(size / 80, 4.5), 8));
}

const colorParts = (color) => [1, 3, 5].map((i) => parseInt(color.slice(i, i + 2), 16));

// The regions as a picture of one pixel a cell; the same colours as palette.tinted in Python.
function paintRegions(frame, setup, showConfidence) {
  const { resolution, labels, confidence } = frame;
  const canvas = element("canvas", { width: resolution, height: resolution });
  const context = canvas.getContext("2d");
  const image = context.createImageData(resolution, resolution);
  const colors = setup.colors.map(colorParts);
  const [palest, fullest] = setup.tint;
  for (let cell = 0; cell < labels.length; cell++) {
    const shade = showConfidence ? confidence[cell] / 255 : 0.6;
    const strength = labels[cell] === TIE ? 0 : palest + (fullest - palest) * shade;
    const color = colors[labels[cell]] ?? [255, 255, 255];
    for (let part = 0; part < 3; part++) image.data[4 * cell + part] = 255 - strength * (255 - color[part]);
    image.data[4 * cell + 3] = 255;
  }
  context.putImageData(image, 0, 0);
  return canvas;
}

function drawRegions(context, session, size) {
  const { frame, state, setup } = session;
  context.fillStyle = frame ? "#fff" : "#eceef2"; // white is for tied votes
  context.fillRect(0, 0, size, size);
  if (!frame) return;
  if (!frame.image || frame.shaded !== state.show_confidence) {
    frame.image = paintRegions(frame, setup, state.show_confidence);
    frame.shaded = state.show_confidence;
  }
  context.save();
  context.globalAlpha = session.failed.regions ? 0.35 : 1;
  context.imageSmoothingEnabled = true;
  context.imageSmoothingQuality = "high";
  context.drawImage(frame.image, 0, 0, size, size);
  context.restore();
}

function drawAxes(context, size) {
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
  context.fillText("x₁", size - 14, size - 8);
  context.fillText("x₂", 14, 18);
}

function drawShape(context, shape, [x, y], radius, { fill, stroke, width }) {
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

function drawPoints(context, session, toPixel, radius) {
  const { state, setup, selected, probe } = session;
  const voters = new Set(probe?.neighbors ?? []);
  state.points.forEach((point, index) => {
    const at = toPixel(point);
    const shape = setup.shapes[state.labels[index]];
    const fill = setup.colors[state.labels[index]];
    const large = index === selected || voters.has(index) ? radius * 1.25 : radius;
    if (index === selected) drawShape(context, "circle", at, radius + 7, { stroke: INK, width: 2.5 });
    if (voters.has(index)) drawShape(context, shape, at, large, { stroke: INK, width: 7.5 });
    else drawShape(context, shape, at, large, { stroke: "rgb(31 36 48 / 0.35)", width: 6 });
    drawShape(context, shape, at, large, { fill, stroke: "#fff", width: 4 });
  });
}

// Lines from a place to the points that vote there, and the ball of the metric that just holds them.
function drawProbe(context, session, toPixel, size) {
  const { place, probe, state, setup } = session;
  if (!place) return;
  const [x, y] = toPixel(place);
  if (probe?.neighbors) {
    const voters = probe.neighbors.map((index) => state.points[index]).filter(Boolean);
    if (setup.controls.includes("metric")) drawBall(context, state.metric, place, voters, [x, y], size);
    context.lineWidth = 1.75;
    context.strokeStyle = INK;
    context.beginPath();
    for (const voter of voters) {
      context.moveTo(x, y);
      context.lineTo(...toPixel(voter));
    }
    context.stroke();
  }
  context.lineWidth = 2;
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

function drawBall(context, metric, place, voters, [x, y], size) {
  const apart = ([a, b]) => [Math.abs(a - place[0]), Math.abs(b - place[1])];
  const length = metric === "l1" ? ([a, b]) => a + b : ([a, b]) => Math.hypot(a, b);
  const radius = (Math.max(0, ...voters.map((voter) => length(apart(voter)))) * size) / 2;
  context.beginPath();
  if (metric === "l2") context.arc(x, y, radius, 0, 2 * Math.PI);
  else for (const [a, b] of [[0, -1], [1, 0], [0, 1], [-1, 0]]) context.lineTo(x + a * radius, y + b * radius);
  context.closePath();
  context.fillStyle = "rgb(255 255 255 / 0.28)";
  context.fill();
  context.strokeStyle = "rgb(31 36 48 / 0.7)";
  context.lineWidth = 1.25;
  context.setLineDash([5, 4]);
  context.stroke();
  context.setLineDash([]);
}
