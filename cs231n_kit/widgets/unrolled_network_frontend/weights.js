// The weights, each matrix once; a number is dragged sideways, or chosen and moved with the slider.

import { button, slider } from "../frontend/controls.js";
import { element, number } from "../frontend/elements.js";

const PIXELS = 4; // of dragging for a hundredth of SPAN
const SPAN = [-3, 3];
const GATE_ORDER = ["i", "f", "o", "g"];

export function weightsPanel(session) {
  const tables = element("div", { class: "tables" });
  const name = element("b", {});
  const one = slider("Weight", SPAN, 0.05, () => Math.round(session.scene ? 100 * session.weight : 0) / 100,
    (value) => session.setWeight(value, "slide weight"), () => session.rest());
  const learn = button("Learn", "200 steps of Adam on this sequence, with clipped gradients", () => session.learn());
  const other = button("New weights", "Draw other first weights", () => session.read({ seed: (session.state.seed + 1) % 2 ** 31 }));
  const total = element("output", { class: "grad" });
  const node = element("section", { class: "weights", "aria-label": "Weights, the same at every step" },
    element("p", { class: "hint" }, "The weights, the same at every step. Drag a number sideways:"), tables,
    element("div", { class: "one" }, name, one.node, total), element("div", { class: "toolbar" }, learn.node, other.node));
  let form = "";
  let cells = {};
  const update = () => {
    const { scene, state } = session;
    if (!scene) return;
    const shape = JSON.stringify([state.cell, scene.matrices.map(({ values, rows }) => [values.length, values[0].length, rows])]);
    if (shape !== form) {
      cells = {};
      tables.replaceChildren(...scene.matrices.map((matrix) => makeTable(session, matrix, cells)));
    }
    form = shape;
    node.classList.toggle("wide", state.cell === "lstm");
    for (const matrix of scene.matrices) showMatrix(session, matrix, cells);
    for (const table of tables.children) table.classList.toggle("lit", table.dataset.weight === session.lit);
    const place = scene.lags.weight;
    name.textContent = place;
    one.update();
    total.textContent = session.position >= scene.last ? `∂L/∂${place} = ${scene.total}` : "";
  };
  return { node, update };
}

const keyOf = (name, row, column) => `${name} ${row} ${column}`;

function makeTable(session, { name, values, rows, columns }, cells) {
  const gates = session.state.cell === "lstm" && !["Wy", "by"].includes(name);
  const block = gates ? values[0].length / 4 : values[0].length;
  const heads = gates ? GATE_ORDER.map((gate) => element("th", { colspan: block, scope: "colgroup" }, gate))
    : columns.map((text) => element("th", { scope: "col" }, text === " " ? "␣" : text));
  const head = heads.length ? [element("thead", {}, element("tr", {}, rows.length ? element("th", {}) : "", ...heads))] : [];
  const body = values.map((line, row) => {
    const numbers = line.map((_, column) => {
      const cell = weightButton(session, name, row, column, cells);
      cells[keyOf(name, row, column)] = cell;
      return element("td", { class: gates && column && column % block === 0 ? "next" : false }, cell);
    });
    return element("tr", {}, ...(rows.length ? [element("th", { scope: "row" }, rows[row] === " " ? "␣" : rows[row])] : []), ...numbers);
  });
  const caption = element("caption", {}, name);
  const table = element("table", { "data-weight": name }, caption, ...head, element("tbody", {}, ...body));
  table.addEventListener("pointerenter", () => session.light(name));
  table.addEventListener("pointerleave", () => session.light(""));
  return table;
}

function weightButton(session, name, row, column, cells) {
  const node = element("button", { type: "button", "data-lm-suppress-shortcuts": "true" });
  let drag = null;
  node.addEventListener("focus", () => session.chooseWeight([name, row, column]));
  node.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    session.chooseWeight([name, row, column]);
    node.setPointerCapture(event.pointerId);
    drag = { x: event.clientX, value: session.weight, gesture: `drag ${event.timeStamp}` };
  });
  node.addEventListener("pointermove", (event) => {
    if (!drag) return;
    const steps = Math.round((event.clientX - drag.x) / PIXELS);
    const value = Math.round(100 * (drag.value + 0.05 * steps)) / 100;
    if (steps || drag.moved) session.setWeight(steps ? value : drag.value, drag.gesture);
    drag.moved ||= steps !== 0;
  });
  const drop = () => {
    if (drag) session.rest();
    drag = null;
  };
  node.addEventListener("pointerup", drop);
  node.addEventListener("pointercancel", drop);
  node.addEventListener("keydown", (event) => weightKey(session, event, [name, row, column], cells));
  return node;
}

// Arrow keys move within the matrix, plus and minus change the number.
function weightKey(session, event, [name, row, column], cells) {
  const ways = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (ways[event.key]) cells[keyOf(name, row + ways[event.key][0], column + ways[event.key][1])]?.focus();
  else if (["+", "=", "-"].includes(event.key)) session.setWeight(session.weight + (event.key === "-" ? -0.1 : 0.1), "keys");
  else return;
  event.preventDefault();
  event.stopPropagation();
}

function showMatrix(session, { name, values, cells: looks }, cells) {
  const chosen = keyOf(...session.state.chosen);
  looks.forEach((line, row) => line.forEach(({ fill, ink, text }, column) => {
    const key = keyOf(name, row, column);
    const node = cells[key];
    if (node.textContent !== text) node.textContent = text;
    node.style.background = fill;
    node.style.color = ink;
    node.setAttribute("aria-label", `${name}[${row}, ${column}] = ${number(values[row][column])}`);
    node.setAttribute("aria-pressed", key === chosen);
    const enters = session.state.chosen[0] === name ? key === chosen : row === 0 && column === 0;
    node.tabIndex = enters ? 0 : -1;
  }));
}
