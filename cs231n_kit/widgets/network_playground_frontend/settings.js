// What is trained on, and how.

import { checkbox, numberSelect, onlyIf, slider } from "../frontend/controls.js";
import { optimizerSelect } from "../frontend/optimizer_select.js";
import { classesControl, noiseControl, presetControl } from "../frontend/plane_controls.js";

const RATE_CHOICES = [0.00001, 0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100];
const PENALTY_CHOICES = [0, 0.0001, 0.0003, 0.001, 0.003, 0.005, 0.01, 0.02, 0.05, 0.1, 0.3, 1];
const BATCH_CHOICES = [1, 2, 4, 8, 16, 32, 64, 128, 500];

export function dataSettings(session) {
  const write = (test_share) => session.edit({ test_share }, { step: "share", draft: true, omit: ["test"] });
  return [
    presetControl(session),
    classesControl(session),
    onlyIf(() => session.state.preset !== "own", noiseControl(session)),
    slider("Test", session.setup.ranges.test_share, 0.05, () => session.state.test_share, write, () => session.rest(),
      (share) => `${Math.round(100 * share)} %`),
  ];
}

export function trainingSettings(session) {
  const drop = (dropout) => session.edit({ dropout }, { step: "dropout", draft: true });
  const shade = (show_confidence) => session.edit({ show_confidence }, { parts: [] });
  return [
    optimizerSelect(session, session.setup.choices.optimizer),
    numberSelect(session, "Learning rate", RATE_CHOICES, "learning_rate"),
    numberSelect(session, "Batch size", BATCH_CHOICES, "batch_size"),
    numberSelect(session, "L1", PENALTY_CHOICES, "l1"),
    numberSelect(session, "L2", PENALTY_CHOICES, "l2"),
    slider("Dropout", session.setup.ranges.dropout, 0.05, () => session.state.dropout, drop, () => session.rest(),
      (share) => `${Math.round(100 * share)} %`),
    checkbox("Show confidence as shade", () => session.state.show_confidence, shade),
  ];
}
