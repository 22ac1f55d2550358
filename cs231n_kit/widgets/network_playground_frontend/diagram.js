// The network: a column for each layer, a picture for each unit, a line for each weight.

import { mapCanvas, paintMap } from "../frontend/colors.js";
import { element } from "../frontend/elements.js";
import { LayerHead } from "./layers.js";

const REACH = 6; // pixels around a line that count as the line
const MOVES = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };

export class Diagram {
  constructor(session) {
    this.session = session;
    this.lines = element("canvas", { class: "lines", "aria-hidden": "true" });
    this.tip = element("div", { class: "tip", hidden: true });
    this.columns = element("div", { class: "columns" });
    this.inputs = this.inputColumn();
    this.layers = []; // hidden layers and scores
    this.node = element("div", {
      class: "network",
      role: "group",
      "aria-label": "Network",
      "data-lm-suppress-shortcuts": "true",
      onpointermove: (event) => this.hover(event),
      onpointerdown: (event) => this.hover(event),
      onpointerleave: () => this.session.point(null),
      onkeydown: (event) => this.key(event),
    }, this.lines, this.columns, this.tip);
    this.columns.append(this.inputs.node);
    this.observer = new ResizeObserver(() => this.measure());
    this.observer.observe(this.columns);
  }

  inputColumn() {
    const { session } = this;
    const units = session.setup.features.map((name) => {
      const picture = mapCanvas(session.setup.unit_resolution);
      const index = () => session.state.features.indexOf(name);
      const node = element("button", {
        type: "button",
        class: "unit feature",
        title: `Input ${name}: click to use it or leave it out`,
        onclick: () => this.toggleFeature(name),
        onpointerenter: () => this.look(0, index()),
        onfocus: (event) => event.target.matches(":focus-visible") && this.look(0, index()),
        onblur: () => session.point(null),
      }, picture, element("span", {}, name.replace("x1", "x₁").replace("x2", "x₂")));
      return { node, picture, name };
    });
    const head = element("div", { class: "head" }, element("b", {}, "Inputs"));
    const body = element("div", { class: "units" }, ...units.map(({ node }) => node));
    return { units, node: element("div", { class: "layer inputs" }, head, body, element("div", { class: "foot" })) };
  }

  toggleFeature(name) {
    const { features } = this.session.state;
    const kept = features.includes(name) ? features.filter((other) => other !== name) : [...features, name];
    const ordered = this.session.setup.features.filter((other) => kept.includes(other));
    if (ordered.length) this.session.edit({ features: ordered });
  }

  look(layer, unit) {
    this.session.point(unit >= 0 && this.session.network ? { layer, unit } : null);
  }

  makeColumn(layer) {
    const head = new LayerHead(this.session, layer);
    const body = element("div", { class: "units" });
    const foot = element("div", { class: "foot" });
    return { head, body, foot, units: [], node: element("div", { class: "layer" }, head.node, body, foot) };
  }

  makeUnit(layer, unit) {
    const picture = mapCanvas(this.session.setup.unit_resolution);
    const node = element("button", {
      type: "button",
      class: "unit",
      tabindex: "-1",
      onpointerenter: () => this.look(layer, unit),
      onfocus: () => this.look(layer, unit),
      onblur: () => this.session.point(null),
    }, picture);
    return { node, picture };
  }

  update() {
    const { session } = this;
    const { counts } = session;
    this.fit(this.layers, counts.length - 1, (i) => this.makeColumn(i + 1), this.columns);
    this.layers.forEach((column, i) => {
      this.fit(column.units, counts[i + 1], (unit) => this.makeUnit(i + 1, unit), column.body);
      column.head.update();
    });
    const largest = Math.max(session.setup.features.length, ...counts);
    this.node.style.setProperty("--unit", `${Math.max(22, Math.min(38, Math.floor(300 / largest) - 5))}px`);
    const shape = `${session.shape} ${largest}`;
    if (shape !== this.measured) {
      this.measured = shape;
      this.measure();
    }
    this.rove();
    this.pending ??= requestAnimationFrame(() => {
      this.pending = null;
      this.draw();
    });
  }

  // Adds or removes items at the end until there are so many; the others keep the focus.
  fit(items, count, make, parent) {
    while (items.length > count) items.pop().node.remove();
    while (items.length < count) {
      items.push(make(items.length));
      parent.append(items.at(-1).node);
    }
  }

  // One unit can be reached with Tab, the others from there with the arrows.
  rove() {
    const nodes = this.layers.flatMap(({ units }) => units.map(({ node }) => node));
    if (!nodes.includes(this.stop)) this.stop = nodes[0];
    for (const node of nodes) node.tabIndex = node === this.stop ? 0 : -1;
  }

  key(event) {
    const move = MOVES[event.key];
    const layer = this.layers.findIndex(({ units }) => units.some(({ node }) => node === event.target));
    if (!move || layer < 0) return;
    const unit = this.layers[layer].units.findIndex(({ node }) => node === event.target);
    const column = this.layers[Math.min(Math.max(layer + move[0], 0), this.layers.length - 1)];
    const next = column.units[Math.min(Math.max(unit + move[1], 0), column.units.length - 1)];
    this.stop = next.node;
    this.rove();
    next.node.focus();
    event.preventDefault();
    event.stopPropagation();
  }

  // Where the units are; read once, since reading it makes the browser lay out the page.
  measure() {
    const side = (node, right) => [node.offsetLeft + (right ? node.offsetWidth : 0), node.offsetTop + node.offsetHeight / 2];
    const { features } = this.session.state;
    const inputs = this.inputs.units.filter(({ name }) => features.includes(name));
    const columns = [inputs, ...this.layers.map(({ units }) => units)];
    this.places = columns.map((units) => units.map(({ node }) => ({ left: side(node, false), right: side(node, true) })));
    const [width, height] = [this.columns.scrollWidth, this.columns.offsetHeight];
    this.density = window.devicePixelRatio || 1;
    Object.assign(this.lines, { width: Math.round(width * this.density), height: Math.round(height * this.density) });
    Object.assign(this.lines.style, { width: `${width}px`, height: `${height}px` });
    this.draw();
  }

  draw() {
    const { session } = this;
    const context = this.lines.getContext("2d");
    context.setTransform(this.density, 0, 0, this.density, 0, 0);
    context.clearRect(0, 0, this.lines.width, this.lines.height);
    this.drawPictures();
    this.tell();
    if (!session.network || this.places.length !== session.counts.length) return;
    for (let layer = 1; layer < this.places.length; layer++) this.drawWeights(context, layer);
  }

  drawPictures() {
    const { session } = this;
    const { network, setup, state, focus } = session;
    this.inputs.units.forEach(({ node, picture, name }) => {
      const unit = state.features.indexOf(name);
      node.setAttribute("aria-pressed", unit >= 0);
      if (unit >= 0 && network) paintMap(picture, session.unitMap(0, unit).map, setup.signs);
    });
    this.layers.forEach(({ units, foot }, i) => {
      units.forEach(({ node, picture }, unit) => {
        if (network) paintMap(picture, session.unitMap(i + 1, unit).map, setup.signs);
        const dead = Boolean(network) && session.isDead(i + 1, unit);
        node.classList.toggle("dead", dead);
        node.classList.toggle("shown", focus?.layer === i + 1 && focus.unit === unit);
        node.setAttribute("aria-label", session.unitName(i + 1, unit) + (dead ? ", dead" : ""));
      });
      const gradient = session.facts.gradients[i];
      const text = network && gradient !== undefined ? `gradient ${gradient ? gradient.toExponential(0) : 0}` : "";
      if (foot.textContent !== text) foot.textContent = text.replace("-", "−");
    });
  }

  drawWeights(context, layer) {
    const { session } = this;
    const { weights } = session.weightsInto(layer);
    const { positive, negative } = session.setup.signs;
    const largest = weights.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-12);
    const count = session.counts[layer];
    weights.forEach((value, index) => {
      const [from, to] = [Math.floor(index / count), index % count];
      const shown = this.isFocused(layer, from, to);
      context.strokeStyle = value < 0 ? negative : positive;
      context.globalAlpha = shown ? 1 : session.focus ? 0.25 : 0.75;
      context.lineWidth = 0.3 + (4 * Math.abs(value)) / largest + (shown ? 1 : 0);
      context.beginPath();
      const [start, end] = [this.places[layer - 1][from].right, this.places[layer][to].left];
      const middle = (start[0] + end[0]) / 2;
      context.moveTo(...start);
      context.bezierCurveTo(middle, start[1], middle, end[1], ...end);
      context.stroke();
    });
    context.globalAlpha = 1;
  }

  isFocused(layer, from, to) {
    const { focus } = this.session;
    if (!focus) return false;
    if ("from" in focus) return focus.layer === layer && focus.from === from && focus.to === to;
    return (focus.layer === layer && focus.unit === to) || (focus.layer === layer - 1 && focus.unit === from);
  }

  hover(event) {
    if (event.target.closest(".unit, .head")) return;
    const box = this.columns.getBoundingClientRect();
    this.pointer = [event.clientX - box.left, event.clientY - box.top];
    this.session.point(this.session.network ? this.weightAt(this.pointer) : null);
    this.tell();
  }

  // The weight whose line is nearest to a place, or null where none is within reach.
  weightAt([x, y]) {
    let [found, least] = [null, REACH];
    for (let layer = 1; layer < this.places.length; layer++)
      this.places[layer - 1].forEach(({ right }, from) =>
        this.places[layer].forEach(({ left }, to) => {
          if (x < right[0] || x > left[0]) return;
          const distance = Math.abs(heightAt(right, left, x) - y);
          if (distance < least) [found, least] = [{ layer, from, to }, distance];
        }),
      );
    return found;
  }

  // The weight's value beside the pointer.
  tell() {
    const { focus, network } = this.session;
    this.tip.hidden = !(focus && "from" in focus && network && this.pointer);
    if (this.tip.hidden) return;
    const text = weightText(this.session, focus);
    if (this.tip.textContent !== text) this.tip.textContent = text;
    const [x, y] = this.pointer;
    this.tip.style.left = `${Math.max(Math.min(x + 12, this.columns.scrollWidth - this.tip.offsetWidth - 4), 0)}px`;
    this.tip.style.top = `${y + 16}px`;
  }
}

export function weightText(session, { layer, from, to }) {
  const value = session.weightsInto(layer).weights[from * session.counts[layer] + to];
  return `${session.unitName(layer - 1, from)} → ${session.unitName(layer, to)}: ${value.toPrecision(3).replace("-", "−")}`;
}

// The height of a curve of `drawWeights` at x: its parameter is found by halving.
function heightAt([x0, y0], [x1, y1], x) {
  let [low, high] = [0, 1];
  const middle = (x0 + x1) / 2;
  for (let i = 0; i < 12; i++) {
    const t = (low + high) / 2;
    const across = (1 - t) ** 3 * x0 + 3 * (1 - t) * t * middle + t ** 3 * x1;
    if (across < x) low = t;
    else high = t;
  }
  return y0 + low ** 2 * (3 - 2 * low) * (y1 - y0);
}
