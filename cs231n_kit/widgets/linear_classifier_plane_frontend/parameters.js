// The nine numbers: dragged, typed or turned with the arrow keys, each above its gradient.

import { element, number, signed, swatch } from "../frontend/elements.js";

const PARAMETERS = ["w₁", "w₂", "b"];

export function parameterTable(session) {
  const cells = [0, 1, 2].map((label) => PARAMETERS.map((name, column) => parameterCell(session, label, column, name)));
  const head = ["class", ...PARAMETERS].map((name) => element("th", { scope: "col" }, name));
  const rows = cells.map((row, label) => {
    const name = element("th", { scope: "row" }, element("span", { class: "class" }, swatch(session.setup, label), `${label}`));
    return element("tr", {}, name, ...row.map((cell) => element("td", {}, cell.node)));
  });
  const note = element("p", { class: "hint" });
  const table = element("table", { class: "parameters" },
    element("caption", {}, "W and b, and below each its gradient"),
    element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...rows));
  const update = () => {
    cells.flat().forEach((cell) => cell.update());
    const { example } = session;
    note.textContent = example >= 0
      ? `In brackets: what point ${example + 1} adds to each gradient.`
      : "Rest on a row of the table below to see what that point adds.";
  };
  return { node: element("div", { class: "model" }, table, note), update };
}

function parameterCell(session, label, column, name) {
  const read = () => (column < 2 ? session.state.W[label][column] : session.state.b[label]);
  const input = element("input", {
    type: "text",
    inputmode: "decimal",
    role: "spinbutton",
    autocomplete: "off",
    "aria-label": `${name} of class ${label}`,
    title: "Drag left or right, type, or use the arrow keys (Shift: further)",
  });
  const slope = element("div", { class: "slope" });
  const part = element("div", { class: "part" });
  const write = (value, step, draft = false) => {
    const { limit } = session.setup;
    const kept = Math.round(Math.min(Math.max(value, -limit), limit) * 1e4) / 1e4;
    const W = session.state.W.map((row) => row.slice());
    const b = session.state.b.slice();
    if (column < 2) W[label][column] = kept;
    else b[label] = kept;
    session.edit({ W, b }, { step, draft });
  };
  const show = () => {
    input.value = number(read());
    input.setAttribute("aria-valuenow", read());
  };
  const typed = () => {
    const value = Number(input.value.replace("−", "-").replace(",", "."));
    const readable = input.value.trim() !== "" && Number.isFinite(value);
    if (readable && number(read()) !== number(value)) write(value, null);
    else if (readable && input.value !== number(read())) write(value, null);
    show();
  };
  input.addEventListener("change", typed);
  input.addEventListener("blur", show);
  input.addEventListener("keydown", (event) => {
    const way = { ArrowUp: 1, ArrowDown: -1 }[event.key];
    if (event.key === "Enter") typed();
    else if (way) write(read() + way * (event.shiftKey ? 1 : 0.1), `turn ${label} ${column}`);
    else return;
    if (way) show();
    event.preventDefault();
    event.stopPropagation();
  });
  dragSideways(input, {
    start: read,
    move: (value, stamp) => {
      write(value, `drag ${stamp}`, true);
      show();
    },
    end: () => session.rest(),
  });
  const update = () => {
    if (document.activeElement !== input || input.dataset.dragged) show();
    const { results, example } = session;
    slope.textContent = results ? signed(results.gradient[label][column], 3) : "";
    const added = results?.contributions[example]?.[label][column];
    part.textContent = added === undefined ? "\u00a0" : `(${signed(added, 3)})`;
  };
  return { node: element("div", { class: "parameter" }, input, slope, part), update };
}

// A number that follows the pointer sideways, a hundredth for each pixel; a press without movement edits the text.
function dragSideways(input, { start, move, end }) {
  let drag = null;
  input.addEventListener("pointerdown", (event) => {
    if (event.button === 0) drag = { id: event.pointerId, x: event.clientX, value: start(), stamp: event.timeStamp };
  });
  input.addEventListener("pointermove", (event) => {
    if (event.pointerId !== drag?.id) return;
    const across = event.clientX - drag.x;
    if (!drag.moved && Math.abs(across) < 4) return;
    if (!drag.moved) input.setPointerCapture(event.pointerId);
    drag.moved = true;
    input.dataset.dragged = "yes";
    event.preventDefault();
    window.getSelection().removeAllRanges();
    move(drag.value + across / 100, drag.stamp);
  });
  const stop = (event) => {
    if (event.pointerId !== drag?.id) return;
    if (drag.moved) end();
    delete input.dataset.dragged;
    drag = null;
  };
  input.addEventListener("pointerup", stop);
  input.addEventListener("pointercancel", stop);
}
