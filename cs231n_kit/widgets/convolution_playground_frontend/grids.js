// The grids under a mouse, a finger and the keyboard: pointing explains a cell, a click changes its number.

import { undoKey } from "../frontend/controls.js";
import { element } from "../frontend/elements.js";
import { stepKey } from "../frontend/stepper.js";
import { ARROWS, Drawing, shape } from "./drawing.js";
import { CellEditor } from "./editor.js";

export const GRID_KEYS = [
  ["Point", "read the sum behind a number"],
  ["Click", "type another number; on an output, go to its step"],
  ["→  ←", "one step on, or back"],
  ["Home  End", "the first or the last step"],
  ["Space", "play, or pause"],
  ["]  [ or N P", "choose the next or previous grid; then the arrows move from cell to cell"],
  ["Enter", "type the chosen cell's number (Tab: on to the next cell)"],
  ["Esc", "choose nothing; the arrows step again"],
  ["Arrows", "in the receptive field: choose another unit, as click and drag do"],
  ["Ctrl+Z", "undo; with Shift redo"],
];

export class Grids {
  constructor(session, announce, helpId) {
    Object.assign(this, { session, announce });
    this.svg = shape("svg", { class: "grids", tabindex: "0", role: "application", "aria-describedby": helpId });
    this.svg.setAttribute("aria-roledescription", "grids of numbers");
    const listen = (type, act) => this.svg.addEventListener(type, act);
    listen("pointermove", (event) => event.pointerType !== "touch" && session.look(this.placeAt(event)));
    listen("pointerleave", () => session.look(null));
    listen("pointerdown", (event) => (this.touch = event.pointerType === "touch"));
    listen("click", (event) => this.click(event));
    listen("keydown", (event) => this.key(event));
    this.drawing = new Drawing(this.svg);
    this.node = element("div", { class: "paper" }, this.svg);
    this.editor = new CellEditor(this);
  }

  update() {
    const { session } = this;
    this.node.hidden = session.isField;
    const { scene, story } = session;
    if (session.isField || !scene || scene.view !== session.state.view) return;
    this.drawing.draw(scene, story?.marks ?? []);
    this.svg.setAttribute("aria-label", `${scene.grids.length} grids, ${scene.view} pass. ${scene.sentence}`);
  }

  grid(name) {
    return this.session.scene.grids.find((grid) => grid.name === name);
  }

  // The cell under the pointer; padding has negative indices and those beyond the end.
  placeAt(event) {
    const { scene } = this.session;
    if (!scene || this.session.isField) return null;
    const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(this.svg.getScreenCTM().inverse());
    for (const { name, x, y, cell, rows, columns, pad } of scene.grids) {
      const [row, column] = [Math.floor((at.y - y) / cell), Math.floor((at.x - x) / cell)];
      if (row >= 0 && column >= 0 && row < rows && column < columns) return { grid: name, row: row - pad, column: column - pad };
    }
    return null;
  }

  canEdit(place) {
    return Boolean(place && this.grid(place.grid)?.editable && this.session.value(place) !== null);
  }

  click(event) {
    const { session } = this;
    const place = this.placeAt(event);
    const again = place && JSON.stringify(place) === JSON.stringify(session.selected);
    if (this.touch && !again) return session.select(place); // a finger reads first, and edits with a second tap
    if (this.canEdit(place)) return this.edit(place);
    session.select(null);
    if (place && this.grid(place.grid).kind === "out") session.go(this.stepOf(place));
  }

  stepOf({ grid: name, row, column }) {
    const { rows, columns } = this.grid(name);
    return Number(name.slice(3)) * rows * columns + row * columns + column + 1;
  }

  edit(place) {
    this.session.select(place);
    this.editor.open(place);
  }

  key(event) {
    const { session } = this;
    if (undoKey(session, event, this.announce) || event.ctrlKey || event.metaKey || event.altKey) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (!this.cellKey(key) && !stepKey(session, key)) return;
    event.preventDefault();
    event.stopPropagation();
  }

  // The keys of one cell; returns whether this was one of them.
  cellKey(key) {
    const { selected } = this.session;
    if (key === "]" || key === "n") this.choose(1);
    else if (key === "[" || key === "p") this.choose(-1);
    else if (selected && ARROWS[key]) this.walk(...ARROWS[key]);
    else if (key === "Enter" && this.canEdit(selected)) this.edit(selected);
    else if (key === "Enter" && selected) this.announce("This number is computed; change the input or the filter");
    else if (key === "Escape") this.session.select(null);
    else return false;
    return true;
  }

  choose(way) {
    const { grids } = this.session.scene;
    const present = grids.findIndex(({ name }) => name === this.session.selected?.grid);
    const next = present < 0 ? (way > 0 ? 0 : grids.length - 1) : (present + way + grids.length) % grids.length;
    this.session.hovered = null;
    this.session.select({ grid: grids[next].name, row: 0, column: 0 });
    this.announce(`${grids[next].heading} ${grids[next].title}`);
  }

  walk(down, right) {
    const { selected } = this.session;
    const { rows, columns, pad } = this.grid(selected.grid);
    const within = (value, count) => Math.min(Math.max(value, -pad), count - pad - 1);
    this.session.hovered = null;
    this.session.select({ ...selected, row: within(selected.row + down, rows), column: within(selected.column + right, columns) });
  }
}
