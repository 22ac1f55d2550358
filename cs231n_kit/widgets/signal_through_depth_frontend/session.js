// The network as Python measures it: frames that come by themselves while it trains, and after every request.

import { Session } from "../frontend/session.js";
import { typedArray, withTraining } from "../frontend/training_session.js";

const FIELDS = { step: 0, loss: 1, accuracy: 2, flat: 3, stuck: 4 };

export class SignalSession extends withTraining(Session) {
  parts = ["command", "frame"];
  frame = null; // what Python measured: layers, axes, sentences; see SignalThroughDepth._frame
  shares = null; // of values in the bins of histograms: activations, then gradients, layer by layer
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

  study(name) {
    this.editAndRestart(this.setup.lessons.find((lesson) => lesson.name === name).settings);
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

  takeFrame(frame, buffers) {
    this.frame = frame;
    this.shares = typedArray(buffers[0]);
    this.hovered = Math.min(this.hovered, frame.layers.length - 1);
    this.selected = Math.min(this.selected, frame.layers.length - 1);
    this.takeHistory(frame);
  }
}
