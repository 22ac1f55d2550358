// The table of examples: what each scores and loses, and the gradient of its loss by its scores.

import { element, number, signed, swatch } from "../frontend/elements.js";

const FACTS = ["", "x₁", "x₂", "class", "s₀", "s₁", "s₂", "loss", "∂L/∂s₀", "∂L/∂s₁", "∂L/∂s₂"];

export function exampleTable(session) {
  const body = element("tbody", {});
  const head = FACTS.map((name) => element("th", { scope: "col" }, name));
  const table = element("table", {},
    element("caption", {}, "Every example: its scores, its loss, and how that loss changes with each score"),
    element("thead", {}, element("tr", {}, ...head)), body);
  const node = element("div", { class: "examples" }, table);
  const rows = [];
  const rest = (index) => {
    session.shown = index;
    session.notify();
  };
  const addRow = () => {
    const index = rows.length;
    const cells = FACTS.map(() => element("td", {}));
    const row = element("tr", {
      tabindex: "0",
      onpointerenter: () => rest(index),
      onpointerleave: () => rest(-1),
      onfocus: () => rest(index),
      onblur: () => rest(-1),
      onclick: () => {
        session.selected = index;
        session.notify();
      },
    }, ...cells);
    body.append(row);
    rows.push({ row, cells });
  };
  const update = () => {
    const { state, results, setup } = session;
    while (rows.length < state.points.length) addRow();
    while (rows.length > state.points.length) rows.pop().row.remove();
    if (session.shown >= rows.length) session.shown = -1;
    const most = Math.max(1e-9, ...(results?.losses ?? []));
    rows.forEach(({ row, cells }, index) => {
      const label = state.labels[index];
      row.classList.toggle("chosen", index === session.example);
      writeCell(cells[0], String(index + 1));
      state.points[index].forEach((value, i) => writeCell(cells[1 + i], number(value)));
      if (cells[3].dataset.label !== String(label)) {
        cells[3].dataset.label = label;
        cells[3].replaceChildren(swatch(setup, label), String(label));
      }
      if (index >= (results?.losses.length ?? 0)) return;
      results.scores[index].forEach((score, c) => {
        writeCell(cells[4 + c], number(score));
        cells[4 + c].classList.toggle("own", c === label);
      });
      const loss = results.losses[index];
      writeCell(cells[7], number(loss));
      cells[7].style.setProperty("--share", `${(100 * loss) / most}%`);
      row.classList.toggle("wrong", !results.right[index]);
      results.dscores[index].forEach((slope, c) => writeCell(cells[8 + c], slope ? signed(slope) : "0"));
    });
  };
  return { node, update };
}

function writeCell(cell, text) {
  if (cell.textContent !== text) cell.textContent = text;
}
