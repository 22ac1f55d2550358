// What is computed, and with which window, input and filters; how large it gets, and what does not fit.

import { choice, select, slider } from "../frontend/controls.js";
import { element } from "../frontend/elements.js";

const capital = (text) => text[0].toUpperCase() + text.slice(1);
const OPERATIONS = [["convolution", "Convolution"], ["max", "Max pooling"], ["average", "Average pooling"]];
const WINDOW = [["size", "Size F"], ["pad", "Padding P"], ["stride", "Stride S"], ["dilation", "Dilation D"]];

export function modeControls(session) {
  const views = ["forward", "backward", "receptive field"].map((value) => ({ value, text: capital(value) }));
  const view = choice("Show", views, () => session.state.view, (value) => session.set({ view: value }));
  const operations = OPERATIONS.map(([value, text]) => ({ value, text }));
  const operation = choice("Layer", operations, () => session.state.operation, (value) => session.set({ operation: value }));
  const update = () => {
    view.update();
    operation.update();
    operation.node.hidden = session.isField;
  };
  return { node: element("div", { class: "modes" }, view.node, operation.node), update };
}

// A named choice that may also be "own", once somebody has typed numbers.
function named(session, title, names, read, write) {
  const { own } = session.setup;
  const options = [...names.map((name) => [name, name]), [own, "your own"]];
  const control = select(title, options, read, (name) => name === own || write(name));
  const update = () => {
    control.update();
    control.node.querySelector("option:last-child").hidden = read() !== own;
  };
  return { node: control.node, update };
}

function count(session, title, name) {
  const [least, most] = session.setup.ranges[name];
  const options = Array.from({ length: most - least + 1 }, (_, i) => ({ value: least + i, text: String(least + i) }));
  return choice(title, options, () => session.state[name], (value) => session.set({ [name]: value }));
}

export function settings(session) {
  const { setup } = session;
  const rest = () => session.rest();
  const along = (title, range, name, change) =>
    slider(title, range, 1, () => session.state[name], (value) => session.set(change(value), `slide ${name}`), rest);
  const input = named(session, "Input", setup.inputs, () => session.state.input, (name) => session.set({ input: name, x: null }));
  const width = along("Width W", setup.ranges.width, "width", (value) => ({ width: value, height: value }));
  const channels = count(session, "Channels", "channels");
  const filters = count(session, "Filters K", "filters");
  const kernels = Array.from({ length: setup.ranges.filters[1] }, (_, k) =>
    named(session, `Filter ${k}`, setup.kernels, () => session.state.kernels[k], (name) => session.chooseKernel(k, name)));
  const upstream = named(session, "Upstream gradient", setup.upstreams, () => session.state.upstream, (name) =>
    session.set({ upstream: name, dout: null, step: session.state.step }));
  const sliders = WINDOW.map(([name, title]) => along(title, setup.ranges[name], name, (value) => ({ [name]: value })));
  const node = element("div", { class: "settings" },
    element("div", { class: "group" }, input.node, width.node, channels.node),
    element("div", { class: "group" }, ...sliders.map((one) => one.node)),
    element("div", { class: "group" }, filters.node, ...kernels.map((one) => one.node), upstream.node));
  const parts = [input, width, channels, filters, ...kernels, upstream, ...sliders];
  const update = () => {
    const { operation, view } = session.state;
    node.hidden = session.isField;
    for (const part of parts) part.update();
    const pooling = operation !== "convolution";
    filters.node.hidden = sliders[3].node.hidden = pooling;
    kernels.forEach((one, k) => (one.node.hidden = pooling || k >= session.state.filters));
    upstream.node.hidden = view !== "backward";
  };
  return { node, update };
}

// The size of the output worked out, its price, and what to do where the window does not fit.
export function arithmetic(session) {
  const formulas = element("p", { class: "formulas" });
  const costs = element("p", { class: "costs" });
  const trouble = element("div", { class: "trouble", role: "alert", hidden: true });
  const node = element("div", { class: "arithmetic" }, formulas, costs, trouble);
  let told = "";
  const update = () => {
    const { scene } = session;
    node.hidden = session.isField;
    if (session.isField || !scene?.formulas) return;
    formulas.textContent = scene.formulas.join("; ");
    costs.textContent = scene.costs;
    const text = JSON.stringify(scene.trouble);
    if (text === told) return;
    told = text;
    trouble.hidden = !scene.trouble;
    trouble.className = `trouble ${scene.trouble?.kind ?? ""}`;
    trouble.replaceChildren(...(scene.trouble ? troubleText(session, scene.trouble) : []));
  };
  return { node, update };
}

function troubleText(session, { text, remedies }) {
  const buttons = remedies.map(({ text: label, change }) => {
    const node = element("button", { type: "button", onclick: () => session.set(change) }, label);
    node.setAttribute("data-lm-suppress-shortcuts", "true");
    return node;
  });
  const row = element("div", { class: "remedies" }, element("span", {}, "What works, nearest first:"), ...buttons);
  return [element("p", {}, text), ...(buttons.length ? [row] : [])];
}
