// The loss in one line, and its curve over the steps.

import { element, number, svgElement } from "../frontend/elements.js";

const WIDTH = 300;
const HEIGHT = 96;

export function lossReadout(session) {
  const total = element("b", {});
  const terms = element("span", {});
  const right = element("p", { class: "right" });
  const node = element("section", { class: "totals", "aria-label": "Loss" },
    element("p", {}, "Loss ", total, terms), right);
  const update = () => {
    const { results } = session;
    total.textContent = results ? number(results.data_loss + results.penalty, 3) : "–";
    terms.textContent = results ? ` = data ${number(results.data_loss, 3)} + λΣW² ${number(results.penalty, 3)}` : "";
    right.textContent = results
      ? `${results.right.filter(Boolean).length} of ${results.right.length} points right`
      : "No points: click into the plane to add some.";
  };
  return { node, update };
}

export function lossCurve(session) {
  const line = svgElement("polyline", { class: "line" });
  const axis = svgElement("path", { class: "axis", d: `M0.5 0V${HEIGHT - 0.5}H${WIDTH}` });
  const svg = svgElement("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", preserveAspectRatio: "none" });
  svg.append(axis, line);
  const caption = element("p", { class: "hint" });
  const node = element("section", { class: "curve", "aria-label": "Loss curve" }, svg, caption);
  const update = () => {
    const { curve } = session.state;
    const most = Math.max(1e-9, ...curve);
    const place = (loss, i) => `${(i * WIDTH) / Math.max(curve.length - 1, 1)},${HEIGHT - (loss / most) * (HEIGHT - 4)}`;
    line.setAttribute("points", curve.length > 1 ? curve.map(place).join(" ") : "");
    caption.textContent = curve.length > 1
      ? `Loss over ${curve.length - 1} steps: ${number(curve[0], 3)} → ${number(curve.at(-1), 3)} (top: ${number(most, 2)}, bottom: 0)`
      : "The loss curve: press Step or Run.";
    svg.setAttribute("aria-label", caption.textContent);
  };
  return { node, update };
}
