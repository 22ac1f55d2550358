// One network on the page: its heading and its drawing, under the mouse, a finger and the keyboard.

import { undoKey } from "../frontend/controls.js";
import { element, svgElement } from "../frontend/elements.js";
import { drawNetwork } from "./drawing.js";

export const BLOCK_KEYS = [
  ["← →", "the block before, or behind"],
  ["↑ ↓", "the block above or below, in another branch or network"],
  ["Home  End", "the first or the last block"],
  ["Enter", "open or close a group"],
  ["Esc", "close the group around the block"],
  ["← → ↑ ↓", "on the image: another unit of the map"],
  ["Ctrl+Z", "undo; with Shift redo"],
];

export class NetworkPicture {
  constructor(session, place, announce, helpId, focusOther) {
    Object.assign(this, { session, place, announce, focusOther });
    this.nodes = new Map();
    this.svg = svgElement("svg", { class: "network", role: "group", "aria-describedby": helpId });
    const listen = (type, act) => this.svg.addEventListener(type, act);
    listen("pointermove", (event) => event.pointerType !== "touch" && session.look(this.at(event)));
    listen("pointerleave", () => session.look(null));
    listen("click", (event) => this.click(event));
    listen("keydown", (event) => this.key(event));
    this.name = element("b", {});
    this.totals = element("span", { class: "totals" });
    this.sentence = element("p", { class: "sentence" });
    this.paper = element("div", { class: "paper" }, this.svg);
    const fold = (text, hint, ids) => element("button", { type: "button", class: "small", title: hint, onclick: () => session.fold(this.own.name, ids) }, text);
    const folds = element("span", { class: "folds" }, fold("Fold all", "Close all groups", []), fold("Stages", "Open the stages, and nothing inside them", null));
    this.node = element("section", { class: "one" },
      element("p", { class: "heading" }, this.name, this.totals, folds), this.sentence, this.paper);
  }

  get own() {
    return this.session.scene?.networks[this.place];
  }

  get ids() {
    return [...this.nodes.keys()];
  }

  update() {
    this.node.hidden = !this.own;
    if (!this.own) return (this.drawn = null);
    if (this.drawn !== this.own) this.draw();
    const told = this.session.told;
    const chosen = this.session.state.selected;
    const tabbed = chosen?.[0] === this.place && this.nodes.has(chosen[1]) ? chosen[1] : this.ids[0];
    for (const [id, node] of this.nodes) {
      node.classList.toggle("told", told?.[0] === this.place && told[1] === id);
      node.classList.toggle("chosen", chosen?.[0] === this.place && chosen[1] === id);
      node.setAttribute("tabindex", id === tabbed ? 0 : -1);
    }
  }

  draw() {
    const { name, totals, sentence } = this.own;
    const focused = this.svg.contains(document.activeElement);
    this.drawn = this.own;
    this.nodes = drawNetwork(this.svg, this.own, this.session.setup.kinds);
    this.svg.setAttribute("aria-label", `${name}: layers in the order of the flow`);
    this.node.setAttribute("aria-label", name);
    this.name.textContent = name;
    const time = totals.time === "not measured" ? "" : `, ${totals.time} for an image`;
    this.totals.textContent = `${totals.parameters} parameters · ${totals.multiply_adds} multiply-adds · ${totals.memory} of memory${time}`;
    this.sentence.textContent = sentence;
    const chosen = this.session.state.selected;
    if (focused) (this.nodes.get(chosen?.[1]) ?? this.nodes.get(this.ids[0]))?.focus();
  }

  at(event) {
    const id = event.target.closest?.("[data-id]")?.dataset.id;
    return id === undefined ? null : [this.place, id];
  }

  // A mouse opens at once, for it has shown the block before; a finger chooses first.
  click(event) {
    const at = this.at(event);
    if (!at) return;
    const chosen = JSON.stringify(this.session.state.selected) === JSON.stringify(at);
    const opens = this.session.detail(at).opens;
    if (opens && (event.pointerType !== "touch" || chosen)) this.session.toggle(at);
    else this.session.select(at);
    this.nodes.get(at[1]).focus({ preventScroll: true });
  }

  key(event) {
    const { session } = this;
    if (undoKey(session, event, this.announce) || event.ctrlKey || event.metaKey || event.altKey) return;
    const id = event.target.closest("[data-id]")?.dataset.id;
    if (id === undefined || !this.act(event.key, id)) return;
    event.preventDefault();
    event.stopPropagation();
  }

  // Does what a key asks of the block that has the focus; returns whether it was a key of ours.
  act(key, id) {
    const i = this.ids.indexOf(id);
    const last = this.ids.length - 1;
    const place = { ArrowRight: Math.min(i + 1, last), ArrowLeft: Math.max(i - 1, 0), Home: 0, End: last }[key];
    if (place !== undefined) this.go(this.ids[place]);
    else if (key === "ArrowUp" || key === "ArrowDown") this.goAcross(id, key === "ArrowDown" ? 1 : -1);
    else if (key === "Enter" || key === " ") this.session.toggle([this.place, id]);
    else if (key === "Escape") this.close(id);
    else return false;
    return true;
  }

  go(id) {
    this.session.hovered = null;
    this.session.select([this.place, id]);
    const node = this.nodes.get(id);
    node.focus();
    node.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  close(id) {
    const detail = this.own.details[id];
    const group = detail.open ? id : detail.parent;
    if (group !== null) this.session.toggle([this.place, group]);
  }

  // To the nearest block above or below; where there is none, to the other network.
  goAcross(id, way) {
    const middle = (node) => {
      const { x, y, width, height } = node.querySelector(".hit").getBBox();
      return [x + width / 2, y + height / 2];
    };
    const [x, y] = middle(this.nodes.get(id));
    const near = this.ids
      .map((other) => [other, ...middle(this.nodes.get(other))])
      .filter(([, , b]) => way * (b - y) > 6)
      .map(([other, a, b]) => [other, Math.abs(a - x) * 2 + Math.abs(b - y)])
      .filter(([, far]) => far < 120)
      .sort((a, b) => a[1] - b[1]);
    if (near.length) this.go(near[0][0]);
    else this.focusOther(this.place + way, x);
  }

  // Chooses the block whose middle is nearest to an x.
  focusAt(x) {
    const far = (id) => Math.abs(this.nodes.get(id).querySelector(".hit").getBBox().x - x);
    if (this.ids.length) this.go(this.ids.reduce((best, id) => (far(id) < far(best) ? id : best)));
  }
}
