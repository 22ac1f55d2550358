// The network as Python measures it: frames that come by themselves while it trains, and after every request.

import { Session } from "../frontend/session.js";

const MOST_RECORDS = 800;
const FIELDS = { step: 0, loss: 1, accuracy: 2, flat: 3, stuck: 4 };

export class SignalSession extends Session {
  parts = ["command", "frame"];
  outcome = ["frame"];
  frame = null; // what Python measured: layers, axes, sentences; see SignalThroughDepth._frame
  shares = null; // of values in the bins of histograms: activations, then gradients, layer by layer
  history = []; // records
  hovered = -1; // the layer under the pointer
  selected = -1; // the layer that the keyboard or a tap chose

  get running() {
    return Boolean(this.frame?.running);
  }

  get layers() {
    return this.frame?.layers ?? [];
  }

  get shown() {
    return this.hovered >= 0 ? this.hovered : this.selected;
  }

  value(record, name) {
    return record[FIELDS[name]];
  }

  // One histogram: kind 0 is activations, 1 gradients.
  histogram(kind, layer) {
    const { bins } = this.setup;
    const start = (kind * this.layers.length + layer) * bins;
    return this.shares.subarray(start, start + bins);
  }

  command(name) {
    this.commanded = name;
    this.ask({ parts: ["command", "frame"] });
  }

  toggle() {
    this.command(this.running ? "pause" : "play");
  }

  study(name) {
    this.commanded = "restart";
    this.edit(this.setup.lessons.find((lesson) => lesson.name === name).settings, { parts: this.parts });
  }

  reset() {
    this.commanded = "restart";
    this.edit(this.setup.initial, { parts: this.parts });
  }

  look(layer) {
    if (layer === this.hovered) return;
    this.hovered = layer;
    this.notify();
  }

  select(layer) {
    this.selected = layer < 0 ? -1 : Math.min(layer, this.layers.length - 1);
    this.notify();
  }

  question(part) {
    return part === "command" ? this.commanded : true;
  }

  take({ frame }, buffers) {
    if (!frame) return null;
    this.takeFrame(frame, buffers);
    return { live: false };
  }

  // Python goes on training when this page has painted; a page that nobody looks at lets it wait.
  hear(message, buffers) {
    if (message.type !== "frame" || !this.views.size) return;
    const since = performance.now();
    this.takeFrame(message.frame, buffers);
    requestAnimationFrame(() => {
      this.notify({ since, draft: false, live: true });
      this.model.send({ type: "painted" });
    });
  }

  takeFrame(frame, buffers) {
    this.frame = frame;
    const { buffer, byteOffset, byteLength } = buffers[0];
    this.shares = new Float32Array(buffer.slice(byteOffset, byteOffset + byteLength));
    this.hovered = Math.min(this.hovered, frame.layers.length - 1);
    this.selected = Math.min(this.selected, frame.layers.length - 1);
    if (frame.history) this.history = frame.history;
    else this.remind(frame.record);
  }

  remind(record) {
    const last = this.history.at(-1)?.[0] ?? -1;
    if (record[0] < last) this.history = [];
    if (record[0] === last) this.history.pop();
    this.history.push(record);
    if (this.history.length > MOST_RECORDS) this.history = this.history.filter((_, i, all) => i % 2 === 0 || i === all.length - 1);
  }
}
