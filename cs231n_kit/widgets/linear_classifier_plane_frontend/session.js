// The classifier's losses and gradients as Python computes them, and the run of steps.

import { PlaneSession } from "../frontend/plane_session.js";
import { readRegions } from "../frontend/regions.js";

const PAUSE = 30; // milliseconds between the steps of a run

export class LinearSession extends PlaneSession {
  parts = ["steps", "results"];
  outcome = ["results"];
  frame = null; // the regions
  results = null; // losses and gradients; null without points
  shown = -1; // the example that the pointer or the focus rests on in the table
  running = false;
  touched = false; // whether the parameters were changed here since the last request

  edit(change, options = {}) {
    const keeps = Object.keys(change).every((name) => name === "learning_rate");
    if (["W", "b", "weight_seed"].some((name) => name in change)) this.touched = true;
    super.edit(keeps ? change : { curve: [], ...change }, options);
  }

  // Python draws new weights.
  randomize() {
    this.edit({ weight_seed: (this.state.weight_seed + 1) % 2 ** 31 }, { omit: ["W", "b"] });
  }

  get example() {
    return this.shown >= 0 ? this.shown : this.selected;
  }

  stepOnce() {
    this.stop();
    this.remember();
    this.ask({ parts: ["steps", "results"] });
  }

  run() {
    if (this.running) return this.stop();
    this.running = true;
    this.remember();
    this.ask({ parts: ["steps", "results"] });
    this.notify();
  }

  stop() {
    this.running = false;
    clearTimeout(this.next);
    this.notify();
  }

  travel(from, to) {
    this.stop();
    this.touched = true;
    return super.travel(from, to);
  }

  reset() {
    this.stop();
    super.reset();
  }

  follow(message) {
    this.stop();
    super.follow(message);
  }

  question(part) {
    this.touched = false;
    return part === "steps" ? 1 : true;
  }

  take({ results, resolution, state }, buffers, own) {
    if (resolution) this.frame = readRegions(resolution, buffers[0]);
    if (results !== undefined) this.results = results;
    if (!own) return null;
    const stepped = this.sent.parts.has("steps");
    if (stepped && this.wants.state && !this.touched) {
      // A point was moved meanwhile: the step holds all the same.
      const { W, b, curve } = state;
      this.state = { ...this.state, W, b, curve };
    }
    if (stepped && this.failed.steps) this.running = false;
    if (stepped && this.running) this.next = setTimeout(() => this.continueRun(), PAUSE);
    return resolution ? { frame: this.frame, state: this.state } : null;
  }

  continueRun() {
    if (!this.running) return;
    if (this.views.size) this.ask({ parts: ["steps", "results"] });
    else this.running = false; // nobody looks any more
  }
}
