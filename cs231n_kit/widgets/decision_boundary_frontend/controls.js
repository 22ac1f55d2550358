// What sets the data and the classifier: choices, sliders and buttons.

import { element, number, swatch, uniqueId } from "./elements.js";

// One of a few values, all in view; the arrow keys move between them.
function choice(title, options, read, write) {
  const name = uniqueId("choice");
  const inputs = options.map(({ value, hint }) =>
    element("input", { type: "radio", name, value, "aria-label": hint ?? false, onchange: () => write(value) }),
  );
  const labels = options.map(({ text, hint }, i) => element("label", { title: hint ?? false }, inputs[i], text));
  const node = element("fieldset", { class: "choice" }, element("legend", {}, title), element("div", {}, ...labels));
  const update = () => {
    inputs.forEach((input, i) => (input.checked = options[i].value === read()));
    options.forEach(({ hidden }, i) => (labels[i].hidden = hidden?.() ?? false));
  };
  return { node, update };
}

function slider(title, range, step, read, write, rest) {
  const value = element("output", {});
  const [min, max] = range;
  const input = element("input", { type: "range", min, max, step, "aria-label": title });
  input.addEventListener("input", () => write(Number(input.value)));
  input.addEventListener("change", rest);
  const node = element("label", { class: "slider" }, element("span", {}, title), input, value);
  const update = () => {
    if (Number(input.value) !== read()) input.value = read();
    value.textContent = step < 1 ? number(read()) : read();
  };
  return { node, update };
}

export function dataControls(session) {
  const { setup } = session;
  const names = { blobs: "Blobs", circles: "Circles", spiral: "Spiral", moons: "Moons", xor: "XOR" };
  const presets = setup.presets.map((value) => ({ value, text: names[value] ?? value }));
  const [fewest, most] = setup.ranges.classes;
  const counts = Array.from({ length: most - fewest + 1 }, (_, i) => ({ value: fewest + i, text: `${fewest + i}` }));
  const draw = (change, options = {}) => {
    session.selected = -1;
    session.edit(change, { regenerate: true, ...options });
  };
  return [
    choice("Data", presets, () => session.state.preset, (preset) => draw({ preset })),
    choice("Classes", counts, () => session.state.classes, (classes) => draw({ classes })),
    slider("Noise", setup.ranges.noise, 0.01, () => session.state.noise,
      (noise) => draw({ noise }, { step: "noise", draft: true }), () => session.rest()),
  ];
}

export function classifierControls(session) {
  const { setup } = session;
  const controls = [];
  if (setup.controls.includes("k"))
    controls.push(slider("k", setup.ranges.k, 1, () => session.state.k,
      (k) => session.edit({ k }, { step: "k", draft: true }), () => session.rest()));
  if (setup.controls.includes("metric")) {
    const hints = { l1: "L1: sum of absolute differences", l2: "L2: Euclidean distance" };
    const metrics = setup.metrics.map((value) => ({ value, text: value.toUpperCase(), hint: hints[value] }));
    controls.push(choice("Distance", metrics, () => session.state.metric, (metric) => session.edit({ metric })));
  }
  const input = element("input", {
    type: "checkbox",
    onchange: () => session.edit({ show_confidence: input.checked }, { regions: false }),
  });
  const node = element("label", { class: "check" }, input, "Show confidence as shade");
  controls.push({ node, update: () => (input.checked = session.state.show_confidence) });
  return controls;
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

export function toolbar(session, plot, announce) {
  const button = (text, hint, act) => element("button", { type: "button", title: hint, onclick: act }, text);
  const undo = button("Undo", "Undo (Ctrl+Z)", () => session.undo());
  const redo = button("Redo", "Redo (Ctrl+Shift+Z)", () => session.redo());
  const remove = button("Remove", "Remove the selected point (Delete)", () => plot.removeSelected());
  const sample = button("New sample", "Draw new points from the same preset", () => {
    session.selected = -1;
    session.edit({ seed: (session.state.seed + 1) % 2 ** 31 }, { regenerate: true });
  });
  const reset = button("Reset", "Back to how the widget started", () => {
    session.selected = -1;
    session.edit(session.setup.initial);
  });
  const copied = element("input", { class: "copied", readonly: true, hidden: true, "aria-label": "State as text" });
  const copy = button("Copy state", "Copy the state as text; DecisionBoundary(state=...) shows it again", async () => {
    await session.settled();
    try {
      await navigator.clipboard.writeText(session.link);
      announce('State copied: paste it into DecisionBoundary(state="…")');
    } catch {
      // No clipboard without https: offer the text itself.
      Object.assign(copied, { hidden: false, value: session.link });
      copied.select();
      announce('Copy the marked text: DecisionBoundary(state="…") shows this state again');
    }
  });
  const node = element("div", { class: "toolbar", role: "group", "aria-label": "Edit" },
    undo, redo, remove, sample, reset, copy, copied);
  const update = () => {
    undo.disabled = !session.past.length;
    redo.disabled = !session.future.length;
    remove.disabled = session.selected < 0;
  };
  return { node, update };
}
