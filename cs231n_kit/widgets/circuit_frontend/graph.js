// The graph under a mouse, a finger and the keyboard.

import { undoKey } from "../frontend/controls.js";
import { element, svgElement } from "../frontend/elements.js";
import { stepKey } from "../frontend/stepper.js";
import { Drawing } from "./drawing.js";

const PIXELS_A_STEP = 5; // of dragging an input sideways
const STEP = 0.1; // of an input's value
const SLACK = 3; // pixels that a press may wander and still be a click

export const GRAPH_KEYS = [
  ["→  ←", "one step on, or back"],
  ["Home  End", "the first or the last step"],
  ["Space", "play, or pause"],
  ["[  ] or P N", "choose the previous or next node"],
  ["↑  ↓", "change the chosen input by 0.1 (Shift: by 1)"],
  ["Enter", "type the chosen input's value"],
  ["Esc", "choose nothing"],
  ["Drag an input", "change it: to the right is more"],
  ["Ctrl+Z", "undo; with Shift redo"],
];

export class Graph {
  constructor(session, announce, helpId, focusInput) {
    Object.assign(this, { session, announce, focusInput });
    const attributes = { class: "graph", tabindex: "0", role: "application", "aria-roledescription": "computational graph" };
    this.svg = svgElement("svg", { ...attributes, "aria-describedby": helpId });
    const listen = (type, act) => this.svg.addEventListener(type, act);
    listen("pointerdown", (event) => this.press(event));
    listen("pointermove", (event) => this.move(event));
    listen("pointerup", (event) => this.release(event));
    listen("pointercancel", () => this.drop());
    listen("pointerleave", () => this.drag || this.session.look(-1));
    listen("keydown", (event) => this.key(event));
    // A finger drags an input but scrolls the page from anywhere else.
    this.svg.addEventListener("touchstart", (event) => this.inputAt(event) && event.preventDefault(), { passive: false });
    this.drawing = new Drawing(this.svg);
    this.node = element("div", { class: "paper" }, this.svg);
  }

  update() {
    const { session } = this;
    if (!session.scene) return;
    const { steps, nodes } = session.scene;
    const step = session.position;
    const active = steps[step].node ?? -1;
    this.drawing.draw(session.scene, { step, grads: session.grads(), shown: session.shown, selected: session.selected, active });
    this.svg.setAttribute("aria-label", `Graph of ${session.state.expression}, ${nodes.length} nodes`);
    if (step !== this.step && active >= 0) this.reveal(nodes[active]);
    this.step = step;
  }

  // Scrolls sideways to the node that the step is about, where the graph is wider than the page.
  reveal({ x, width }) {
    const { node, svg } = this;
    const scale = svg.clientWidth / this.session.scene.width;
    const [left, right] = [(x - width) * scale, (x + width + 70) * scale];
    if (right > node.scrollLeft + node.clientWidth) node.scrollLeft = right - node.clientWidth;
    if (left < node.scrollLeft) node.scrollLeft = left;
  }

  nodeAt(event) {
    const group = event.target.closest?.("[data-node]");
    return group ? Number(group.dataset.node) : -1;
  }

  inputAt(event) {
    return this.session.scene?.nodes[this.nodeAt(event)]?.input;
  }

  press(event) {
    if (event.button !== 0 || this.drag) return;
    const index = this.nodeAt(event);
    this.session.select(event.pointerType === "mouse" ? -1 : index);
    if (index < 0) return;
    const { name, input } = this.session.scene.nodes[index];
    if (!input) return this.session.select(index);
    this.svg.setPointerCapture(event.pointerId);
    const gesture = `drag ${event.timeStamp}`;
    this.drag = { id: event.pointerId, start: event.clientX, name, index, value: this.session.state.values[name], gesture };
  }

  move(event) {
    const { drag, session } = this;
    if (!drag) {
      const index = this.nodeAt(event);
      if (event.pointerType !== "touch" && index !== session.hovered) session.look(index);
      return;
    }
    if (event.pointerId !== drag.id) return;
    const away = event.clientX - drag.start;
    drag.moved ||= Math.abs(away) > SLACK;
    if (!drag.moved) return;
    const value = drag.value + STEP * Math.round(away / PIXELS_A_STEP);
    if (value !== drag.last) session.setValue(drag.name, value, drag.gesture);
    drag.last = value;
  }

  release(event) {
    const { drag } = this;
    if (event.pointerId !== drag?.id) return;
    this.drop();
    if (!drag.moved) this.focusInput(drag.name);
  }

  drop() {
    this.drag = null;
    this.session.rest();
  }

  key(event) {
    const { session } = this;
    if (undoKey(session, event, this.announce) || event.ctrlKey || event.metaKey || event.altKey) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (!stepKey(session, key) && !this.nodeKey(key, event.shiftKey)) return;
    event.preventDefault();
    event.stopPropagation();
  }

  // The keys of one node; returns whether this was one of them.
  nodeKey(key, far) {
    if (key === "]" || key === "n") this.choose(1);
    else if (key === "[" || key === "p") this.choose(-1);
    else if (key === "ArrowUp") this.nudge(far ? 1 : STEP);
    else if (key === "ArrowDown") this.nudge(far ? -1 : -STEP);
    else if (key === "Enter" && this.chosenInput) this.focusInput(this.chosenInput.name);
    else if (key === "Escape") this.session.select(-1);
    else return false;
    return true;
  }

  get chosenInput() {
    const node = this.session.scene?.nodes[this.session.selected];
    return node?.input ? node : null;
  }

  choose(way) {
    const { session } = this;
    const count = session.scene.nodes.length;
    session.hovered = -1;
    session.select(session.selected < 0 ? (way > 0 ? 0 : count - 1) : (session.selected + way + count) % count);
    const { details, computed } = session.scene.nodes[session.selected];
    this.announce(computed <= session.position ? `${details.title} ${details.value}` : details.title);
  }

  nudge(amount) {
    const input = this.chosenInput;
    if (!input) return this.announce("Choose an input first, with ]");
    const { name } = input;
    this.session.setValue(name, this.session.state.values[name] + amount, `keys ${name}`);
  }
}
