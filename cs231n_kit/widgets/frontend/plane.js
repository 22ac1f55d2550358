// A canvas with labelled points under a mouse, a finger and the keyboard: the square [-1, 1] x [-1, 1] of a PlaneSession.

import { undoKey } from "./controls.js";
import { placeText } from "./elements.js";
import { SquareCanvas } from "./square_canvas.js";

export const GRASP = { mouse: 11, pen: 14, touch: 24 }; // pixels around a point that count as the point
const SLACK = 3; // pixels that a press may wander and still be a click
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
export const rounded = (value) => Math.round(Math.min(Math.max(value, -1), 1) * 1000) / 1000;

export const PLANE_KEYS = [
  ["Drag", "move a point"],
  ["Click", "add a point"],
  ["Shift-click", "remove a point"],
  ["[  ] or P N", "select the previous or next point"],
  ["Arrows", "move the selected point (Shift: further), or the cross"],
  ["Enter", "add a point at the cross or beside the selected point"],
  ["Delete", "remove the selected point"],
  ["1 to 6", "choose the class of new points"],
  ["C", "give the selected point that class"],
  ["Esc", "select nothing"],
  ["Ctrl+Z", "undo; with Shift redo"],
];

// A widget's own Plane draws itself in `paint(context)` and says in `title()` what it shows.
export class Plane extends SquareCanvas {
  constructor(session, announce, helpId) {
    super(session, announce, {
      "aria-roledescription": "scatter plot",
      "aria-describedby": helpId,
      onpointerleave: () => this.drag || session.look(null),
      onblur: () => session.look(null),
    });
  }

  grasps(pixel) {
    return this.nearest(pixel, GRASP.touch) >= 0;
  }

  toPixel([x, y]) {
    return [((x + 1) / 2) * this.size, ((1 - y) / 2) * this.size];
  }

  toPlane([x, y]) {
    return [rounded((2 * x) / this.size - 1), rounded(1 - (2 * y) / this.size)];
  }

  // Index of the point within reach of a pixel, or -1; of several, the nearest, and of those the topmost.
  nearest([x, y], reach) {
    let found = -1;
    let least = reach;
    this.session.state.points.forEach((point, index) => {
      const [across, down] = this.toPixel(point);
      const distance = Math.hypot(across - x, down - y);
      if (distance <= least) [found, least] = [index, distance];
    });
    return found;
  }

  press(event) {
    if (event.button !== 0 || this.drag) return;
    const { session } = this;
    const start = this.inside(event);
    const index = this.nearest(start, GRASP[event.pointerType] ?? GRASP.mouse);
    if (event.shiftKey) {
      if (index >= 0) this.remove(index);
      return;
    }
    this.keyed = false;
    this.canvas.setPointerCapture(event.pointerId);
    session.look(null);
    this.drag = { id: event.pointerId, start, index, moved: false, step: `drag ${event.timeStamp}` };
    if (index >= 0) {
      session.selected = index;
      const [x, y] = this.toPixel(session.state.points[index]);
      this.drag.grip = [x - start[0], y - start[1]];
    } else if (event.pointerType !== "touch") {
      session.selected = -1;
      this.add(this.toPlane(start), this.drag.step);
      this.drag = { ...this.drag, index: session.selected, grip: [0, 0] };
    }
    this.canvas.style.cursor = "grabbing";
    session.notify();
  }

  move(event) {
    const at = this.inside(event);
    if (!this.drag) {
      this.keyed = false;
      this.canvas.style.cursor = this.nearest(at, GRASP.mouse) >= 0 ? "grab" : "crosshair";
      if (event.pointerType !== "touch") this.session.look(this.toPlane(at));
      return;
    }
    const { drag, session } = this;
    if (event.pointerId !== drag.id || drag.index < 0) return;
    drag.moved ||= Math.hypot(at[0] - drag.start[0], at[1] - drag.start[1]) > SLACK;
    if (!drag.moved || !session.state.points[drag.index]) return;
    this.place(drag.index, this.toPlane([at[0] + drag.grip[0], at[1] + drag.grip[1]]), drag.step, true);
  }

  release(event) {
    if (event.pointerId !== this.drag?.id) return;
    const { index, start } = this.drag;
    this.drag = null;
    if (index < 0) this.add(this.toPlane(start)); // a tap
    this.canvas.style.cursor = "grab";
    this.session.rest();
  }

  cancel(event) {
    if (event.pointerId !== this.drag?.id) return;
    this.drag = null;
    this.session.rest();
  }

  add(place, step = null) {
    const { session } = this;
    const { points, labels } = session.state;
    const most = session.setup.max_points ?? 500;
    if (points.length >= most) return this.announce(`There are ${most} points, which is the most there can be.`);
    session.edit({ points: [...points, place], labels: [...labels, session.brush] }, { step });
    session.selected = points.length;
    session.notify();
    this.announce(`Added ${this.described(points.length)}`);
  }

  remove(index) {
    const { session } = this;
    const without = (list) => list.filter((_, other) => other !== index);
    const text = this.described(index);
    session.selected = -1;
    session.edit({ points: without(session.state.points), labels: without(session.state.labels) });
    this.announce(`Removed ${text}`);
  }

  place(index, place, step, draft) {
    const points = this.session.state.points.slice();
    points[index] = place;
    this.session.edit({ points }, { step, draft });
  }

  described(index) {
    const { points, labels } = this.session.state;
    return `point ${index + 1} of ${points.length}, class ${labels[index]}, at ${placeText(points[index])}`;
  }

  key(event) {
    const { session } = this;
    this.keyed = true;
    if (undoKey(session, event, this.announce) || event.ctrlKey || event.metaKey || event.altKey) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (ARROWS[key]) this.step(ARROWS[key], event.shiftKey ? 0.1 : 0.02);
    else if (key === "]" || key === "n") this.select(1);
    else if (key === "[" || key === "p") this.select(-1);
    else if (key === "Delete" || key === "Backspace") this.removeSelected();
    else if (key === "Enter") this.addHere();
    else if (key === "Escape") this.deselect();
    else if (key === "c") this.recolor();
    else if (/^[1-6]$/.test(key)) this.choose(Number(key) - 1);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  step([across, up], length) {
    const { session } = this;
    const index = session.selected;
    const [x, y] = session.state.points[index] ?? session.place ?? [0, 0];
    const place = [rounded(x + across * length), rounded(y + up * length)];
    session.look(place);
    if (index < 0) return;
    this.place(index, place, `step ${index}`, false);
  }

  select(way) {
    const { session } = this;
    const count = session.state.points.length;
    if (!count) return;
    session.step = null;
    session.selected = session.selected < 0 ? (way > 0 ? 0 : count - 1) : (session.selected + way + count) % count;
    session.look(session.state.points[session.selected]);
    this.announce(this.described(session.selected));
  }

  removeSelected() {
    const { session } = this;
    if (session.selected < 0) return this.announce("No point is selected");
    const next = Math.min(session.selected, session.state.points.length - 2);
    this.remove(session.selected);
    session.selected = next;
    session.look(session.state.points[next] ?? null);
  }

  addHere() {
    const { session } = this;
    const selected = session.state.points[session.selected];
    this.add(selected ? selected.map((value) => rounded(value + 0.06)) : (session.place ?? [0, 0]));
    session.look(session.state.points[session.selected]);
  }

  deselect() {
    const { session } = this;
    session.selected = -1;
    session.look(session.place ?? [0, 0]);
    this.announce("No point selected; the arrows move the cross, Enter adds a point there");
  }

  recolor() {
    const { session } = this;
    if (session.selected < 0) return this.announce("No point is selected");
    const labels = session.state.labels.slice();
    labels[session.selected] = session.brush;
    session.edit({ labels });
    this.announce(this.described(session.selected));
  }

  choose(label) {
    if (label >= this.session.state.classes) return;
    this.session.brush = label;
    this.session.notify();
    this.announce(`New points get class ${label}`);
  }
}
