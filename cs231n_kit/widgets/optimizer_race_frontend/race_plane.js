// The map with the paths: its start is dragged, a click puts it elsewhere, and the map itself can be moved.

import { undoKey } from "../frontend/controls.js";
import { INK, drawShape } from "../frontend/drawing.js";
import { number } from "../frontend/elements.js";
import { SquareCanvas } from "../frontend/square_canvas.js";
import { drawMap, drawMapAxes, drawRace } from "./race_drawing.js";
import { kept } from "./session.js";

const REACH = { mouse: 14, pen: 16, touch: 26 }; // pixels around the start that count as the start
const WANDER = 4; // pixels that a press may wander and still be a click
const WAYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

export const RACE_KEYS = [
  ["Drag the start", "move it"],
  ["Click", "put the start there"],
  ["Drag the map", "move the map"],
  ["Ctrl+wheel or + −", "zoom; 0 shows the whole surface again"],
  ["Arrows", "move the start (Shift: further)"],
  ["Space", "play or pause"],
  ["[  ] or , .", "one step back or on (Home, End: first, last)"],
  ["Ctrl+Z", "undo; with Shift redo"],
];

export class RacePlane extends SquareCanvas {
  constructor(session, announce, helpId) {
    super(session, announce, { "aria-roledescription": "map of a surface", "aria-describedby": helpId });
    this.canvas.addEventListener("wheel", (event) => this.turn(event), { passive: false });
  }

  grasps(pixel) {
    return this.onStart(pixel, REACH.touch);
  }

  toPixel([x, y]) {
    const { center, reach } = this.session.state;
    const scale = this.size / (2 * reach);
    return [(x - center[0] + reach) * scale, (center[1] + reach - y) * scale];
  }

  toPlace([across, down]) {
    const { center, reach } = this.session.state;
    const scale = (2 * reach) / this.size;
    return [kept(center[0] - reach + across * scale), kept(center[1] + reach - down * scale)];
  }

  onStart([x, y], reach) {
    const [across, down] = this.toPixel(this.session.state.start);
    return Math.hypot(across - x, down - y) <= reach;
  }

  // Pointer

  press(event) {
    if (event.button !== 0 || this.drag) return;
    const from = this.inside(event);
    const held = this.onStart(from, REACH[event.pointerType] ?? REACH.mouse);
    const touch = event.pointerType === "touch";
    if (held || !touch) this.canvas.setPointerCapture(event.pointerId);
    const { start, center } = this.session.state;
    const [x, y] = this.toPixel(start);
    const grip = held ? [x - from[0], y - from[1]] : [0, 0];
    this.drag = { id: event.pointerId, from, held, touch, grip, center, moved: false, step: `drag ${event.timeStamp}` };
  }

  move(event) {
    const at = this.inside(event);
    const { drag, session } = this;
    if (!drag) {
      this.canvas.style.cursor = this.onStart(at, REACH.mouse) ? "grab" : "crosshair";
      return;
    }
    if (event.pointerId !== drag.id) return;
    drag.moved ||= Math.hypot(at[0] - drag.from[0], at[1] - drag.from[1]) > WANDER;
    if (!drag.moved) return;
    this.canvas.style.cursor = "grabbing";
    if (drag.held) {
      session.edit({ start: this.toPlace([at[0] + drag.grip[0], at[1] + drag.grip[1]]) }, { step: drag.step, draft: true });
    } else if (!drag.touch) {
      const scale = (2 * session.state.reach) / this.size;
      const center = [drag.center[0] - (at[0] - drag.from[0]) * scale, drag.center[1] + (at[1] - drag.from[1]) * scale];
      session.edit({ center: center.map(kept) }, { step: drag.step, draft: true });
    }
  }

  release(event) {
    const { drag, session } = this;
    if (event.pointerId !== drag?.id) return;
    this.drag = null;
    if (!drag.moved && !drag.held) session.edit({ start: this.toPlace(drag.from) });
    this.canvas.style.cursor = "grab";
    session.rest();
  }

  cancel() {
    this.drag = null;
    this.session.rest();
  }

  turn(event) {
    if (!event.ctrlKey) return; // the page scrolls
    event.preventDefault();
    this.session.zoom(Math.exp(Math.sign(event.deltaY) * 0.15), this.toPlace(this.inside(event)));
  }

  key(event) {
    const { session } = this;
    if (undoKey(session, event, this.announce) || event.ctrlKey || event.metaKey || event.altKey) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (WAYS[key]) this.push(WAYS[key], event.shiftKey ? 0.1 : 0.02);
    else if (key === " ") session.play();
    else if (key === "[" || key === ",") session.go(session.position - 1);
    else if (key === "]" || key === ".") session.go(session.position + 1);
    else if (key === "Home") session.go(0);
    else if (key === "End") session.go(session.last);
    else if (key === "+" || key === "=") session.zoom(0.7);
    else if (key === "-") session.zoom(1 / 0.7);
    else if (key === "0") session.fit();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  push([across, up], length) {
    const { session } = this;
    const { start, reach } = session.state;
    session.edit({ start: [kept(start[0] + across * length * reach), kept(start[1] + up * length * reach)] }, { step: "push" });
    this.announce(`Start at (${session.state.start.map((part) => number(part, 3)).join(", ")})`);
  }

  // Drawing

  paint(context) {
    context.fillStyle = "#fff";
    context.fillRect(0, 0, this.size, this.size);
    const { session } = this;
    if (session.map) drawMap(context, this, session.map);
    drawMapAxes(context, this);
    if (session.race) drawRace(context, this);
    drawShape(context, "circle", this.toPixel(session.state.start), 6.5, { fill: "#fff", stroke: INK, width: 5 });
  }

  title() {
    const { state, setup, position } = this.session;
    const names = state.racers.map((name) => setup.titles[name]).join(", ") || "no optimizer";
    const start = state.start.map((part) => number(part)).join(", ");
    return `Map of the surface with the paths of ${names} from (${start}), up to step ${position}`;
  }
}
