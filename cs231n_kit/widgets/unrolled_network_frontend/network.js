// The unrolled network under a mouse, a finger and the keyboard.

import { undoKey } from "../frontend/controls.js";
import { element, svgElement, uniqueId } from "../frontend/elements.js";
import { stepKey } from "../frontend/stepper.js";
import { UnrolledDrawing } from "./drawing.js";
import { sameNumber } from "./session.js";

const NUDGE = 0.1; // of the chosen weight

export const UNROLLED_KEYS = [
  ["→  ←", "one moment on, or back"],
  ["Home  End", "the first or the last moment"],
  ["Space", "play, or pause"],
  ["[  ] or P N", "choose the previous or next number"],
  ["↑  ↓", "change the chosen weight by 0.1 (Shift: by 1)"],
  ["L", "count the loss of the chosen number's step, or leave it out"],
  ["Esc", "choose nothing"],
  ["Click a number", "keep its formula in view; click a loss to leave it out"],
  ["Drag a weight", "below the picture: to the right is more"],
  ["Ctrl+Z", "undo; with Shift redo"],
];

export class UnrolledPicture {
  constructor(session, announce, helpId) {
    Object.assign(this, { session, announce });
    this.svg = svgElement("svg", { class: "unrolled", tabindex: "0", role: "application",
      "aria-roledescription": "unrolled recurrent network", "aria-describedby": helpId });
    this.drawing = new UnrolledDrawing(this.svg, uniqueId("arrow"));
    const listen = (type, act) => this.svg.addEventListener(type, act);
    listen("pointermove", (event) => event.pointerType !== "touch" && this.point(event));
    listen("pointerleave", () => this.leave());
    listen("click", (event) => this.click(event));
    listen("keydown", (event) => this.key(event));
    this.node = element("div", { class: "paper" }, this.svg);
  }

  update() {
    const { session } = this;
    if (!session.scene) return;
    const { cell, sequence } = session.state;
    const step = session.position;
    this.drawing.draw(session.scene, { step, focus: session.focus, chosen: session.selected, lit: session.lit, same: sameNumber });
    this.svg.setAttribute("aria-label", `${cell.toUpperCase()} unrolled over ${sequence}`);
    if (step !== this.step) this.reveal(session.scene.cells.find(({ at, back, grad }) => at === step || (back === step && grad)));
    this.step = step;
  }

  // Scrolls sideways to what the moment is about, where the picture is wider than the page.
  reveal(cell) {
    if (!cell) return;
    const { node } = this;
    const [left, right] = [cell.x - 130, cell.x + cell.width + 130];
    if (right > node.scrollLeft + node.clientWidth) node.scrollLeft = right - node.clientWidth;
    if (left < node.scrollLeft) node.scrollLeft = left;
  }

  cellAt(event) {
    const group = event.target.closest?.("[data-cell]");
    return group ? this.session.scene.cells[Number(group.dataset.cell)] : null;
  }

  point(event) {
    const cell = this.cellAt(event);
    this.session.look(cell && placeOf(cell));
    this.session.light(event.target.closest?.("[data-weight]")?.dataset.weight ?? "");
  }

  leave() {
    this.session.look(null);
    this.session.light("");
  }

  click(event) {
    const cell = this.cellAt(event);
    if (cell?.kind === "loss") return this.toggleLoss(cell.t);
    const weight = event.target.closest?.("[data-weight]")?.dataset.weight;
    if (weight) return this.session.chooseWeight([weight, 0, 0]);
    if (cell) this.session.choose(placeOf(cell));
  }

  toggleLoss(t) {
    this.session.toggleLoss(t);
    this.announce(this.session.state.losses.includes(t) ? `The loss of step ${t} counts` : `The loss of step ${t} is left out`);
  }

  key(event) {
    const { session } = this;
    if (undoKey(session, event, this.announce) || event.ctrlKey || event.metaKey || event.altKey) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (!session.scene || (!stepKey(session, key) && !this.ownKey(key, event.shiftKey))) return;
    event.preventDefault();
    event.stopPropagation();
  }

  ownKey(key, far) {
    const { session } = this;
    if (key === "]" || key === "n") this.next(1);
    else if (key === "[" || key === "p") this.next(-1);
    else if (key === "ArrowUp") session.setWeight(session.weight + (far ? 1 : NUDGE), "keys");
    else if (key === "ArrowDown") session.setWeight(session.weight - (far ? 1 : NUDGE), "keys");
    else if (key === "l") session.selected?.t ? this.toggleLoss(session.selected.t) : this.announce("Choose a number first, with ]");
    else if (key === "Escape") session.selected && session.choose(session.selected);
    else return false;
    return true;
  }

  // The next number in the order of time.
  next(way) {
    const { session } = this;
    const cells = [...session.scene.cells].sort((a, b) => a.t - b.t);
    const now = cells.findIndex((cell) => sameNumber(cell, session.selected));
    const cell = cells[now < 0 ? (way > 0 ? 0 : cells.length - 1) : (now + way + cells.length) % cells.length];
    session.hovered = null;
    session.choose(placeOf(cell));
    this.reveal(cell);
    this.announce(`${cell.kind}, step ${cell.t}, number ${cell.unit}${session.position >= cell.at ? `: ${cell.text}` : ""}`);
  }
}

const placeOf = ({ kind, t, unit }) => ({ kind, t, unit });
