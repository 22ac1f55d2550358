// What a convolution playground knows besides its state: the picture that Python made of it, and what one points at.

import { StepSession } from "../frontend/stepper.js";

const FIELD = "receptive field";
const LONG = 40; // steps above which playing takes several at a time

export class ConvolutionSession extends StepSession {
  parts = ["scene", "story"];
  outcome = ["scene"];
  stepParts = ["scene"];
  scene = null;
  story = null;
  hovered = null; // the cell under the pointer, { grid, row, column }
  selected = null; // the cell that the keyboard or a tap chose
  width = 900; // pixels that there are for the picture

  get last() {
    return this.scene?.last ?? this.state.step ?? 0;
  }

  get pace() {
    return this.last > LONG ? { every: 160, steps: Math.ceil(this.last / 60) } : super.pace;
  }

  get sentence() {
    return this.scene.sentence ?? "";
  }

  get isField() {
    return this.state.view === FIELD;
  }

  get focus() {
    return this.hovered ?? this.selected;
  }

  question(part) {
    return part === "scene" ? { focus: this.focus, width: this.width } : { focus: this.focus };
  }

  // The cell under the pointer, null for none.
  look(place) {
    if (same(place, this.hovered)) return;
    this.hovered = place;
    this.ask({ parts: ["story"] });
  }

  select(place) {
    if (same(place, this.selected)) return;
    this.selected = place;
    this.ask({ parts: ["story"] });
    this.notify();
  }

  fit(width) {
    if (Math.abs(width - this.width) < 12) return;
    this.width = width;
    this.ask({ parts: ["scene"] });
  }

  // Changes settings; what follows from them is made anew by Python, and everything is computed again.
  set(change, gesture = null) {
    this.pause();
    this.edit({ step: null, ...change }, { step: gesture });
  }

  study(name) {
    this.selected = this.hovered = null;
    this.set(this.setup.lessons.find((lesson) => lesson.name === name).settings);
  }

  chooseKernel(index, name) {
    const kernels = this.state.kernels.with(index, name);
    this.set({ kernels, w: (this.state.w ?? []).map((filter, i) => (i === index ? null : filter)), step: this.state.step });
  }

  // The number in a cell, if it is one to be edited.
  value({ grid, row, column }) {
    const [kind, index] = this.parse(grid);
    const values = this.state[kind];
    if (!values) return null;
    if (kind === "b") return values[index[0]];
    return index.reduce((inner, i) => inner?.[i], values)?.[row]?.[column] ?? null;
  }

  write({ grid, row, column }, number) {
    const [kind, index] = this.parse(grid);
    const values = structuredClone(this.state[kind]);
    const { own } = this.setup;
    if (kind === "b") values[index[0]] = number;
    else index.reduce((inner, i) => inner[i], values)[row][column] = number;
    const named = { x: { input: own }, dout: { upstream: own }, w: { kernels: this.state.kernels.with(index[0], own) } };
    this.edit({ [kind]: values, ...named[kind] });
  }

  parse(grid) {
    const kind = grid.replace(/[\d.]+$/, "");
    return [kind, grid.slice(kind.length).split(".").map(Number)];
  }

  take(message, _buffers, own) {
    if (message.story && own) this.story = message.story;
    if (!message.scene) return null;
    this.scene = message.scene;
    this.story = message.scene.story ?? null;
    const known = (place) => (this.scene.grids.some(({ name }) => name === place?.grid) ? place : null);
    this.selected = known(this.selected);
    this.hovered = known(this.hovered);
    return { grids: this.scene.grids.length };
  }
}

const same = (a, b) => a?.grid === b?.grid && a?.row === b?.row && a?.column === b?.column;
