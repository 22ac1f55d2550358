// Controls of a PlaneSession: where its points come from, and what a click adds.

import { button, choice, slider } from "./controls.js";
import { element, swatch } from "./elements.js";

const PRESET_NAMES = {
  blobs: "Blobs", circles: "Circles", spiral: "Spiral", moons: "Moons", xor: "XOR",
  line: "Line", outlier: "Outlier", branches: "Two answers",
};

export function presetControl(session) {
  const presets = session.setup.presets.map((value) => ({ value, text: PRESET_NAMES[value] ?? value }));
  return choice("Data", presets, () => session.state.preset, (preset) => session.regenerate({ preset }));
}

export function classesControl(session) {
  const [fewest, most] = session.setup.ranges.classes;
  const counts = Array.from({ length: most - fewest + 1 }, (_, i) => ({ value: fewest + i, text: `${fewest + i}` }));
  return choice("Classes", counts, () => session.state.classes, (classes) => session.regenerate({ classes }));
}

export function noiseControl(session) {
  const write = (noise) => session.regenerate({ noise }, { step: "noise", draft: true });
  return slider("Noise", session.setup.ranges.noise, 0.01, () => session.state.noise, write, () => session.rest());
}

export function brushControl(session) {
  const { setup } = session;
  const options = setup.colors.map((_, label) => {
    const text = element("span", {}, swatch(setup, label), String(label));
    const hint = `New points get class ${label} (key ${label + 1})`;
    return { value: label, text, hint, hidden: () => label >= session.state.classes };
  });
  const write = (label) => {
    session.brush = label;
    session.notify();
  };
  const control = choice("Click adds a point of class", options, () => session.brush, write);
  control.node.classList.add("brush");
  return control;
}

export const removeButton = (session, plane) =>
  button("Remove", "Remove the selected point (Delete)", () => plane.removeSelected(), () => session.selected < 0);

export const sampleButton = (session) =>
  button("New sample", "Draw new points from the same preset", () =>
    session.regenerate({ seed: (session.state.seed + 1) % 2 ** 31 }),
  );
