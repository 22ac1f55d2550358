// What an architecture explorer knows besides its state: Python's picture, the block one looks at, the measuring.

import { Session } from "../frontend/session.js";

export class ExplorerSession extends Session {
  parts = ["scene", "measure"];
  outcome = ["scene"];
  scene = null;
  pictures = {}; // the image as networks get it, by the shape of their input
  hovered = null; // [place of a network, id of a block] under the pointer
  refused = null; // { text, problem, start } of a text from which no network can be built
  measuring = { running: false, words: "", done: 0, measured: [], runs: 0 };
  width = 930;

  question(part) {
    if (part === "scene") return { width: Math.round(this.width), known: Object.keys(this.pictures) };
    return part === "measure" ? this.command : super.question(part);
  }

  // The block that is told about: under the pointer, else chosen, else one that tells much.
  get told() {
    const there = (at) => at && this.scene?.networks[at[0]]?.details[at[1]];
    return [this.hovered, this.state.selected].find(there) ?? (this.scene ? [0, this.scene.first] : null);
  }

  detail([place, id]) {
    return this.scene.networks[place].details[id];
  }

  look(at) {
    if (JSON.stringify(at) === JSON.stringify(this.hovered)) return;
    this.hovered = at;
    this.notify();
  }

  select(at) {
    if (JSON.stringify(at) !== JSON.stringify(this.state.selected)) this.edit({ selected: at }, { step: "select", parts: [] });
  }

  // Opens a closed group, or closes an open one and all inside it.
  toggle([place, id]) {
    const { name, details, order } = this.scene.networks[place];
    if (!details[id]?.opens) return;
    const within = (inner) => inner !== null && (inner === id || within(details[inner].parent));
    const open = order.filter((one) => details[one].open);
    const ids = details[id].open ? open.filter((one) => !within(one)) : [...open, id];
    this.hovered = null;
    this.edit({ opened: { ...this.state.opened, [name]: ids }, selected: [place, id] });
  }

  // All groups of a network closed, or as at first.
  fold(name, ids) {
    const { [name]: _, ...others } = this.state.opened;
    this.edit({ opened: ids ? { ...others, [name]: ids } : others, selected: null });
  }

  showNetworks(shown) {
    this.hovered = null;
    this.edit({ shown, selected: null });
  }

  // Python decides what the text is worth: one that it refuses leaves the last good network.
  type(text, side) {
    const { [this.setup.typed]: _, ...opened } = this.state.opened;
    this.edit({ text, side, opened, selected: null });
  }

  resize(width) {
    if (Math.abs(width - this.width) < 16) return;
    this.width = width;
    this.ask({ parts: ["scene"] });
  }

  measure(command) {
    this.command = command;
    this.ask({ parts: ["measure"] });
  }

  hear(message) {
    if (message.type !== "measuring") return;
    const before = this.measuring;
    this.measuring = message.measuring;
    this.notify();
    const ended = before.running && !this.measuring.running;
    if (ended || before.measured.length !== this.measuring.measured.length) this.ask({ parts: ["scene"] });
  }

  take(message, _buffers, own) {
    this.measuring = message.measuring ?? this.measuring;
    if (own) this.refuse(message.refused);
    if (!message.scene) return null;
    this.scene = message.scene;
    Object.assign(this.pictures, message.pictures);
    return { networks: this.scene.networks.length };
  }
}
