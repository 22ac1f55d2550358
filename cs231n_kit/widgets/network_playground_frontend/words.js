// What is said about the training: where it stands, the lesson, the unit that is looked at, and the program.

import { button, select } from "../frontend/controls.js";
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

export function lessonControl(session) {
  const { lessons } = session.setup;
  const options = [["", "Choose one …"], ...lessons.map(({ name, title }) => [name, title])];
  const control = select("Things to see", options, () => session.state.lesson, (name) => name && session.study(name));
  const text = element("p", { class: "text", role: "status" });
  const update = () => {
    control.update();
    const lesson = lessons.find(({ name }) => name === session.state.lesson);
    const words = lesson?.text ?? "";
    if (text.textContent !== words) text.textContent = words;
  };
  return { node: element("div", { class: "lesson" }, control.node, text), update };
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

// The kit's code that makes the same network; it is asked for while the panel is open and nothing runs.
export function codePanel(session, announce) {
  const source = element("pre", { tabindex: "0", "aria-label": "Program" });
  const copy = button("Copy the code", "Copy the program", async () => {
    try {
      await navigator.clipboard.writeText(session.code);
      announce("Program copied");
    } catch {
      getSelection().selectAllChildren(source); // no clipboard without https
      announce("Copy the marked program");
    }
  });
  const hint = element("p", { class: "hint" });
  const node = element("details", { class: "code", ontoggle: () => update() },
    element("summary", {}, "Show me the code"), hint, source, copy.node);
  let asked = "";
  const update = () => {
    if (!node.open) return;
    hint.textContent = session.running
      ? "Pause to see the program up to this step."
      : "This program makes the same data and network, and trains it to the same numbers.";
    if (source.textContent !== session.code) source.textContent = session.code;
    const wanted = `${session.facts.record[0]} ${JSON.stringify(session.state)}`;
    if (session.running || session.inFlight || wanted === asked) return;
    asked = wanted;
    session.ask({ parts: ["code"] });
  };
  return { node, update };
}
