// The buttons, the pace and the keys of a training (see training_session.js), and the view that ends with it.

import { button, choice } from "./controls.js";
import { element } from "./elements.js";
import { View } from "./view.js";

// `label` is called for the word on the button that plays; `seed` is the entry of the state that the first weights are
// drawn from; `isOff` says whether there is nothing to train.
export function trainingButtons(session, { label, restart = "Restart", seed = "seed", isOff }) {
  const play = button(label(), "Train on and on (Space)", () => session.toggle(), isOff);
  play.node.classList.add("play");
  const update = () => {
    play.update();
    play.node.textContent = session.running ? "Pause" : label();
  };
  const newWeights = () => session.editAndRestart({ [seed]: (session.state[seed] + 1) % 2 ** 31 });
  return [
    { node: play.node, update },
    button("Step", "One update (S)", () => session.command("step"), isOff),
    button(restart, "Begin again with the same first weights (R)", () => session.command("restart"), isOff),
    button("New weights", "Begin again with other first weights", newWeights, isOff),
  ];
}

// `rates` are steps a second, slow and medium.
export function paceControl(session, rates) {
  const hints = { slow: `${rates.slow} steps a second`, medium: `${rates.medium} steps a second`, fast: "as many steps as the machine can" };
  const paces = session.setup.choices.pace.map((value) => ({ value, text: value, hint: hints[value] }));
  return choice("Pace", paces, () => session.state.pace, (pace) => session.edit({ pace }, { parts: [] }));
}

// Why training stopped; `isToldElsewhere` says whether that is explained in another place.
export function troubleText(session, isToldElsewhere = () => false) {
  const node = element("div", { class: "error trouble", role: "alert", hidden: true });
  const update = () => {
    const { trouble } = session.facts;
    node.hidden = !trouble || isToldElsewhere();
    if (node.textContent !== trouble) node.textContent = trouble;
  };
  return { node, update };
}

// Does what a pressed key asks of the training; returns whether it was one of its keys.
export function trainingKey(session, event) {
  const key = event.key.toLowerCase();
  if (![" ", "s", "r"].includes(key) || event.ctrlKey || event.metaKey || event.altKey) return false;
  if (key === " ") session.toggle();
  else session.command(key === "s" ? "step" : "restart");
  event.preventDefault();
  event.stopPropagation();
  return true;
}

// Python stops training when the last picture has gone from the page.
export class TrainingView extends View {
  remove() {
    super.remove();
    if (!this.session.views.size) this.session.model.send({ type: "gone" });
  }
}
