// The layers in a table: shapes, and bars for parameters, work and memory; a row chooses the layer to look into.

import { element } from "../frontend/elements.js";

const HEADS = ["", "layer", "output", "parameters", "multiply-adds", "memory", "sees"];
const whole = (value) => (value ? value.toLocaleString("en") : "");
const times = (shape) => (shape ? shape.join(" × ") : "");

export function memoryText(size) {
  for (const [unit, scale] of [["GB", 1e9], ["MB", 1e6], ["kB", 1e3]])
    if (size >= scale) return `${(size / scale).toFixed(1)} ${unit}`;
  return `${size} B`;
}

const rowsAfter = { ArrowDown: 1, ArrowUp: -1 };

export function layerTable(session) {
  const body = element("tbody", {});
  const foot = element("tfoot", {});
  const heads = HEADS.map((text, i) => element("th", { scope: "col", class: i > 2 ? "number" : false }, text));
  const table = element("table", { class: "layers" },
    element("thead", {}, element("tr", {}, ...heads)), body, foot);
  const note = element("p", { class: "hint" },
    "For one image. Memory is that of the layer's output; “sees” is the receptive field of one unit, padding counted.");
  const scroll = element("div", { class: "scroll" }, table);
  let drawn = null;
  let buttons = [];
  const choose = (path) => session.edit({ layer: path }, { step: "layer" });
  const step = (event) => {
    const by = rowsAfter[event.key];
    const at = buttons.indexOf(event.target);
    if (!by || at < 0) return;
    event.preventDefault();
    event.stopPropagation();
    const next = buttons[Math.min(Math.max(at + by, 0), buttons.length - 1)];
    next.focus();
    next.click();
  };
  table.addEventListener("keydown", step);
  const name = (path, text) => element("button", { type: "button", class: "name", "data-path": path,
    title: "Look into this layer (↑ ↓)", onclick: () => choose(path) }, text);
  const makeRow = ([path, layer, shape, parameters, adds, memory, seen], most) => {
    const cells = [[parameters, whole], [adds, whole], [memory, memoryText]].map(([value, write], i) => {
      const cell = element("td", { class: "number share" }, element("span", {}, write(value)));
      cell.style.setProperty("--share", `${most[i] ? (100 * value) / most[i] : 0}%`);
      return cell;
    });
    return element("tr", {}, element("td", { class: "path" }, path), element("th", { scope: "row" }, name(path, layer)),
      element("td", {}, times(shape)), ...cells, element("td", { class: "number" }, times(seen)));
  };
  const build = () => {
    const { rows, problem } = session.table;
    const [height, width, channels] = session.setup.image_shape;
    const most = [3, 4, 5].map((column) => Math.max(0, ...rows.map((row) => row[column])));
    const input = element("tr", {}, element("td", {}), element("th", { scope: "row" }, name("input", "input")),
      element("td", {}, times([channels, height, width])), ...[0, 1, 2].map(() => element("td", {})),
      element("td", { class: "number" }, "1 × 1"));
    const broken = problem && session.table.start === null
      ? [element("tr", { class: "broken" }, element("td", {}, "✗"), element("td", { colspan: 6 }, problem))] : [];
    body.replaceChildren(input, ...rows.map((row) => makeRow(row, most)), ...broken);
    const totals = [3, 4, 5].map((column) => rows.reduce((sum, row) => sum + row[column], 0));
    const texts = [whole(totals[0]) || "0", whole(totals[1]) || "0", memoryText(totals[2])];
    foot.replaceChildren(element("tr", {}, element("td", {}), element("th", { scope: "row" }, "total"), element("td", {}),
      ...texts.map((text) => element("td", { class: "number" }, text)), element("td", {})));
    buttons = [...body.querySelectorAll("button")];
    for (const button of buttons) button.setAttribute("data-lm-suppress-shortcuts", "true");
    if (broken.length) scroll.scrollTop = scroll.scrollHeight; // the layer that does not fit is the last row
  };
  const update = () => {
    if (session.table !== drawn) {
      const held = body.contains(document.activeElement) ? document.activeElement.dataset.path : null;
      const before = JSON.stringify(drawn);
      drawn = session.table;
      if (before !== JSON.stringify(drawn)) build();
      if (held) buttons.find((button) => button.dataset.path === held)?.focus();
    }
    const chosen = session.facts.layer ?? session.state.layer;
    for (const button of buttons) {
      const isChosen = button.dataset.path === chosen;
      button.setAttribute("aria-pressed", isChosen);
      button.closest("tr").classList.toggle("chosen", isChosen);
    }
  };
  return { node: element("section", { class: "table", "aria-label": "Layers" }, scroll, note), update };
}
