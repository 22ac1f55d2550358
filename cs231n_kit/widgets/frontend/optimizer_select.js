// The update rule of a training, the entry `optimizer` of the state.

import { select } from "./controls.js";

const RULE_NAMES = {
  sgd: "SGD",
  sgd_momentum: "SGD with momentum",
  nesterov: "Nesterov momentum",
  adagrad: "AdaGrad",
  rmsprop: "RMSProp",
  adam: "Adam",
  adamw: "AdamW",
};

export function optimizerSelect(session, rules) {
  const options = rules.map((rule) => [rule, RULE_NAMES[rule] ?? rule]);
  return select("Optimizer", options, () => session.state.optimizer, (optimizer) => session.edit({ optimizer }));
}
