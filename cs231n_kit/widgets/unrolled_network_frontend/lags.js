// How large gradients are against how far back they come, RNN beside LSTM, and where clipping begins.

import { slider } from "../frontend/controls.js";
import { element, svgElement } from "../frontend/elements.js";

const [WIDE, HIGH, LEFT, LOW] = [470, 214, 52, 30];
const CURVES = [["rnn h", "rnn", "RNN, ∂L/∂h"], ["lstm h", "lstm side", "LSTM, ∂L/∂h"], ["lstm c", "lstm", "LSTM, ∂L/∂c"]];
const DEEPEST = -12;

const keyLine = (look) => svgElement("svg", { viewBox: "0 0 28 8", "aria-hidden": "true" },
  svgElement("line", { class: `curve-line ${look}`, x1: 0, x2: 28, y1: 4, y2: 4 }));
const powerText = (power) => (power === 0 ? "1" : power > 0 && power < 4 ? String(10 ** power) : `1e${power}`.replace("-", "−"));

export function lagPanel(session) {
  const svg = svgElement("svg", { class: "lags", role: "img", viewBox: `0 0 ${WIDE} ${HIGH}` });
  const norms = svgElement("svg", { class: "norms", role: "img", viewBox: `0 0 190 ${HIGH}` });
  const words = element("p", { class: "norm-words" });
  const radius = element("p", { class: "hint" });
  const controls = lagControls(session);
  const node = element("section", { class: "lag-panel", "aria-label": "Gradient against time lag" },
    element("div", { class: "charts" },
      element("figure", {}, element("figcaption", {}, "Gradient of the last step's loss at each state before it (that of h at the last step is 1)"),
        element("div", { class: "keys" }, ...CURVES.map(([, look, title]) => element("span", {}, keyLine(look), title))), svg),
      element("figure", {}, element("figcaption", {}, "Norm of the whole gradient"), norms)),
    element("div", { class: "sliders" }, ...controls.map((control) => control.node), radius, words));
  let shown = null;
  const update = () => {
    controls.forEach((control) => control.update());
    const { scene, state } = session;
    if (!scene) return;
    const { lags } = scene;
    const place = session.focus ? session.focus.t : null;
    const text = JSON.stringify([lags, place, state.clip]);
    if (text === shown) return;
    shown = text;
    drawCurves(svg, lags.curves, place);
    drawNorms(norms, lags, Math.log10(state.clip));
    radius.textContent = `Spectral radius of the RNN's Wh: ${lags.radius}`;
    words.textContent = ["rnn", "lstm"].map((cell) => `${cell.toUpperCase()}: norm ${lags.norms[cell].text}${
      lags.factors[cell] ? `, clipping would multiply it by ${lags.factors[cell]}` : ", below the limit"}.`).join(" ");
    const ends = CURVES.map(([name, , title]) => `${title} ${lags.curves[name].at(-1) === null ? "0" : `10^${lags.curves[name].at(-1)}`}`);
    svg.setAttribute("aria-label", `Before the first step: ${ends.join(", ")} of the gradient at the last step`);
    norms.setAttribute("aria-label", words.textContent);
  };
  return { node, update };
}

function lagControls(session) {
  const { ranges } = session.setup;
  const entry = (title, name, step, format) =>
    slider(title, ranges[name], step, () => session.state[name], (value) => session.edit({ [name]: value }, { step: name, draft: true }),
      () => session.rest(), format);
  const clip = slider("Clip at", ranges.clip.map(Math.log10), 0.05, () => Math.log10(session.state.clip),
    (power) => session.edit({ clip: Number((10 ** power).toPrecision(2)) }, { step: "clip", draft: true }), () => session.rest(),
    () => String(session.state.clip));
  const steps = () => session.scene?.bars.length - 1;
  const cut = entry("Cut after", "window", 1, (value) => (value >= steps() ? "no cut" : `${value} step${value > 1 ? "s" : ""}`));
  return [entry("Wh times", "scale", 0.05, (value) => value.toFixed(2)), entry("Forget bias", "forget_bias", 0.1, (value) => value.toFixed(1).replace("-", "−")), cut, clip];
}

function drawCurves(svg, curves, place) {
  const known = Object.values(curves).flat().filter((value) => value !== null);
  const bottom = Math.max(Math.min(Math.floor(Math.min(...known, -0.5)), -2), DEEPEST);
  const top = Math.max(Math.ceil(Math.max(...known, 0.2)), 1);
  const steps = curves["rnn h"].length - 1;
  const x = (lag) => LEFT + 6 + (lag / steps) * (WIDE - LEFT - 18);
  const y = (power) => 8 + ((top - Math.max(power, bottom)) / (top - bottom)) * (HIGH - LOW - 16);
  const parts = [];
  const every = Math.ceil((top - bottom) / 7);
  for (let power = top; power >= bottom; power--) {
    if ((power - bottom) % every && power !== 0) continue;
    parts.push(svgElement("line", { class: power ? "grid" : "grid one", x1: LEFT, x2: WIDE - 6, y1: y(power), y2: y(power) }),
      svgElement("text", { class: "tick", x: LEFT - 6, y: y(power) + 4, "text-anchor": "end" }, powerText(power)));
  }
  const gap = Math.ceil(steps / 8);
  for (let lag = 0; lag <= steps; lag += gap)
    parts.push(svgElement("text", { class: "tick", x: x(lag), y: HIGH - LOW + 8, "text-anchor": "middle" }, String(lag)));
  parts.push(svgElement("text", { class: "tick", x: (LEFT + WIDE) / 2, y: HIGH - 5, "text-anchor": "middle" }, "steps back from the last"));
  if (place !== null) parts.push(svgElement("line", { class: "here", x1: x(steps - place), x2: x(steps - place), y1: 8, y2: HIGH - LOW - 8 }));
  for (const [name, look] of CURVES) {
    const points = curves[name].map((power, lag) => power === null ? null : [x(lag), y(power)]).filter(Boolean);
    parts.push(svgElement("polyline", { class: `curve-line ${look}`, points: points.join(" ") }));
    if (!look.includes("side")) parts.push(...points.map(([cx, cy]) => svgElement("circle", { class: `dot ${look}`, cx, cy, r: 3 })));
  }
  svg.replaceChildren(...parts);
}

// Two bars on a logarithmic axis, and the limit; what is above it would be clipped off.
function drawNorms(svg, { norms }, limit) {
  const [bottom, top] = [-3, 4];
  const y = (power) => 8 + ((top - Math.min(Math.max(power, bottom), top)) / (top - bottom)) * (HIGH - LOW - 16);
  const parts = [];
  for (let power = bottom; power <= top; power++)
    parts.push(svgElement("line", { class: "grid", x1: 44, x2: 184, y1: y(power), y2: y(power) }),
      svgElement("text", { class: "tick", x: 38, y: y(power) + 4, "text-anchor": "end" }, powerText(power)));
  ["rnn", "lstm"].forEach((cell, i) => {
    const x = 62 + 62 * i;
    const power = norms[cell].log ?? bottom;
    const kept = Math.min(power, limit);
    parts.push(svgElement("rect", { class: `norm ${cell}`, x, width: 34, y: y(kept), height: Math.max(y(bottom) - y(kept), 0) }));
    if (power > limit) parts.push(svgElement("rect", { class: `norm ${cell} clipped`, x, width: 34, y: y(power), height: y(limit) - y(power) }));
    parts.push(svgElement("text", { class: "tick", x: x + 17, y: HIGH - LOW + 8, "text-anchor": "middle" }, cell.toUpperCase()));
  });
  parts.push(svgElement("line", { class: "limit", x1: 44, x2: 184, y1: y(limit), y2: y(limit) }),
    svgElement("text", { class: "key grad", x: 184, y: y(limit) - 4, "text-anchor": "end" }, "clip"));
  svg.replaceChildren(...parts);
}
