// The optimizers: which run, their learning rates and other settings, how far they are, and how they fare.

import { element, swatch } from "../frontend/elements.js";
import { lossText } from "./race_curves.js";

const PER_DECADE = 20; // positions of the learning rate's slider
const LABELS = { learning_rate: "rate", momentum: "momentum", decay_rate: "decay", beta1: "β₁", beta2: "β₂" };

export function racerTable(session) {
  const rows = Object.keys(session.setup.titles).map((name) => racerRow(session, name));
  const node = element("section", { class: "racers", "aria-label": "Optimizers" }, ...rows.map((row) => row.node));
  return { node, update: () => rows.forEach((row) => row.update()) };
}

function racerRow(session, name) {
  const { setup } = session;
  const title = setup.titles[name];
  const check = element("input", { type: "checkbox", "aria-label": `${title} runs`, onchange: () => {
    const racers = Object.keys(setup.titles).filter((other) => (other === name ? check.checked : session.state.racers.includes(other)));
    session.edit({ racers });
  } });
  const head = element("label", { class: "check" }, check, swatch(setup, session.mark(name)), element("b", {}, title));
  const rate = rateSlider(session, name, title);
  const fields = Object.keys(session.state.settings[name]).map((key) => settingField(session, name, title, key));
  const loss = element("output", { class: "loss" });
  const verdict = element("p", { class: "verdict" });
  const node = element("div", { class: "racer" }, head, loss, rate.node, ...fields.map((field) => field.node), verdict);
  const update = () => {
    const k = session.race ? session.race.names.indexOf(name) : -1;
    const runs = session.state.racers.includes(name);
    check.checked = runs;
    node.classList.toggle("off", !runs);
    rate.update();
    fields.forEach((field) => field.update());
    loss.textContent = k >= 0 && runs ? lossText(session, k) : "";
    const said = k >= 0 && runs ? session.race.verdicts[k] : null;
    const text = said ? `${said.text}.` : "";
    if (verdict.textContent !== text) verdict.textContent = text;
    verdict.className = `verdict ${said?.kind ?? ""}`;
  };
  return { node, update };
}

function rateSlider(session, name, title) {
  const [low, high] = session.setup.ranges.learning_rate.map(Math.log10);
  const read = () => session.state.settings[name].learning_rate;
  const input = element("input", { type: "range", min: Math.round(low * PER_DECADE), max: Math.round(high * PER_DECADE), step: 1,
    "aria-label": `Learning rate of ${title}` });
  input.addEventListener("input", () =>
    session.set(name, "learning_rate", Number((10 ** (input.value / PER_DECADE)).toPrecision(2)), `rate ${name}`));
  input.addEventListener("change", () => session.rest());
  const update = () => {
    const at = String(Math.round(Math.log10(read()) * PER_DECADE));
    if (input.value !== at) input.value = at;
    input.setAttribute("aria-valuetext", String(read()));
  };
  return { node: input, update };
}

// A number to type or to turn with the arrow keys.
function settingField(session, name, title, key) {
  const [low, high] = session.setup.ranges[key];
  const read = () => session.state.settings[name][key];
  const step = key === "learning_rate" ? "any" : key === "beta2" ? 0.001 : 0.01;
  const input = element("input", { type: "number", min: low, max: high, step, "aria-label": `${LABELS[key]} of ${title}` });
  input.addEventListener("input", () => {
    const value = input.valueAsNumber;
    const fits = value >= low && value <= high;
    input.setAttribute("aria-invalid", !fits);
    input.title = fits ? "" : `from ${low} to ${high}`;
    if (fits && value !== read()) session.set(name, key, value, `type ${name} ${key}`);
  });
  input.addEventListener("keydown", (event) => {
    event.stopPropagation();
    const way = { ArrowUp: 1, ArrowDown: -1 }[event.key];
    if (!way || key !== "learning_rate") return;
    event.preventDefault();
    const value = Number((read() * 10 ** (way / PER_DECADE)).toPrecision(2));
    session.set(name, key, Math.min(Math.max(value, low), high), `type ${name} ${key}`);
    input.value = read();
  });
  input.addEventListener("blur", () => {
    session.rest();
    input.value = read();
    input.setAttribute("aria-invalid", false);
  });
  const node = element("label", { class: "field" }, element("span", {}, LABELS[key]), input);
  const update = () => {
    if (document.activeElement !== input && Number(input.value) !== read()) input.value = read();
  };
  return { node, update };
}
