// The buttons and settings of the training, and where it stands, in words.

import { numberSelect } from "../frontend/controls.js";
import { element } from "../frontend/elements.js";
import { optimizerSelect } from "../frontend/optimizer_select.js";
import { trainingButtons } from "../frontend/training_controls.js";

const RATE_CHOICES = [0.00001, 0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1];
const BATCH_CHOICES = [1, 8, 16, 32, 64, 128];
const PENALTY_CHOICES = [0, 0.00001, 0.0001, 0.0003, 0.001, 0.003, 0.01, 0.1];

export function playButtons(session) {
  const label = () => (session.facts.step ? "Train on" : "Train");
  return trainingButtons(session, { label, restart: "Start anew", isOff: () => !session.facts.network });
}

// What the training is doing now.
export function trainingState(session) {
  const light = element("span", { class: "light", "aria-hidden": "true" });
  const words = element("span", {});
  const count = element("span", { class: "counter" });
  const node = element("p", { class: "state" }, light, words, count);
  const update = () => {
    const { network, running, step, epoch, rate, trouble } = session.facts;
    const [kind, text] = !network ? ["off", "Nothing to train"]
      : trouble ? ["off", "Stopped"]
      : running ? ["on", "Training"]
      : step ? ["paused", "Paused: Train on goes on from here"] : ["paused", "Not trained yet"];
    if (node.dataset.state !== kind) node.dataset.state = kind;
    if (words.textContent !== text) words.textContent = text;
    const speed = running && rate ? ` · ${rate < 10 ? rate.toFixed(1) : Math.round(rate)} updates a second` : "";
    count.textContent = network ? `update ${step.toLocaleString("en")} · epoch ${epoch.toFixed(2)}${speed}` : "";
  };
  return { node, update };
}

export const trainingSettings = (session) => [
  optimizerSelect(session, session.setup.rules),
  numberSelect(session, "Learning rate", RATE_CHOICES, "learning_rate"),
  numberSelect(session, "Batch size", BATCH_CHOICES, "batch_size"),
  numberSelect(session, "L2 penalty", PENALTY_CHOICES, "regularization"),
];
