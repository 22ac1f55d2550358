// What an unrolled network knows besides its state: the picture that Python made of it, and what one looks at.

import { StepSession } from "../frontend/stepper.js";

const LONG = 40; // moments above which playing is faster
const ANEW = ["weights", "losses", "step"]; // what Python makes anew for another sequence

export class UnrolledSession extends StepSession {
  parts = ["scene", "story", "learn"];
  outcome = ["scene"];
  stepParts = ["story"];
  scene = null;
  story = null;
  hovered = null; // the number under the pointer, { kind, t, unit }
  selected = null; // the number that the keyboard or a click chose
  lit = ""; // the name of the weights that are pointed at

  get last() {
    return this.scene?.last ?? this.state.step ?? 0;
  }

  get pace() {
    return { every: this.last > LONG ? 350 : 800, steps: 1 };
  }

  get sentence() {
    return this.scene.sentences[this.position] ?? "";
  }

  get focus() {
    return this.hovered ?? this.selected;
  }

  question(part) {
    return part === "story" ? { focus: this.focus } : super.question(part);
  }

  look(place) {
    if (sameNumber(place, this.hovered)) return;
    this.hovered = place;
    this.ask({ parts: ["story"] });
    this.notify();
  }

  choose(place) {
    this.selected = sameNumber(place, this.selected) ? null : place;
    this.ask({ parts: ["story"] });
    this.notify();
  }

  light(name) {
    if (name === this.lit) return;
    this.lit = name;
    this.notify();
  }

  // Another sequence or network: what does not fit it any longer is made anew.
  read(change) {
    this.pause();
    this.selected = this.hovered = null;
    this.edit(change, { omit: ANEW, parts: ["scene", "story"] });
  }

  learn() {
    this.pause();
    this.edit({}, { omit: ["weights"], parts: ["learn", "scene"] });
  }

  study(name) {
    this.pause();
    this.selected = this.hovered = null;
    this.edit(this.setup.lessons.find((lesson) => lesson.name === name).settings);
  }

  toggleLoss(t) {
    const { losses } = this.state;
    const now = losses.includes(t) ? losses.filter((step) => step !== t) : [...losses, t].sort((a, b) => a - b);
    this.edit({ losses: now });
  }

  get matrix() {
    return this.scene.matrices.find(({ name }) => name === this.state.chosen[0]);
  }

  // The chosen weight that is computed with; the state holds it without Wh's scale and the forget bias.
  get weight() {
    const { cell, chosen: [name, row, column], weights } = this.state;
    const stored = rowOf(weights[cell][name], row)?.[column] ?? 0;
    return this.matrix ? stored * this.matrix.times + this.matrix.plus[column] : stored;
  }

  chooseWeight(chosen) {
    if (JSON.stringify(chosen) !== JSON.stringify(this.state.chosen)) this.edit({ chosen }, { step: "choose" });
  }

  setWeight(value, gesture) {
    const { cell, chosen: [name, row, column], weights } = this.state;
    const { times, plus } = this.matrix;
    const { largest } = this.setup;
    const stored = Math.min(Math.max((value - plus[column]) / times, -largest), largest);
    const own = structuredClone(weights[cell]);
    rowOf(own[name], row)[column] = Math.round(stored * 1e4) / 1e4;
    this.edit({ weights: { ...weights, [cell]: own } }, { step: gesture, draft: true });
  }

  take(message, _buffers, own) {
    if (own) this.refuse(message.refused);
    if (message.story !== undefined && own) this.story = message.story;
    if (!message.scene) return null;
    this.scene = message.scene;
    const known = (place) => (this.scene.cells.some((cell) => sameNumber(cell, place)) ? place : null);
    this.selected = known(this.selected);
    this.hovered = known(this.hovered);
    return { cells: this.scene.cells.length };
  }
}

// A row of a matrix; biases are one row.
const rowOf = (values, row) => (Array.isArray(values[0]) ? values[row] : values);

export const sameNumber = (a, b) => a?.kind === b?.kind && a?.t === b?.t && a?.unit === b?.unit;
