// The formula behind one number, with its numbers, and what the colours mean.

import { element } from "../frontend/elements.js";

export function formulaPanel(session) {
  const node = element("section", { class: "story", "aria-label": "The number" });
  let told = null;
  const update = () => {
    const { scene, story } = session;
    if (!scene || !story) return;
    const place = session.focus;
    const cell = place && scene.cells.find(({ kind, t, unit }) => kind === place.kind && t === place.t && unit === place.unit);
    const known = !cell || session.position >= cell.at;
    const returned = cell ? session.position >= cell.back : session.position >= scene.last / 2;
    const text = JSON.stringify([story, known, returned]);
    if (text === told) return;
    told = text;
    const parts = [element("p", { class: "title" }, story.title)];
    if (!known) parts.push(element("p", { class: "hint" }, "Not computed yet: step on."));
    else parts.push(...story.lines.map((line) => element("p", {}, ...line.map(piece))));
    if (known && returned) parts.push(...story.back.map((line) => element("p", { class: "backward" }, line)));
    if (story.note) parts.push(element("p", { class: "hint" }, story.note));
    node.replaceChildren(...parts);
  };
  return { node, update };
}

const piece = ([text, weight]) => (weight ? element("span", { class: "of", "data-weight": weight, title: weight }, text) : text);

export function unrolledLegend(session) {
  const { negative, zero, positive } = session.setup.signs;
  const scale = element("span", { class: "scale", style: `background: linear-gradient(90deg, ${negative}, ${zero}, ${positive})` });
  const limit = session.setup.weight_range;
  return element("p", { class: "legend" }, element("span", {}, "−1 ", scale, " 1"), element("span", {}, `(weights: −${limit} to ${limit})`),
    element("span", { class: "forward" }, "green: computed now"),
    element("span", { class: "backward" }, "red: gradients ∂L/∂…, lines as wide as their logarithm"));
}
