// What is said: where training stands, the diagnosis, and the numbers of a layer.

import { element } from "../frontend/elements.js";
import { brief, percent } from "./canvases.js";

export function counter(session) {
  const node = element("p", { class: "counter" });
  const update = () => {
    const { record } = session.frame ?? { record: [0, null, null] };
    const right = record[2] === null ? "–" : percent(record[2]);
    const text = `step ${record[0].toLocaleString("en")}, loss ${brief(record[1], 3)}, ${right} right`;
    if (node.textContent !== text) node.textContent = text;
  };
  return { node, update };
}

// Python's sentences about what is to be seen.
export function diagnosis(session) {
  const node = element("div", { class: "diagnosis", role: "region", "aria-label": "Diagnosis" });
  let shown = "";
  const update = () => {
    const { sentences, tone } = session.frame ?? { sentences: [], tone: "fair" };
    node.dataset.tone = tone;
    if (shown === sentences.join()) return;
    shown = sentences.join();
    node.replaceChildren(...sentences.map((sentence) => element("p", {}, sentence)));
  };
  return { node, update };
}

export function readout(session) {
  const node = element("p", { class: "readout" });
  const update = () => {
    const told = session.layers[session.shown] ? layerText(session, session.shown)
      : "Point at a layer, or choose one with the arrow keys, to read its numbers.";
    if (node.textContent !== told) node.textContent = told;
  };
  return { node, update };
}

export function layerText(session, index) {
  const layer = session.layers[index];
  const name = layer.name[0].toUpperCase() + layer.name.slice(1);
  if (layer.std === null) return `${name}: overflow, the values are infinite or no numbers.`;
  const parts = [`${name}: mean ${brief(layer.mean)}, standard deviation ${brief(layer.std)}, between inputs ${brief(layer.spread)}`];
  const { width, activation } = session.state;
  if (layer.flat !== null) {
    const what = activation === "relu" ? ["of the outputs are 0", "units dead"] : ["of the outputs are saturated", "units for every input"];
    parts.push(`${percent(layer.flat)} ${what[0]}, ${Math.round(layer.stuck * width)} of ${width} ${what[1]}`);
  }
  if (index && index < session.layers.length - 1) parts.push(`${layer.distinct} of ${width} units distinct`);
  const gradients = layer.gradient_std === null
    ? "No gradients: there is no finite loss."
    : `Gradients: mean ${brief(layer.gradient_mean)}, standard deviation ${brief(layer.gradient_std)}`;
  const weights = layer.weight_gradient === null ? "" : `; of the weights into it: norm ${brief(layer.weight_gradient)}`;
  return `${parts.join("; ")}. ${gradients}${weights}${layer.gradient_std === null ? "" : "."}`;
}
