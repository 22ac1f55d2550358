// What each method loses on all points, and what one point has of it.

import { element, number, svgElement } from "../frontend/elements.js";
import { DASHES } from "./regression_plane.js";

const HEAD = ["", "(ŷ − y)²", "|ŷ − y|"];

function stroke(name, color) {
  const dashes = { stroke: color, "stroke-width": 4, "stroke-dasharray": DASHES[name].join(" ") };
  const line = svgElement("line", { x1: 1, x2: 29, y1: 6, y2: 6, ...dashes });
  return svgElement("svg", { viewBox: "0 0 30 12", class: "stroke", "aria-hidden": "true" }, line);
}

export function lossTable(session) {
  const rows = session.setup.methods.map(([name, title, color]) => {
    const cells = [...HEAD.slice(1), "share"].map(() => element("td", {}));
    const head = element("th", { scope: "row" }, stroke(name, color), title);
    return { name, cells, row: element("tr", {}, head, ...cells) };
  });
  const share = element("th", { scope: "col" });
  const head = [...HEAD.map((name) => element("th", { scope: "col" }, name)), share];
  const table = element("table", { class: "losses" },
    element("caption", {}, "Mean losses on these points; of all lines, each is best in its own"),
    element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...rows.map(({ row }) => row)));
  const formula = element("p", { class: "formula" });
  const empty = element("p", { class: "hint" }, "Two points that differ in x make a line: click into the plane.");
  const update = () => {
    const { results, state } = session;
    table.hidden = formula.hidden = !results;
    empty.hidden = Boolean(results);
    if (!results) return;
    const { example } = session;
    share.textContent = `point ${example + 1} has`;
    share.title = "its share of the loss that the method has minimised";
    rows.forEach(({ name, cells }) => {
      const [l2, l1] = results.losses[name];
      const part = results.shares[name in results.shares ? name : "bins"][example];
      cells[0].textContent = number(l2, 3);
      cells[1].textContent = number(l1, 3);
      cells[2].textContent = part === undefined ? "" : `${Math.round(100 * part)}%`;
    });
    const text = ([slope, intercept]) =>
      `${number(slope)} x ${intercept < 0 ? "−" : "+"} ${Math.abs(intercept).toFixed(2)}`;
    formula.textContent = `L2: y = ${text(results.lines.l2)} · L1: y = ${text(results.lines.l1)} · ${state.points.length} points`;
  };
  return { node: element("div", { class: "model" }, table, formula, empty), update };
}
