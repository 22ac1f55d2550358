// The bands of the picture: each draws a column for every layer, on a canvas of its own.

import { brief } from "./canvases.js";

export const LEFT = 62; // pixels for the numbers of axes
export const RIGHT = 6;
const CUT = 8; // the longest bar is cut, but to no less than an eighth
const WIDE = 46; // pixels of a column that has room for a number
const TOP = 14; // pixels above histograms, for the ends of their own axes

// The columns' width, and the left end of each; marks the layer that is looked at.
function columns({ context, width, height, color }, session) {
  const count = session.layers.length;
  const step = (width - LEFT - RIGHT) / count;
  const at = (layer) => LEFT + layer * step;
  if (session.shown >= 0) {
    context.fillStyle = color("--accent");
    context.globalAlpha = 0.16;
    context.fillRect(at(session.shown), 0, step, height);
    context.globalAlpha = 1;
  }
  return { count, step, at };
}

// Numbers left of the columns and a line for each, pairs [y, text].
function axis({ context, width, color }, marks) {
  context.strokeStyle = context.fillStyle = color("--ink-soft");
  context.textAlign = "right";
  context.textBaseline = "middle";
  context.lineWidth = 1;
  for (const [y, text] of marks) {
    context.fillText(text, LEFT - 7, y);
    context.globalAlpha = 0.25;
    context.beginPath();
    context.moveTo(LEFT, Math.round(y) + 0.5);
    context.lineTo(width - RIGHT, Math.round(y) + 0.5);
    context.stroke();
    context.globalAlpha = 1;
  }
}

export function drawHistograms(picture, session, kind) {
  const { context, height, color } = picture;
  const { count, step, at } = columns(picture, session);
  const shared = session.state.axis === "shared";
  const axes = session.frame.axes[kind];
  if (axes.every(([low]) => low === null)) return tell(picture, "none: the loss is infinite or no number");
  const place = (share) => height - 3 - share * (height - 3 - TOP);
  const [low, high] = axes[Math.min(1, count - 1)];
  const marks = low ? [[place(1), brief(high, 1)], [place(0.5), "0"], [place(0), brief(low, 1)]] : [[place(1), brief(high, 1)], [place(0), "0"]];
  if (shared && high) axis(picture, marks);
  else axis(picture, low === null ? [] : low || !high ? [[place(0.5), "0"]] : [[place(0), "0"]]);
  for (let layer = 0; layer < count; layer++) {
    const ends = axes[layer];
    if (ends[1] === null) {
      mark(picture, at(layer) + step / 2, (place(0) + place(1)) / 2, "overflow");
      continue;
    }
    context.fillStyle = color(kind ? "--backward" : "--forward");
    drawBars(context, session.histogram(kind, layer), at(layer) + step * 0.06, step * 0.86, place, color("--paper"));
    if ((!shared || layer === 0 || layer === count - 1) && step >= WIDE) {
      context.fillStyle = color("--ink-soft");
      context.textAlign = "center";
      const text = ends[0] ? `±${brief(ends[1], 1)}` : ends[1] ? `to ${brief(ends[1], 1)}` : "all 0";
      context.fillText(text, at(layer) + step / 2, 7);
    }
  }
}

// One bar much longer than all others would hide them: it is cut, with a gap near its end.
function drawBars(context, shares, left, width, place, paper) {
  const sorted = [...shares].sort((a, b) => b - a);
  const full = sorted[0] <= 1.5 * sorted[1] ? sorted[0] : Math.max(sorted[1], sorted[0] / CUT);
  const thick = place(0) - place(1 / shares.length);
  shares.forEach((share, bin) => {
    const length = width * Math.min(share / full, 1);
    const top = place((bin + 1) / shares.length);
    if (share) context.fillRect(left, top, Math.max(length, 1), thick + 0.3);
    if (share <= full * 1.0001) return;
    const kept = context.fillStyle;
    context.fillStyle = paper;
    context.fillRect(left + width * 0.86, top - 1, Math.max(width * 0.05, 1.5), thick + 2);
    context.fillStyle = kept;
  });
}

// A word in a column where there is nothing to draw, upright.
function mark({ context, color }, x, y, text) {
  context.save();
  context.translate(x, y);
  context.rotate(-Math.PI / 2);
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillStyle = color("--ink-soft");
  context.fillText(text, 0, 0);
  context.restore();
}

function tell({ context, width, height, color }, text) {
  context.textAlign = "center";
  context.fillStyle = color("--ink-soft");
  context.fillText(text, LEFT + (width - LEFT) / 2, height / 2);
}

// Lines over the layers on a logarithmic axis; what is exactly 0 sits on its lower edge.
export function drawSizes(picture, session, fields) {
  const { context, height, color } = picture;
  const { step, at } = columns(picture, session);
  const sizes = fields.map(([field]) => session.layers.map((layer) => (layer[field] === null ? null : Math.abs(layer[field]))));
  // A mean may be as near to 0 as it likes: it leaves the axis below.
  const positive = sizes.filter((_, i) => fields[i][0] !== "mean").flat().filter((size) => size > 0);
  const zero = sizes.flat().includes(0);
  if (!positive.length) return zero ? axis(picture, [[height - 8, "0"]]) : tell(picture, "none");
  const [low, high] = decades(positive);
  const place = (size) => 8 + Math.min((high - Math.log10(size)) / (high - low), 1) * (height - (zero ? 34 : 16));
  const spacing = Math.ceil((high - low) / 4);
  const marks = [];
  for (let power = high; power >= low; power -= spacing) marks.push([place(10 ** power), brief(10 ** power, 1)]);
  axis(picture, zero ? [...marks, [height - 8, "0"]] : marks);
  fields.forEach(([, name, dashes], i) => {
    context.strokeStyle = context.fillStyle = color(name);
    context.lineWidth = dashes.length === 0 ? 2.5 : 1.75;
    context.setLineDash(dashes);
    context.beginPath();
    let before = null;
    sizes[i].forEach((size, layer) => {
      const [x, y] = [at(layer) + step / 2, size ? place(size) : height - 8];
      if (size !== null) context[before === null ? "moveTo" : "lineTo"](x, y);
      before = size;
    });
    context.stroke();
    context.setLineDash([]);
    sizes[i].forEach((size, layer) => {
      if (size === null) return;
      context.beginPath();
      context.arc(at(layer) + step / 2, size ? place(size) : height - 8, dashes.length ? 1.8 : 3, 0, 2 * Math.PI);
      context.fill();
    });
  });
}

// Whole powers of ten around these sizes, at least three of them apart.
function decades(sizes) {
  const low = Math.floor(Math.log10(Math.min(...sizes)) + 1e-9);
  const high = Math.ceil(Math.log10(Math.max(...sizes)) - 1e-9);
  return high - low >= 3 ? [low, high] : [high - 3, high];
}

export function drawShares(picture, session) {
  const { context, height, color } = picture;
  const { step, at } = columns(picture, session);
  const place = (share) => height - 4 - share * (height - 12);
  axis(picture, [[place(1), "100 %"], [place(0), "0 %"]]);
  for (const [field, name, width] of [["flat", "--flat", 0.86], ["stuck", "--stuck", 0.43]]) {
    context.fillStyle = color(name);
    session.layers.forEach((layer, i) => {
      if (layer[field]) context.fillRect(at(i) + step * 0.06, place(layer[field]), step * width, place(0) - place(layer[field]));
    });
  }
}

export function drawNames(picture, session) {
  const { context, color } = picture;
  const { count, step, at } = columns(picture, session);
  context.fillStyle = color("--ink");
  context.textAlign = "center";
  context.textBaseline = "middle";
  const every = Math.ceil(22 / step);
  session.layers.forEach(({ name }, layer) => {
    const edge = layer === 0 || layer === count - 1;
    if (!edge && (layer % every || layer > count - 1 - every)) return;
    const text = name.replace("layer ", "").replace("input", step >= WIDE ? "input" : "in").replace("scores", step >= WIDE ? "scores" : "out");
    context.fillText(text, at(layer) + step / 2, 9);
  });
}
