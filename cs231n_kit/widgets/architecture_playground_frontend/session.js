// The network as Python trains it: its table, and frames that come after every request and, while it trains, unasked.

import { Session } from "../frontend/session.js";

const bytes = ({ buffer, byteOffset, byteLength }, Type) => new Type(buffer.slice(byteOffset, byteOffset + byteLength));

export class ArchitectureSession extends Session {
  parts = ["command", "frame", "code", "own"];
  outcome = ["frame"];
  built = { rows: [], problem: "", start: null, too_large: "" }; // the table of the network
  refused = null; // the same, and the text, of one from which no network can be built
  facts = { record: [0, null, null, null], step: 0, epoch: 0, rate: 0, running: false, trouble: "", own: false, network: false };
  history = []; // [updates, training loss, validation loss, validation accuracy from 0 to 1]
  picture = null; // what Python sent of the image and the network: pixels, maps, ranges, filters, saliency
  code = "";

  // The table of a refused text, as far as it goes, else that of the network.
  get table() {
    return this.refused?.rows.length ? this.refused : this.built;
  }

  get running() {
    return this.facts.running;
  }

  command(name) {
    this.commanded = name;
    this.ask({ parts: ["command", "frame"] });
  }

  toggle() {
    this.command(this.running ? "pause" : "play");
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

  reset() {
    this.commanded = "restart";
    this.edit(this.setup.initial, { parts: ["command", "frame"] });
  }

  question(part) {
    return part === "command" ? this.commanded : part === "own" ? this.offered : true;
  }

  take({ table, refused, frame, code }, buffers, own) {
    if (code) this.code = code;
    if (!frame) return null;
    this.built = table;
    if (own) this.refused = refused;
    // Undo shall not lead to what was never there.
    if (own && refused && JSON.stringify(this.past.at(-1)) === JSON.stringify(this.state)) this.past.pop();
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

  takeFrame(frame, [pixels, maps, ranges, filters, saliency]) {
    const losses = frame.losses.map(([step, loss]) => [step, loss, null, null]);
    const validations = frame.history.map(([step, , loss, accuracy]) => [step, null, loss, accuracy]);
    this.history = [...losses, ...validations].sort((a, b) => a[0] - b[0]);
    const [, ...latest] = frame.history.at(-1) ?? [0, null, null, null];
    this.facts = { ...frame, record: [frame.step, ...latest] };
    this.picture = { pixels: bytes(pixels, Uint8Array) };
    if (!frame.network) return;
    Object.assign(this.picture, {
      maps: bytes(maps, Int8Array),
      ranges: bytes(ranges, Float32Array),
      filters: bytes(filters, Uint8Array),
      saliency: bytes(saliency, Int8Array),
    });
  }
}
