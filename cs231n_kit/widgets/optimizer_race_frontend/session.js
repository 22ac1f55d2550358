// The race as Python ran it, the map under it, and the step shown.

import { Session } from "../frontend/session.js";

const FRAME = 40; // milliseconds while it plays
const DURATION = 5000; // milliseconds for all steps, if that is not too fast
const SLOWEST = 0.006; // steps a millisecond
const FASTEST = 0.06;

const floats = ({ buffer, byteOffset, byteLength }) => new Float32Array(buffer.slice(byteOffset, byteOffset + byteLength));

export class RaceSession extends Session {
  parts = ["race", "map"];
  outcome = ["race", "map"];
  race = null; // { names, paths, losses, last, verdicts, minima, curvature, rates, steps }, see optimizer_race.py
  map = null; // { name, center, reach, resolution, shade, lines }
  refused = null; // { reason, text, start, end } of a surface that cannot be read
  playing = null;

  question(part) {
    return part === "map" ? (this.map?.name ?? "") : true;
  }

  // The steps of the race that is drawn; those of the state are perhaps still on their way.
  get last() {
    return this.race?.steps ?? this.state.steps;
  }

  get position() {
    return Math.min(this.state.step, this.last);
  }

  go(step) {
    const to = Math.min(Math.max(Math.round(step), 0), this.last);
    if (to !== this.state.step) this.edit({ step: to }, { step: "step", parts: [] });
  }

  play() {
    if (this.playing) return this.pause();
    const from = this.position >= this.last ? 0 : this.position;
    const pace = Math.min(Math.max(this.last / DURATION, SLOWEST), FASTEST);
    const begun = performance.now();
    this.go(from);
    this.playing = setInterval(() => {
      const at = from + pace * (performance.now() - begun);
      this.go(Math.floor(at));
      if (at >= this.last || !this.views.size) this.pause();
    }, FRAME);
    this.notify();
  }

  pause() {
    clearInterval(this.playing);
    this.playing = null;
    this.notify();
  }

  // Another surface brings its own start, window, rates and steps.
  choose(change) {
    this.pause();
    this.edit({ lesson: "", ...change }, { omit: this.setup.of_surface });
  }

  study(name) {
    this.pause();
    const { state } = this.setup.lessons.find((lesson) => lesson.name === name);
    this.edit({ ...state, expression: this.state.expression });
  }

  set(racer, name, value, gesture) {
    const own = { ...this.state.settings[racer], [name]: value };
    this.edit({ settings: { ...this.state.settings, [racer]: own } }, { step: gesture, draft: true });
  }

  // The last step stays the last one.
  setSteps(steps) {
    const step = this.state.step === this.state.steps ? steps : Math.min(this.state.step, steps);
    this.edit({ steps, step }, { step: "steps", draft: true });
  }

  zoom(factor, [x, y] = this.state.center) {
    const [low, high] = this.setup.ranges.reach;
    const reach = Number(Math.min(Math.max(this.state.reach * factor, low), high).toPrecision(6));
    const ratio = reach / this.state.reach;
    const center = this.state.center.map((part, i) => kept([x, y][i] + (part - [x, y][i]) * ratio));
    this.edit({ reach, center }, { step: "window", draft: true });
  }

  fit() {
    this.edit(this.setup.homes[this.state.surface]);
  }

  travel(from, to) {
    this.pause();
    return super.travel(from, to);
  }

  reset() {
    this.pause();
    super.reset();
  }

  take(message, buffers, own) {
    if (own) this.refuse(message.refused);
    if (!message.race) return null;
    const count = message.race.names.length;
    const [paths, losses] = [floats(buffers[0]), floats(buffers[1])];
    this.race = { ...message.race, paths, losses, steps: count ? losses.length / count - 1 : this.state.steps };
    if (message.map.resolution) this.map = readMap(message.map, buffers[2], buffers[3]);
    return { steps: this.race.steps };
  }

  // Where racer number k is after a step, or null.
  place(k, step) {
    const at = 2 * (k * (this.race.steps + 1) + step);
    const place = [this.race.paths[at], this.race.paths[at + 1]];
    return place.every(Number.isFinite) ? place : null;
  }

  loss(k, step) {
    return this.race.losses[k * (this.race.steps + 1) + step];
  }

  // The index of a racer's color and shape.
  mark(name) {
    return Object.keys(this.setup.titles).indexOf(name);
  }
}

export const kept = (value) => Math.round(Math.min(Math.max(value, -1e4), 1e4) * 1e6) / 1e6;

function readMap(map, shade, points) {
  const xy = floats(points);
  let at = 0;
  const lines = map.lengths.map((length) => xy.subarray(at, (at += 2 * length)));
  return { ...map, lines, shade: new Uint8Array(shade.buffer, shade.byteOffset, shade.byteLength).slice() };
}
