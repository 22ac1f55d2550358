// The plane with a line and an arrow for each class, which can be dragged like the points.

import { drawAxes, drawCross, drawPoints } from "../frontend/drawing.js";
import { GRASP, Plane } from "../frontend/plane.js";
import { drawRegions } from "../frontend/regions.js";

const LINE_GRASP = 6; // pixels beside a line that count as the line
const rounded4 = (value) => Math.round(value * 1e4) / 1e4;

// The arrow of weights of this norm is so long in the plane, as in linear_plane_figure.py, and the other way round.
const arrowLength = (norm) => 0.1 + (0.8 * norm) / (norm + 3);
const normOfArrow = (length) => {
  const kept = Math.min(Math.max(length, 0.101), 0.87);
  return (3 * (kept - 0.1)) / (0.9 - kept);
};

// The line on which a class scores 0: the foot of the arrow, its tip, the unit normal; null for w = 0.
function lineOf([w1, w2], b) {
  const norm = Math.hypot(w1, w2);
  if (norm < 1e-6) return null;
  const normal = [w1 / norm, w2 / norm];
  const foot = normal.map((part) => (-b / norm) * part);
  return { normal, foot, tip: foot.map((part, i) => part + arrowLength(norm) * normal[i]) };
}

export class LinearPlane extends Plane {
  lines() {
    const { W, b } = this.session.state;
    return W.map((row, label) => lineOf(row, b[label]));
  }

  title() {
    const { points } = this.session.state;
    const right = this.session.results?.right.filter(Boolean).length ?? 0;
    return `Linear classifier with ${points.length} points in 3 classes, ${right} of them right`;
  }

  paint(context) {
    const { session, size } = this;
    drawRegions(context, session.frame, session.setup, size);
    drawAxes(context, size);
    const lines = this.lines().map((line, label) => ({ line, color: session.setup.colors[label] }));
    for (const { line, color } of lines) if (line) this.paintLine(context, line, color);
    for (const { line, color } of lines) if (line) this.paintArrow(context, line, color);
    if (session.place && this.keyed && session.selected < 0) drawCross(context, this.toPixel(session.place));
    const marked = session.shown >= 0 ? [session.shown] : [];
    drawPoints(context, session, (place) => this.toPixel(place), size, new Set(marked));
  }

  paintLine(context, { normal, foot }, color) {
    const ends = [-4, 4].map((far) => this.toPixel([foot[0] - far * normal[1], foot[1] + far * normal[0]]));
    this.paintTwice(context, color, () => {
      context.moveTo(...ends[0]);
      context.lineTo(...ends[1]);
    });
  }

  paintArrow(context, { foot, tip }, color) {
    const [from, to] = [this.toPixel(foot), this.toPixel(tip)];
    const angle = Math.atan2(to[1] - from[1], to[0] - from[0]);
    const away = (turn, length) => [to[0] + length * Math.cos(angle + turn), to[1] + length * Math.sin(angle + turn)];
    this.paintTwice(context, color, () => {
      context.moveTo(...from);
      context.lineTo(...to);
      context.moveTo(...away(0, 5));
      context.lineTo(...away(2.5, 12));
      context.lineTo(...away(-2.5, 12));
      context.closePath();
      context.fill();
    });
  }

  // A path with a white rim, so that it stands out from its own region.
  paintTwice(context, color, path) {
    context.lineJoin = "round";
    for (const [style, width] of [["rgb(255 255 255 / 0.85)", 6], [color, 3]]) {
      context.strokeStyle = context.fillStyle = style;
      context.lineWidth = width;
      context.beginPath();
      path();
      context.stroke();
    }
  }

  // What of the lines lies under a pixel: { label, tip: bool } or null. Tips come before lines.
  grasped(pixel, reach) {
    const lines = this.lines();
    const { points } = this.session.state;
    if (this.nearest(pixel, reach) >= 0 && points.length) return null;
    const apart = ([x, y]) => Math.hypot(x - pixel[0], y - pixel[1]);
    for (let label = lines.length - 1; label >= 0; label--)
      if (lines[label] && apart(this.toPixel(lines[label].tip)) <= reach + 2) return { label, tip: true };
    for (let label = lines.length - 1; label >= 0; label--) {
      if (!lines[label]) continue;
      const { normal, foot } = lines[label];
      const [x, y] = this.toPixel(foot);
      const away = Math.abs((pixel[0] - x) * normal[0] - (pixel[1] - y) * normal[1]);
      if (away <= LINE_GRASP) return { label, tip: false };
    }
    return null;
  }

  press(event) {
    const start = this.inside(event);
    const reach = GRASP[event.pointerType] ?? GRASP.mouse;
    const held = event.button === 0 && !event.shiftKey && !this.drag ? this.grasped(start, reach) : null;
    if (!held) return super.press(event);
    this.canvas.setPointerCapture(event.pointerId);
    this.keyed = false;
    const line = this.lines()[held.label];
    const grip = held.tip ? this.toPixel(line.tip).map((part, i) => part - start[i]) : [0, 0];
    this.drag = { id: event.pointerId, start, index: -1, held, line, grip, moved: false, step: `line ${event.timeStamp}` };
    this.canvas.style.cursor = "grabbing";
  }

  move(event) {
    if (!this.drag?.held) {
      super.move(event);
      const at = this.inside(event);
      if (!this.drag && this.grasped(at, GRASP.mouse)) this.canvas.style.cursor = "move";
      return;
    }
    const { drag } = this;
    if (event.pointerId !== drag.id) return;
    const at = this.inside(event);
    drag.moved ||= Math.hypot(at[0] - drag.start[0], at[1] - drag.start[1]) > 3;
    if (drag.moved) this.moveLine(drag, this.toPlane([at[0] + drag.grip[0], at[1] + drag.grip[1]]));
  }

  moveLine({ held: { label, tip }, line: { foot }, step }, place) {
    const { session } = this;
    const W = session.state.W.slice();
    const b = session.state.b.slice();
    if (tip) {
      const arrow = [place[0] - foot[0], place[1] - foot[1]];
      const length = Math.max(Math.hypot(...arrow), 0.01);
      W[label] = arrow.map((part) => (part / length) * normOfArrow(length));
      b[label] = -(W[label][0] * foot[0] + W[label][1] * foot[1]);
    } else b[label] = -(W[label][0] * place[0] + W[label][1] * place[1]);
    const limit = session.setup.limit;
    b[label] = Math.min(Math.max(rounded4(b[label]), -limit), limit);
    W[label] = W[label].map(rounded4);
    session.edit({ W, b }, { step, draft: true });
  }

  release(event) {
    const { drag } = this;
    if (!drag?.held || event.pointerId !== drag.id) return super.release(event);
    this.drag = null;
    if (!drag.moved && !drag.held.tip) this.add(this.toPlane(drag.start));
    this.session.rest();
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || ![" ", "s"].includes(event.key)) return super.key(event);
    if (event.key === " ") this.session.run();
    else this.session.stepOnce();
    event.preventDefault();
    event.stopPropagation();
  }
}
