// Surface, schedule, noise and steps; and the buttons that play.

import { button, onlyIf, select, slider } from "../frontend/controls.js";
import { element, number, uniqueId } from "../frontend/elements.js";

// A slider for an entry of the state; `steps` is how fine it is, and with `ratio` equal steps multiply.
function entrySlider(session, title, name, { step = 1, ratio = false, format = String } = {}) {
  const range = session.setup.ranges[name];
  const read = () => session.state[name];
  const change = (value) => session.edit({ [name]: value }, { step: name, draft: true });
  if (!ratio) return slider(title, range, step, read, change, () => session.rest(), format);
  const ends = range.map((end) => Math.round(40 * Math.log10(end)));
  const write = (at) => change(Number((10 ** (at / 40)).toPrecision(2)));
  return slider(title, ends, 1, () => Math.round(40 * Math.log10(read())), write, () => session.rest(), () => format(read()));
}

export function surfaceSettings(session) {
  const isBowl = () => session.state.surface === "bowl";
  return [
    select("Surface", session.setup.surfaces, () => session.state.surface, (surface) => session.choose({ surface })),
    onlyIf(isBowl, entrySlider(session, "Condition", "condition", { ratio: true })),
    onlyIf(isBowl, entrySlider(session, "Turned by", "angle", { step: 5, format: (value) => `${value}°` })),
    onlyIf(() => session.state.surface === "own" || session.refused, expressionField(session)),
    curvatureText(session),
  ];
}

function curvatureText(session) {
  const node = element("p", { class: "readout" });
  const update = () => {
    const [low, high] = session.race?.curvature ?? [];
    if (!Number.isFinite(high)) return void (node.textContent = "");
    const text = (value) => (Math.abs(value) >= 1e4 ? value.toExponential(1) : String(Number(value.toPrecision(3)))).replace("-", "−");
    const rate = high > 0 ? ` A bowl as curved as that: SGD is stable below 2 / ${text(high)} = ${text(2 / high)}.` : "";
    const words = `Curvature at the start: ${text(low)} to ${text(high)}.${rate}`;
    if (node.textContent !== words) node.textContent = words;
  };
  return { node, update };
}

// A surface of one's own; what cannot be read stays in the box, with the place marked below.
function expressionField(session) {
  const box = element("textarea", { rows: 2, spellcheck: "false", autocapitalize: "off", "aria-label": "f(x, y)", maxlength: 400 });
  const reason = element("p", {});
  const marked = element("pre", {});
  const refusal = element("div", { class: "error", role: "alert", hidden: true, id: uniqueId("refusal") }, reason, marked);
  box.setAttribute("aria-describedby", refusal.id);
  let shown = null;
  const apply = () => {
    const expression = box.value.trim();
    if (expression === session.state.expression && !session.refused) return;
    session.choose({ surface: "own", expression });
  };
  box.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.key === "Escape") box.value = session.state.expression;
    if (event.key !== "Enter" || event.shiftKey) return;
    event.preventDefault();
    apply();
  });
  const draw = element("button", { type: "button", title: "Race on this surface (Enter)", onclick: apply }, "Race on it");
  const update = () => {
    const { refused, state } = session;
    if (!refused && state.expression !== shown) box.value = shown = state.expression;
    box.setAttribute("aria-invalid", Boolean(refused));
    refusal.hidden = !refused;
    if (!refused) return;
    shown = null;
    const { text, start, end } = refused;
    reason.textContent = refused.reason;
    marked.replaceChildren(text.slice(0, start), element("mark", {}, text.slice(start, end) || " "), text.slice(end));
  };
  const label = element("label", { class: "select" }, element("span", {}, "f(x, y) ="), box);
  return { node: element("div", { class: "own" }, label, draw, refusal), update };
}

export function runSettings(session) {
  const is = (...kinds) => () => kinds.includes(session.state.schedule);
  const shuffle = button("New noise", "Draw other noise", () => session.edit({ seed: (session.state.seed + 1) % 2 ** 31 }));
  const [low, high] = session.setup.ranges.steps;
  return [
    select("Learning rate over time", session.setup.schedules, () => session.state.schedule, (schedule) => session.edit({ schedule })),
    onlyIf(is("step"), entrySlider(session, "Every", "every")),
    onlyIf(is("step"), entrySlider(session, "Times", "factor", { step: 0.05 })),
    onlyIf(is("inverse_time", "exponential"), entrySlider(session, "Decay", "decay", { ratio: true })),
    onlyIf(is("warm_up"), entrySlider(session, "Warm-up", "warm_up")),
    entrySlider(session, "Noise σ", "noise", { step: 0.1, format: (value) => number(value, 1) }),
    onlyIf(() => session.state.noise > 0, shuffle),
    slider("Steps", [low, high], 1, () => session.state.steps, (steps) => session.setSteps(steps), () => session.rest()),
  ];
}

export function stepper(session) {
  const at = (step) => () => {
    session.pause();
    session.go(step());
  };
  const first = button("|◀", "To the start (Home)", at(() => 0), () => session.position === 0);
  const back = button("◀", "One step back ([)", at(() => session.position - 1), () => session.position === 0);
  const play = button("Play", "Play or pause (Space)", () => session.play());
  const on = button("▶", "One step on (])", at(() => session.position + 1), () => session.position === session.last);
  const end = button("▶|", "To the end (End)", at(() => session.last), () => session.position === session.last);
  const parts = [first, back, play, on, end];
  for (const { node } of parts) node.setAttribute("aria-label", node.title);
  play.node.classList.add("play");
  const input = element("input", { type: "range", min: 0, step: 1, "aria-label": "Step" });
  input.addEventListener("input", () => {
    const step = Number(input.value); // pausing shows the present one again
    session.pause();
    session.go(step);
  });
  const where = element("output", {});
  const node = element("div", { class: "steps", role: "group", "aria-label": "Play" }, ...parts.map((part) => part.node), input, where);
  const update = () => {
    for (const part of parts) part.update();
    play.node.textContent = session.playing ? "Pause" : "Play";
    input.max = session.last;
    input.value = session.position;
    where.textContent = `${session.position} of ${session.last}`;
  };
  return { node, update };
}

export function mapButtons(session) {
  return [
    button("+", "Zoom in (+)", () => session.zoom(0.7)),
    button("−", "Zoom out (−)", () => session.zoom(1 / 0.7)),
    button("Whole map", "The whole surface (0)", () => session.fit()),
  ];
}
