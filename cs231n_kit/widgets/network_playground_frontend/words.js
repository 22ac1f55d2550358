// What is said about the training: where it stands, and the unit that is looked at.

import { element, number } from "../frontend/elements.js";
import { weightText } from "./diagram.js";

export function counter(session) {
  const node = element("p", { class: "counter" });
  const update = () => {
    const { record, epoch } = session.facts;
    const text = `step ${record[0].toLocaleString("en")}, epoch ${epoch.toFixed(epoch < 10 ? 1 : 0)}`;
    if (node.textContent !== text) node.textContent = text;
  };
  return { node, update };
}

// Why training stopped, and layers that cannot learn any more.
export function warnings(session) {
  const node = element("div", { class: "error", role: "alert", hidden: true });
  const update = () => {
    const text = session.facts.trouble || deadLayer(session);
    node.hidden = !text;
    if (node.textContent !== text) node.textContent = text;
  };
  return { node, update };
}

function deadLayer(session) {
  if (!session.network) return "";
  const layer = session.state.layers.findIndex(({ units }, i) =>
    Array.from({ length: units }, (_, unit) => session.isDead(i + 1, unit)).every(Boolean));
  if (layer < 0) return "";
  return `Every unit of layer ${layer + 1} is dead: its ReLUs put out 0 for all training points, so no gradient comes through.`;
}

// The unit or weight under the pointer or the keyboard's focus, in numbers.
export function unitReadout(session) {
  const node = element("p", { class: "readout" });
  const update = () => {
    const { focus, network } = session;
    const text = !focus || !network
      ? "Point at a unit to see its output on the plane, at a line to see its weight."
      : "from" in focus ? weightText(session, focus) : unitText(session, focus);
    if (node.textContent !== text) node.textContent = text;
  };
  return { node, update };
}

function unitText(session, { layer, unit }) {
  const { low, high } = session.unitMap(layer, unit);
  const range = `${session.unitName(layer, unit)}: output from ${number(low)} to ${number(high)} on the plane`;
  if (layer === 0) return `${range}.`;
  const { weights, biases } = session.weightsInto(layer);
  const count = session.counts[layer];
  const incoming = Array.from({ length: session.counts[layer - 1] }, (_, from) => number(weights[from * count + unit]));
  const share = session.firing(layer, unit);
  const fires = share === undefined ? "" : `, above 0 for ${Math.round(100 * share)} % of the training points`;
  return `${range}${fires}. Weights ${incoming.join(", ")}; bias ${number(biases[unit])}.`;
}
