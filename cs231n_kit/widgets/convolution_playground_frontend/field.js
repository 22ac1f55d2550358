// What a unit of the last layer sees in every map below it: pictures of the maps, and a table of the layers.

import { button } from "../frontend/controls.js";
import { element } from "../frontend/elements.js";
import { ARROWS, shape } from "./drawing.js";

const COLUMNS = [["size", "F"], ["stride", "S"], ["pad", "P"], ["dilation", "D"]];

export const isFieldScene = (session) => session.isField && session.scene?.view === session.state.view;

// The maps; the unit is chosen by click, drag or arrow keys.
export class FieldMaps {
  constructor(session, helpId) {
    this.session = session;
    this.svg = shape("svg", { class: "field", tabindex: "0", role: "application", "aria-label": "Receptive field" });
    this.svg.setAttribute("aria-roledescription", "maps of layers");
    this.svg.setAttribute("aria-describedby", helpId);
    this.svg.addEventListener("pointerdown", (event) => this.press(event));
    this.svg.addEventListener("pointermove", (event) => this.dragging && this.point(event));
    for (const type of ["pointerup", "pointercancel"]) this.svg.addEventListener(type, () => this.drop());
    this.svg.addEventListener("keydown", (event) => this.key(event));
    this.node = element("div", { class: "paper" }, this.svg);
  }

  update() {
    this.node.hidden = !this.session.isField;
    if (!isFieldScene(this.session)) return;
    const { scene } = this.session;
    this.svg.setAttribute("aria-label", scene.title);
    const text = JSON.stringify(scene);
    if (text !== this.drawn) this.draw(scene);
    this.drawn = text;
  }

  draw({ width, height, grids, unit }) {
    const { svg } = this;
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    svg.setAttribute("width", width);
    svg.replaceChildren();
    grids.forEach(({ title, seen, x, y, cell, side, shares }, level) => {
      const group = shape("g", { "data-map": level }, svg);
      shape("text", { class: "heading", x, y: y - 24 }, group).textContent = title;
      shape("text", { class: "title", x, y: y - 7 }, group).textContent = seen;
      const last = level === grids.length - 1;
      for (let i = 0; i < side * side; i++) {
        const at = { x: x + (i % side) * cell, y: y + Math.floor(i / side) * cell, width: cell, height: cell };
        const isUnit = last && Math.floor(i / side) === unit[0] && i % side === unit[1];
        const kind = isUnit ? "seen unit" : shares[i] ? "seen" : "";
        shape("rect", { class: `cell ${kind}`, ...at, "fill-opacity": shares[i] ? 0.3 + 0.7 * Math.sqrt(shares[i] / 100) : 0 }, group);
      }
      shape("rect", { class: last ? "rim choose" : "rim", x, y, width: side * cell, height: side * cell }, group);
    });
  }

  press(event) {
    if (event.button !== 0 || !this.placeAt(event)) return;
    this.svg.setPointerCapture(event.pointerId);
    this.dragging = true;
    this.point(event);
  }

  drop() {
    if (this.dragging) this.session.rest();
    this.dragging = false;
  }

  placeAt(event) {
    if (!isFieldScene(this.session)) return null;
    const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(this.svg.getScreenCTM().inverse());
    const { x, y, cell, side } = this.session.scene.grids.at(-1);
    const place = [Math.floor((at.y - y) / cell), Math.floor((at.x - x) / cell)];
    return place.every((value) => value >= 0 && value < side) ? place : null;
  }

  point(event) {
    const place = this.placeAt(event);
    if (place) this.choose(place, "drag unit");
  }

  choose(place, gesture) {
    if (place.join() !== this.session.state.unit?.join()) this.session.edit({ unit: place }, { step: gesture });
  }

  key(event) {
    const { session } = this;
    const arrow = ARROWS[event.key];
    const undo = (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z";
    if (undo) event.shiftKey ? session.redo() : session.undo();
    else if (!arrow || event.ctrlKey || event.metaKey || event.altKey || !isFieldScene(session)) return;
    else {
      const { side } = session.scene.grids.at(-1);
      const from = session.state.unit ?? session.scene.unit;
      this.choose(from.map((value, axis) => Math.min(Math.max(value + arrow[axis], 0), side - 1)), "keys unit");
    }
    event.preventDefault();
    event.stopPropagation();
  }
}

// One row a layer: its window, and what follows from it.
export function layerTable(session) {
  const { ranges, layer: fresh, most_layers: most } = session.setup;
  const heads = ["layer", ...COLUMNS.map(([, letter]) => letter), "map", "jump", "sees", ""].map((text) => element("th", { scope: "col" }, text));
  const body = element("tbody", {});
  const title = element("p", { class: "sentence", role: "status" });
  const trouble = element("div", { class: "trouble error", role: "alert", hidden: true });
  const side = numberField("Width of the input", ranges.field_side, () => session.state.field_side, (value) => session.edit({ field_side: value }));
  const change = (layers) => session.edit({ layers });
  const add = button("+ layer", "One more layer, like the last", () => change([...session.state.layers, { ...session.state.layers.at(-1) }]),
    () => session.state.layers.length >= most);
  const all = () => change(session.state.layers.map(() => ({ ...fresh })));
  const plain = button("All 3 × 3", "Make every layer a 3 × 3 window with stride 1 and padding 1", all);
  const hint = element("p", { class: "hint" },
    "sees: what the layer below sees, plus (F′ − 1) jumps of it, with F′ = D (F − 1) + 1. A jump is the number "
    + "of pixels between neighbouring units: the product of the strides so far. The stronger a cell, the more ways lead "
    + "to it; all maps are drawn in one size.");
  const table = element("table", { class: "layers" }, element("thead", {}, element("tr", {}, ...heads)), body);
  const tools = element("div", { class: "toolbar" }, element("label", {}, "Input width ", side.node), add.node, plain.node);
  const node = element("div", { class: "stack" }, title, trouble, tools, element("div", { class: "scroll" }, table), hint);
  let rows = [];
  const update = () => {
    node.hidden = !session.isField;
    if (!session.isField) return;
    const { layers } = session.state;
    if (rows.length !== layers.length) {
      rows = layers.map((_, i) => tableRow(session, i, change));
      body.replaceChildren(...rows.map((row) => row.node));
    }
    for (const part of [side, add, plain, ...rows]) part.update();
    if (!isFieldScene(session)) return;
    if (title.textContent !== session.scene.title) title.textContent = session.scene.title;
    trouble.hidden = !session.scene.trouble;
    if (trouble.textContent !== (session.scene.trouble ?? "")) trouble.textContent = session.scene.trouble ?? "";
  };
  return { node, update };
}

function tableRow(session, index, change) {
  const { ranges } = session.setup;
  const fields = COLUMNS.map(([name, letter]) => {
    const read = () => session.state.layers[index]?.[name];
    const write = (value) => change(session.state.layers.with(index, { ...session.state.layers[index], [name]: value }));
    return numberField(`${letter} of layer ${index + 1}`, ranges[name], read, write);
  });
  const without = () => change(session.state.layers.filter((_, i) => i !== index));
  const remove = button("×", `Remove layer ${index + 1}`, without, () => session.state.layers.length < 2);
  remove.node.setAttribute("aria-label", `Remove layer ${index + 1}`);
  remove.node.setAttribute("data-lm-suppress-shortcuts", "true");
  const told = ["side", "jump", "sum"].map((name) => [name, element("td", {})]);
  const cells = [...fields.map((field) => element("td", {}, field.node)), ...told.map(([, cell]) => cell), element("td", {}, remove.node)];
  const node = element("tr", {}, element("th", { scope: "row" }, String(index + 1)), ...cells);
  const update = () => {
    for (const part of [...fields, remove]) part.update();
    const row = isFieldScene(session) ? session.scene.rows[index] : null;
    for (const [name, cell] of told) cell.textContent = row?.[name] ?? "";
  };
  return { node, update };
}

function numberField(title, [min, max], read, write) {
  const input = element("input", { type: "number", min, max, step: 1, "aria-label": title, "data-lm-suppress-shortcuts": "true" });
  input.addEventListener("change", () => {
    const value = Math.round(Number(input.value));
    if (input.value !== "" && Number.isFinite(value)) write(Math.min(Math.max(value, min), max));
    input.value = read();
  });
  input.addEventListener("keydown", (event) => event.stopPropagation());
  const update = () => {
    if (document.activeElement !== input || input.value === "") input.value = read();
  };
  return { node: input, update };
}
