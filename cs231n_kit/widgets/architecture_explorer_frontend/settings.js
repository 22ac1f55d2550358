// Which networks are shown, by what blocks are sized, the measuring, and a network of one's own as text.

import { button, choice, select } from "../frontend/controls.js";
import { element, uniqueId } from "../frontend/elements.js";

const NONE = "";

export function networkSelects(session) {
  const { names } = session.setup;
  const first = select("Network", names.map((name) => [name, name]), () => session.state.shown[0],
    (name) => session.showNetworks([name, ...session.state.shown.slice(1)]));
  const second = select("Beside it", [[NONE, "none"], ...names.map((name) => [name, name])], () => session.state.shown[1] ?? NONE,
    (name) => session.showNetworks(name === NONE ? session.state.shown.slice(0, 1) : [session.state.shown[0], name]));
  return [first, second];
}

export const sizeChoice = (session) =>
  choice("Blocks sized by", session.setup.quantities.map(([value, text]) => ({ value, text })), () => session.state.size_by,
    (value) => session.edit({ size_by: value }));

// A button that measures, how far that is, and on what machine.
export function measuring(session) {
  const start = button("Measure", "Time every layer on this machine", () => session.measure("start"), () => session.measuring.running);
  const stop = button("Stop", "Stop measuring", () => session.measure("stop"));
  const bar = element("progress", { max: 1, "aria-label": "Measuring" });
  const words = element("span", { class: "hint", role: "status", "aria-live": "polite" });
  const node = element("div", { class: "measuring" }, start.node, stop.node, bar, words);
  const update = () => {
    const { running, words: progress, done, measured, runs } = session.measuring;
    node.hidden = session.state.size_by !== "time" && !running;
    start.update();
    stop.node.hidden = bar.hidden = !running;
    bar.value = done;
    const missing = session.state.shown.filter((name) => !measured.includes(name));
    start.node.textContent = missing.length ? "Measure" : "Measure again";
    start.node.classList.toggle("play", missing.length > 0);
    const machine = `on this machine (${session.setup.machine})`;
    const known = missing.length
      ? `${missing.join(" and ")}: not measured yet. That makes all parameters, then times forward passes of one image ${machine}.`
      : `Median of ${runs} forward passes of one image in mode “test”, ${machine}. What else runs meanwhile makes it slower.`;
    const text = running ? progress : [progress, known].filter(Boolean).join(" ");
    if (words.textContent !== text) words.textContent = text;
  };
  return { node, update };
}

// The text from which a network is built, shown while it is one of the networks.
export function textBox(session) {
  const text = element("input", { type: "text", class: "text", spellcheck: "false", autocapitalize: "off", autocomplete: "off",
    maxlength: 500, "aria-label": "Your own network as text" });
  const [least, most] = session.setup.sides;
  const side = element("input", { type: "number", class: "side", min: least, max: most, "aria-label": "Pixels along the side of its images" });
  const reason = element("p", {});
  const marked = element("pre", {});
  const kept = element("p", { class: "hint" });
  const refusal = element("div", { class: "error refusal", role: "alert", hidden: true, id: uniqueId("refusal") }, reason, marked, kept);
  text.setAttribute("aria-describedby", refusal.id);
  let shown = null;
  const apply = () => {
    const pixels = Math.round(Math.min(Math.max(Number(side.value) || session.state.side, least), most));
    const words = text.value.trim().replace(/\s+/g, " ");
    side.value = pixels;
    if (words !== session.state.text || pixels !== session.state.side) session.type(words, pixels);
  };
  for (const input of [text, side]) {
    input.addEventListener("keydown", (event) => {
      event.stopPropagation();
      if (event.key === "Enter") apply();
    });
    input.addEventListener("change", apply);
    input.addEventListener("blur", () => (shown = null));
  }
  const row = element("div", { class: "typing" }, text,
    element("label", { class: "sized" }, "for images of", side, "pixels a side"),
    element("button", { type: "button", title: "Build this network (Enter)", onclick: apply }, "Build"));
  const node = element("div", { class: "own" }, row, refusal);
  const update = () => {
    const { state, refused, setup } = session;
    node.hidden = !state.shown.includes(setup.typed);
    const now = JSON.stringify([state.text, state.side]);
    if (!refused && now !== shown) {
      shown = now;
      // What is being typed is not overwritten by an answer to what was typed before.
      if (document.activeElement !== text) text.value = state.text;
      if (document.activeElement !== side) side.value = state.side;
    }
    refusal.hidden = !refused;
    text.setAttribute("aria-invalid", Boolean(refused));
    if (!refused) return;
    shown = null;
    reason.textContent = refused.problem;
    marked.hidden = refused.start === null;
    if (refused.start !== null) marked.textContent = `${refused.text}\n${" ".repeat(refused.start)}^`;
    kept.textContent = `The network is still ${state.text}.`;
  };
  return { node, update };
}

// What an area means, and what the colours mean.
export function legend(session) {
  const square = element("span", { class: "square" });
  const words = element("span", {});
  const kinds = Object.entries(session.setup.kinds).map(([kind, color]) => {
    const mark = element("span", { class: "mark" });
    mark.style.background = color;
    return element("span", { class: "kind" }, mark, kind);
  });
  const slab = element("span", { class: "kind" }, element("span", { class: "mark data" }), "data: height is the maps' side, width the channels");
  const hollow = element("span", { class: "kind" }, element("span", { class: "mark hollow" }), "too small to draw, or none");
  const stack = element("span", { class: "kind" }, element("span", { class: "mark stack" }), "group: click to open");
  const node = element("div", { class: "legend" }, element("span", { class: "kind" }, square, words), ...kinds, hollow, stack, slab);
  const update = () => {
    if (!session.scene) return;
    const { square: side, text } = session.scene.legend;
    square.hidden = side === null;
    const [, name] = session.setup.quantities.find(([value]) => value === session.state.size_by);
    words.textContent = side === null ? text : `this area: ${text}${["memory", "time"].includes(session.state.size_by) ? "" : ` ${name}`}`;
  };
  return { node, update };
}
