// The plane with the points, both lines, and the distribution over the bins behind them.

import { drawAxes, drawCross, drawPoints } from "../frontend/drawing.js";
import { element, placeText } from "../frontend/elements.js";
import { Plane } from "../frontend/plane.js";

// How each method is drawn, the same in regression_plane_figure.py.
export const DASHES = { l2: [], l1: [9, 5], mean: [], mode: [2, 4] };
const TINT = [136, 34, 85];

// The distribution as a picture of one pixel a cell, from transparent to the bins' colour.
function paintDistribution({ bins, shares }) {
  const columns = shares.length / bins;
  const canvas = element("canvas", { width: columns, height: bins });
  const context = canvas.getContext("2d");
  const image = context.createImageData(columns, bins);
  for (let column = 0; column < columns; column++)
    for (let bin = 0; bin < bins; bin++) {
      const pixel = 4 * ((bins - 1 - bin) * columns + column);
      image.data.set([...TINT, 0.62 * shares[column * bins + bin]], pixel);
    }
  context.putImageData(image, 0, 0);
  return canvas;
}

export class RegressionPlane extends Plane {
  title() {
    const { session } = this;
    const { lines } = session.results ?? {};
    const text = (name) => `${lines[name][0].toFixed(2)} x + ${lines[name][1].toFixed(2)}`;
    const said = lines ? `L2 line ${text("l2")}, L1 line ${text("l1")}` : "no line yet";
    return `Regression of ${session.state.points.length} points: ${said}`;
  }

  described(index) {
    const { points } = this.session.state;
    return `point ${index + 1} of ${points.length} at ${placeText(points[index])}`;
  }

  paint(context) {
    const { session, size } = this;
    const { state, results } = session;
    context.fillStyle = "#fff";
    context.fillRect(0, 0, size, size);
    if (results && state.show_bins) this.paintBins(context);
    drawAxes(context, size, ["x", "y"]);
    if (results) {
      if (state.points.length) this.paintResiduals(context, session.example);
      const ends = [-1, 1];
      for (const name of ["l2", "l1"]) {
        const [slope, intercept] = results.lines[name];
        if (state[`show_${name}`]) this.paintLine(context, name, ends.map((x) => [x, slope * x + intercept]));
      }
    }
    if (session.place && this.keyed && session.selected < 0) drawCross(context, this.toPixel(session.place));
    drawPoints(context, session, (place) => this.toPixel(place), size, new Set(results ? [session.example] : []));
  }

  paintBins(context) {
    const { session, size } = this;
    const { distribution, results } = session;
    distribution.image ??= paintDistribution(distribution);
    context.imageSmoothingEnabled = false;
    context.drawImage(distribution.image, 0, 0, size, size);
    context.imageSmoothingEnabled = true;
    const columns = results.curves.mean.length;
    for (const name of ["mean", "mode"])
      this.paintLine(context, name, results.curves[name].map((y, i) => [(2 * i + 1) / columns - 1, y]));
  }

  // From one point straight up or down to both lines: what each loss measures.
  paintResiduals(context, index) {
    const { session } = this;
    const [x, y] = session.state.points[index] ?? [0, 0];
    ["l2", "l1"].forEach((name, i) => {
      if (!session.state[`show_${name}`]) return;
      const [slope, intercept] = session.results.lines[name];
      const [from, to] = [this.toPixel([x, y]), this.toPixel([x, slope * x + intercept])];
      context.strokeStyle = this.color(name);
      context.setLineDash([]);
      context.lineWidth = 2;
      context.beginPath();
      context.moveTo(from[0] + 4 * i - 2, from[1]);
      context.lineTo(to[0] + 4 * i - 2, to[1]);
      context.stroke();
    });
  }

  // With a white rim, so that it stands out from the distribution.
  paintLine(context, name, places) {
    for (const [style, width] of [["rgb(255 255 255 / 0.85)", 6], [this.color(name), 3]]) {
      context.setLineDash(width === 3 ? DASHES[name] : []);
      context.strokeStyle = style;
      context.lineWidth = width;
      context.lineJoin = "round";
      context.beginPath();
      places.forEach((place, i) => context[i ? "lineTo" : "moveTo"](...this.toPixel(place)));
      context.stroke();
    }
    context.setLineDash([]);
  }

  color(name) {
    return this.session.setup.methods.find(([other]) => other === name)[2];
  }

  // There are no classes to choose or give.
  key(event) {
    if (!/^[cC1-6]$/.test(event.key) || event.ctrlKey || event.metaKey) super.key(event);
  }
}
