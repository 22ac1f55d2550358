// What the network writes after a beginning that one types, and which characters it expects next.

import { button, numberSelect, select, slider } from "../frontend/controls.js";
import { element, number } from "../frontend/elements.js";

const SIGNS = { "\n": "↵", " ": "␣", "\t": "⇥" };
const visible = (character) => SIGNS[character] ?? character;

// The beginning, the temperature, and another draw.
export function writingControls(session) {
  const box = element("input", { type: "text", class: "prefix", spellcheck: "false", autocapitalize: "off",
    autocomplete: "off", maxlength: session.setup.longest_prefix, "aria-label": "It goes on after" });
  let shown = null;
  box.addEventListener("keydown", (event) => event.stopPropagation());
  box.addEventListener("input", () => session.edit({ prefix: (shown = box.value) }, { step: "prefix" }));
  box.addEventListener("change", () => session.rest());
  const problem = element("p", { class: "hint problem", role: "status" });
  const write = (temperature) => session.edit({ temperature }, { step: "temperature", draft: true });
  const heat = slider("Temperature", [0, 2], 0.05, () => session.state.temperature, write, () => session.rest());
  const again = button("Write again", "Draw other letters from the same probabilities", () => session.edit({ draw: session.state.draw + 1 }));
  const row = element("div", { class: "writing-controls" },
    element("label", { class: "select" }, element("span", {}, "It goes on after"), box), heat.node, again.node);
  const update = () => {
    heat.update();
    if (session.state.prefix !== shown) box.value = shown = session.state.prefix;
    const words = session.facts.prefix_problem;
    if (problem.textContent !== words) problem.textContent = words;
    problem.hidden = !words;
  };
  return { node: element("div", {}, row, problem), update };
}

export function unitControl(session) {
  const read = () => session.state.unit;
  let built = null;
  let control;
  const node = element("div", {});
  const update = () => {
    if (built !== session.state.units) {
      built = session.state.units;
      const options = [[-1, "no unit"], ...Array.from({ length: built }, (_, unit) => [unit, `unit ${unit}`])];
      control = select("Colour the letters by", options, read, (unit) => session.edit({ unit }));
      control.node.querySelector("select").setAttribute("data-lm-suppress-shortcuts", "true");
      node.replaceChildren(control.node);
    }
    control.update();
  };
  return { node, update };
}

// The sample: what was read is bold, and each letter stands on the colour of the unit's state after it.
export function sample(session) {
  const node = element("div", { class: "sample", role: "img" });
  const legend = element("p", { class: "hint legend" });
  let told = null;
  const update = () => {
    const { prefix, written } = session.facts;
    const { activations, setup } = session;
    const key = `${prefix}|${written}|${activations ? activations.join() : ""}`;
    if (key === told) return;
    told = key;
    const letters = [...(prefix + written)];
    const begins = [...prefix].length;
    node.setAttribute("aria-label", `After “${prefix}” it writes: ${written}`);
    node.classList.toggle("colored", Boolean(activations));
    if (!activations) node.replaceChildren(element("b", {}, prefix), written);
    else node.replaceChildren(...letters.map((letter, i) => {
      const span = element(i < begins ? "b" : "span", {}, letter);
      const share = Math.min(Math.abs(activations[i]) / 127, 1);
      const color = activations[i] < 0 ? setup.signs.negative : setup.signs.positive;
      span.style.background = `color-mix(in srgb, ${color} ${Math.round(62 * share)}%, #f7f7f7)`;
      return span;
    }));
    legend.textContent = activations ? "Red: the unit's state is above 0 after the letter; blue: below." : "";
    legend.hidden = !activations;
  };
  return { node: element("div", {}, node, legend), update };
}

// Bars of the likeliest next characters.
export function expectedBars(session) {
  const title = element("p", { class: "title" });
  const bars = element("div", { class: "bars" });
  let told = null;
  const update = () => {
    const { expected, prefix } = session.facts;
    const key = JSON.stringify([expected, prefix]);
    if (key === told) return;
    told = key;
    const end = [...prefix].slice(-12).map(visible).join("");
    title.textContent = `Next after “${end}”, at temperature 1`;
    bars.replaceChildren(...expected.map(([character, share]) => {
      const fill = element("span", { class: "fill" });
      fill.style.width = `${100 * share}%`;
      return element("div", { class: "guess" }, element("span", { class: "class" }, visible(character)),
        element("span", { class: "track" }, fill), element("span", { class: "value" }, `${number(100 * share, 1)} %`));
    }));
  };
  return { node: element("div", { class: "expected" }, title, bars), update };
}

const UNIT_CHOICES = [4, 8, 16, 32, 64, 96, 128];
const LENGTH_CHOICES = [5, 10, 25, 50, 100];
const BATCH_CHOICES = [1, 4, 8, 16, 32];
const RATE_CHOICES = [0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 2];
const CLIP_CHOICES = [0, 0.1, 0.25, 0.5, 1, 5];

export const networkSettings = (session) => [
  select("Network", session.setup.cells.map((cell) => [cell, cell]), () => session.state.cell, (cell) => session.edit({ cell })),
  numberSelect(session, "Units", UNIT_CHOICES, "units"),
  numberSelect(session, "Letters in a piece", LENGTH_CHOICES, "length"),
  numberSelect(session, "Batch size", BATCH_CHOICES, "batch_size"),
  numberSelect(session, "Learning rate", RATE_CHOICES, "learning_rate"),
  numberSelect(session, "Clip norm (0: off)", CLIP_CHOICES, "clip_norm"),
];
