// The network, its inputs, and how it is trained.

import { choice, onlyIf, select, slider } from "../frontend/controls.js";
import { brief } from "./canvases.js";

const ACTIVATION_NAMES = {
  sigmoid: "Sigmoid",
  tanh: "Tanh",
  relu: "ReLU",
  leaky_relu: "Leaky ReLU",
  elu: "ELU",
  maxout: "Maxout of 2",
  none: "None",
};
const INITIALIZATION_NAMES = {
  zeros: "All zeros",
  constant: "One constant",
  small_normal: "Normal, any scale",
  inverse_sqrt: "Normal, 1/√n",
  he_normal: "Normal, √(2/n) (He)",
  xavier_uniform: "Uniform, Xavier/Glorot",
  sparse: "Sparse",
};
const SCALED = ["constant", "small_normal", "sparse"];

const named = (names, values) => values.map((name) => [name, names[name]]);

function entrySelect(session, title, entry, options) {
  return select(title, options, () => session.state[entry], (value) => session.edit({ [entry]: value }));
}

function entrySlider(session, title, entry, step) {
  const write = (value) => session.edit({ [entry]: value }, { step: entry });
  return slider(title, session.setup.ranges[entry], step, () => session.state[entry], write, () => session.rest());
}

// A slider whose steps are factors.
function logSlider(session, title, entry) {
  const range = session.setup.ranges[entry].map(Math.log10);
  const write = (power) => session.edit({ [entry]: Number((10 ** power).toPrecision(2)) }, { step: entry });
  return slider(title, range, 0.05, () => Math.log10(session.state[entry]), write, () => session.rest(),
    () => brief(session.state[entry]));
}

export function networkSettings(session) {
  const { choices } = session.setup;
  const normalizations = [["none", "none"], ["batch", "batch"], ["layer", "layer"]].map(([value, text]) => ({ value, text }));
  return [
    entrySelect(session, "Activation", "activation", named(ACTIVATION_NAMES, choices.activation)),
    entrySelect(session, "Weights", "initialize", named(INITIALIZATION_NAMES, choices.initialize)),
    onlyIf(() => SCALED.includes(session.state.initialize), logSlider(session, "Scale", "scale")),
    onlyIf(() => session.state.initialize === "sparse", entrySlider(session, "Inputs each", "connections", 1)),
    choice("Normalisation", normalizations, () => session.state.normalization, (normalization) => session.edit({ normalization })),
    entrySlider(session, "Depth", "depth", 1),
    entrySlider(session, "Width", "width", 10),
    entrySlider(session, "Bias", "bias", 0.05),
  ];
}

export function trainingSettings(session) {
  const { setup } = session;
  const labels = [{ value: "data", text: "of the data" }, { value: "random", text: "random" }];
  const axes = [{ value: "shared", text: "shared" }, { value: "own", text: "each its own" }];
  const own = () => session.state.inputs.startsWith("own");
  const inputs = (name) => {
    const unlabelled = name.startsWith("own") && !setup.labelled;
    session.edit({ inputs: name, ...(unlabelled ? { labels: "random" } : {}) });
  };
  return [
    select("Inputs", setup.inputs, () => session.state.inputs, inputs),
    onlyIf(() => setup.labelled || !own(), choice("Labels", labels, () => session.state.labels, (value) => session.edit({ labels: value }))),
    logSlider(session, "Rate", "learning_rate"),
    choice("Axis of histograms", axes, () => session.state.axis, (axis) => session.edit({ axis })),
  ];
}
