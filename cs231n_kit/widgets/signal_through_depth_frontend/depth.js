// All layers from left to right: histograms, sizes and shares, a column for each layer in all of them.

import { redraw } from "../frontend/canvas.js";
import { element } from "../frontend/elements.js";
import { pictureCanvas } from "./canvases.js";
import { drawHistograms, drawShares, drawSizes, drawNames, LEFT, RIGHT } from "./bands.js";
import { layerText } from "./words.js";

const MOVES = { ArrowLeft: -1, ArrowRight: 1, ArrowDown: -1, ArrowUp: 1 };
const ends = { Home: () => 0, End: (count) => count - 1 };

export class Depth {
  constructor(session, helpId) {
    this.session = session;
    const sizes = (fields) => (picture) => drawSizes(picture, session, fields);
    this.shares = element("span", { class: "key" });
    this.bands = [
      band("tall", "Activations", "forward", ["values of each layer, as a histogram"], (picture) => drawHistograms(picture, session, 0)),
      band("tall", "Gradients", "backward", ["of the loss at the activations"], (picture) => drawHistograms(picture, session, 1)),
      band("", "Size of activations", "forward", ["━ standard deviation", "┅ |mean|", "··· between inputs"],
        sizes([["std", "--forward", []], ["mean", "--forward", [6, 4]], ["spread", "--forward", [1.5, 3]]])),
      band("", "Size of gradients", "backward", ["━ at the activations, standard deviation", "┅ of the weights, norm"],
        sizes([["gradient_std", "--backward", []], ["weight_gradient", "--backward", [6, 4]]])),
      band("flat", "Units", "", [this.shares], (picture) => drawShares(picture, session)),
    ];
    this.names = { canvas: pictureCanvas("names"), draw: (picture) => drawNames(picture, session) };
    this.node = element("div", {
      class: "depth",
      tabindex: "0",
      role: "slider",
      "aria-label": "Layer",
      "aria-valuemin": 0,
      "aria-describedby": helpId,
      onpointermove: (event) => event.pointerType !== "touch" && session.look(this.layerAt(event)),
      onpointerleave: () => session.look(-1),
      onclick: (event) => session.select(this.layerAt(event)),
      onkeydown: (event) => this.key(event),
    }, ...this.bands.flatMap(({ title, canvas }) => [title, canvas]), this.names.canvas);
    this.observer = new ResizeObserver(() => this.draw());
    this.observer.observe(this.node);
  }

  layerAt(event) {
    const box = this.names.canvas.getBoundingClientRect();
    const share = (event.clientX - box.left - LEFT) / (box.width - LEFT - RIGHT);
    return share < 0 || share >= 1 ? -1 : Math.floor(share * this.session.layers.length);
  }

  key(event) {
    const { session } = this;
    const count = session.layers.length;
    const { key } = event;
    if (event.ctrlKey || event.metaKey || event.altKey || !count) return;
    if (key in MOVES) session.select(session.selected < 0 ? 0 : Math.max(session.selected + MOVES[key], 0));
    else if (key in ends) session.select(ends[key](count));
    else if (key === "Escape") session.select(-1);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  update() {
    const { session } = this;
    const { layers, shown, state } = session;
    this.node.setAttribute("aria-valuemax", Math.max(layers.length - 1, 0));
    this.node.setAttribute("aria-valuenow", Math.max(shown, 0));
    this.node.setAttribute("aria-valuetext", layers[shown] ? layerText(session, shown) : "no layer chosen");
    const told = sharesText(state.activation, this.copies());
    const text = told.filter((part) => typeof part === "string").join("");
    if (this.shares.textContent !== text) this.shares.replaceChildren(...told);
  }

  // How many distinct units the layer with most copies has, in words.
  copies() {
    const hidden = this.session.layers.slice(1, -1);
    const fewest = Math.min(...hidden.map(({ distinct }) => distinct));
    const { width } = this.session.state;
    return fewest < width ? `; ${fewest} of ${width} distinct` : "";
  }

  // Now, or with the browser's next frame.
  paint(now) {
    if (now) return this.draw();
    this.pending ??= requestAnimationFrame(() => {
      this.pending = null;
      this.draw();
    });
  }

  draw() {
    if (!this.session.frame || !this.node.isConnected) return;
    for (const { canvas, draw } of [...this.bands, this.names]) redraw(canvas, draw);
  }
}

function band(size, name, kind, keys, draw) {
  const spans = keys.map((text) => (typeof text === "string" ? element("span", { class: "key" }, text) : text));
  const title = element("p", { class: `band ${kind}` }, element("b", {}, name), ...spans);
  return { title, canvas: pictureCanvas(size), draw };
}

function sharesText(activation, copies) {
  const pairs = {
    relu: ["outputs that are 0", "dead: 0 for every input"],
    sigmoid: ["saturated outputs", "units saturated for every input"],
    leaky_relu: "leaky ReLUs cannot die: their slope is never below 0.01",
    maxout: "maxout units cannot saturate: one of their pieces is always on",
    none: "without activation function nothing saturates",
  };
  const told = pairs[activation] ?? pairs.sigmoid;
  if (typeof told === "string") return [told + copies];
  return [element("i", { class: "swatch flat" }), `${told[0]} `, element("i", { class: "swatch stuck" }), told[1] + copies];
}

