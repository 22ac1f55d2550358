// The network as Python trains it: its table, and frames that come after every request and, while it trains, unasked.

import { Session } from "../frontend/session.js";
import { typedArray, withTraining } from "../frontend/training_session.js";

export class ArchitectureSession extends withTraining(Session) {
  parts = ["command", "frame", "code", "own"];
  built = { rows: [], problem: "", start: null, too_large: "" }; // the table of the network
  refused = null; // the same, and the text, of one from which no network can be built
  facts = { record: [0, null, null, null], step: 0, epoch: 0, rate: 0, running: false, trouble: "", own: false, network: false };
  history = []; // [updates, training loss, validation loss, validation accuracy from 0 to 1]
  picture = null; // what Python sent of the image and the network: pixels, maps, ranges, filters, saliency

  // The table of a refused text, as far as it goes, else that of the network.
  get table() {
    return this.refused?.rows.length ? this.refused : this.built;
  }

  build(architecture) {
    if (architecture !== this.state.architecture || this.refused) this.edit({ architecture, preset: "" });
  }

  study(name) {
    this.edit(this.setup.presets.find((preset) => preset.name === name).settings);
  }

  // Forgets a text that was refused.
  forget() {
    this.refused = null;
    this.ask({ state: true, parts: ["frame"] });
  }

  // The user's own image, as bytes in base 64.
  offer(pixels) {
    this.offered = pixels;
    this.edit({ image: -1 }, { parts: ["own", "frame"] });
  }

  question(part) {
    return part === "own" ? this.offered : super.question(part);
  }

  take(reply, buffers, own) {
    const { table, refused, frame } = reply;
    if (frame) this.built = table;
    if (frame && own) this.refuse(refused);
    return super.take(reply, buffers);
  }

  takeFrame(frame, [pixels, maps, ranges, filters, saliency]) {
    const losses = frame.losses.map(([step, loss]) => [step, loss, null, null]);
    const validations = frame.history.map(([step, , loss, accuracy]) => [step, null, loss, accuracy]);
    this.history = [...losses, ...validations].sort((a, b) => a[0] - b[0]);
    const [, ...latest] = frame.history.at(-1) ?? [0, null, null, null];
    this.facts = { ...frame, record: [frame.step, ...latest] };
    this.picture = { pixels: typedArray(pixels, Uint8Array) };
    if (!frame.network) return;
    Object.assign(this.picture, {
      maps: typedArray(maps, Int8Array),
      ranges: typedArray(ranges),
      filters: typedArray(filters, Uint8Array),
      saliency: typedArray(saliency, Int8Array),
    });
  }
}
