// What is trained on, and how.

import { button, checkbox, choice, numberSelect, slider } from "../frontend/controls.js";
import { optimizerSelect } from "../frontend/optimizer_select.js";
import { classesControl, noiseControl, presetControl } from "../frontend/plane_controls.js";

const RATE_CHOICES = [0.00001, 0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100];
const PENALTY_CHOICES = [0, 0.0001, 0.0003, 0.001, 0.003, 0.005, 0.01, 0.02, 0.05, 0.1, 0.3, 1];
const BATCH_CHOICES = [1, 2, 4, 8, 16, 32, 64, 128, 500];

const unlessOwn = (session, control) => ({
  node: control.node,
  update: () => {
    control.node.hidden = session.state.preset === "own";
    control.update();
  },
});

export function dataSettings(session) {
  const write = (test_share) => session.edit({ test_share }, { step: "share", draft: true, omit: ["test"] });
  return [
    presetControl(session),
    classesControl(session),
    unlessOwn(session, noiseControl(session)),
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

export function paceControl(session) {
  const hints = { slow: "5 steps a second", medium: "100 steps a second", fast: "as many steps as the machine can" };
  const paces = session.setup.choices.pace.map((value) => ({ value, text: value, hint: hints[value] }));
  return choice("Pace", paces, () => session.state.pace, (pace) => session.edit({ pace }, { parts: [] }));
}

export function playButtons(session) {
  const play = button("Play", "Train on and on (Space)", () => session.toggle());
  play.node.classList.add("play");
  const update = () => (play.node.textContent = session.running ? "Pause" : "Play");
  const newWeights = () => {
    session.commanded = "restart";
    const network_seed = (session.state.network_seed + 1) % 2 ** 31;
    session.edit({ network_seed }, { parts: ["command", "frame"] });
  };
  return [
    { node: play.node, update },
    button("Step", "One update (S)", () => session.command("step")),
    button("Restart", "Begin again with the same first weights (R)", () => session.command("restart")),
    button("New weights", "Begin again with other first weights", newWeights),
  ];
}
