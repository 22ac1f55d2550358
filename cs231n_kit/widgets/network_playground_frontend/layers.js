// Above each layer: its units, activation and initialisation.

import { button, select } from "../frontend/controls.js";
import { element } from "../frontend/elements.js";

const ACTIVATION_NAMES = [
  ["relu", "ReLU"],
  ["leaky_relu", "leaky ReLU"],
  ["elu", "ELU"],
  ["sigmoid", "sigmoid"],
  ["tanh", "tanh"],
  ["linear", "linear"],
];
const START_NAMES = [
  ["he_normal", "start: He"],
  ["inverse_sqrt", "start: 1/√n"],
  ["xavier_uniform", "start: Xavier"],
  ["small_normal", "start: small"],
  ["large_normal", "start: large"],
  ["zeros", "start: zeros"],
];

// The head of hidden layer 1, 2, ... or, behind the last one, of the scores.
export class LayerHead {
  constructor(session, layer) {
    this.session = session;
    this.index = layer - 1;
    const { most_units: most } = session.setup;
    const read = (name) => () => session.state.layers[this.index]?.[name];
    const write = (name) => (value) => this.change({ [name]: value });
    const add = (step) => () => this.change({ units: read("units")() + step });
    this.title = element("b", {});
    this.hidden = [
      button("−", `One unit less in layer ${layer}`, add(-1), () => read("units")() <= 1),
      button("+", `One unit more in layer ${layer}`, add(1), () => read("units")() >= most),
      button("×", `Remove layer ${layer}`, () => this.remove()),
    ];
    this.hidden.forEach(({ node }) => node.setAttribute("aria-label", node.title));
    this.activation = select(`Activation of layer ${layer}`, ACTIVATION_NAMES, read("activation"), write("activation"));
    this.start = select(`Initial weights of layer ${layer}`, START_NAMES, () => this.startNow(), (value) => this.setStart(value));
    const title = element("div", { class: "title" }, this.title, ...this.hidden.map(({ node }) => node));
    this.node = element("div", { class: "head" }, title, this.activation.node, this.start.node);
  }

  get isHidden() {
    return this.index < this.session.state.layers.length;
  }

  startNow() {
    const { layers, output_initialize } = this.session.state;
    return this.isHidden ? layers[this.index].initialize : output_initialize;
  }

  setStart(value) {
    if (this.isHidden) this.change({ initialize: value });
    else this.session.edit({ output_initialize: value });
  }

  change(entries) {
    const { layers } = this.session.state;
    this.session.edit({ layers: layers.map((layer, i) => (i === this.index ? { ...layer, ...entries } : layer)) });
  }

  remove() {
    this.session.edit({ layers: this.session.state.layers.filter((_, i) => i !== this.index) });
  }

  update() {
    const { isHidden } = this;
    this.title.textContent = isHidden ? `Layer ${this.index + 1}` : "Scores";
    for (const part of this.hidden) {
      part.node.hidden = !isHidden;
      if (isHidden) part.update();
    }
    this.activation.node.hidden = !isHidden;
    this.activation.update();
    this.start.update();
  }
}

export function addLayerButton(session) {
  const add = () => session.edit({ layers: [...session.state.layers, session.state.layers.at(-1) ?? session.setup.layer] });
  const isFull = () => session.state.layers.length >= session.setup.most_layers;
  return button("Add layer", "One more hidden layer, before the scores", add, isFull);
}
