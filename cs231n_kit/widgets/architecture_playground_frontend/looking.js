// The image, what the network thinks it is, and what its layers make of it.

import { button, choice, select } from "../frontend/controls.js";
import { element, number } from "../frontend/elements.js";
import { mapCanvas, paintMap } from "../frontend/colors.js";

// Pixels (h, w, C) from 0 to 255, painted into a canvas of this size.
function paintPixels(canvas, pixels, [height, width, channels]) {
  if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
  const context = canvas.getContext("2d");
  const image = context.createImageData(width, height);
  for (let at = 0; at < height * width; at++) {
    for (let part = 0; part < 3; part++) image.data[4 * at + part] = pixels[channels * at + (channels === 3 ? part : 0)];
    image.data[4 * at + 3] = 255;
  }
  context.putImageData(image, 0, 0);
}

// The image and its saliency map, side by side; files fall on `node`.
export function imagePair(session) {
  const [height, width] = session.setup.image_shape;
  const image = element("canvas", { role: "img", class: "image", width, height });
  const saliency = element("canvas", { role: "img", class: "saliency", width, height });
  const caption = element("figcaption", {});
  const note = element("figcaption", {});
  const node = element("div", { class: "pair" }, element("figure", {}, image, caption), element("figure", {}, saliency, note));
  let painted = null;
  const update = () => {
    const { picture, setup, facts, state } = session;
    if (!picture || picture === painted) return;
    painted = picture;
    paintPixels(image, picture.pixels, setup.image_shape);
    const label = state.image < 0 ? "your image" : setup.classes[setup.labels[state.image]];
    caption.textContent = label;
    image.setAttribute("aria-label", `Image: ${label}`);
    saliency.hidden = note.hidden = !picture.saliency;
    if (!picture.saliency) return;
    paintMap(saliency, picture.saliency, setup.signs);
    const what = ofText(session, facts);
    note.textContent = `saliency of ${what}`;
    note.title = saliency.title = `|gradient of ${what}| at each pixel, the largest of the channels`;
    saliency.setAttribute("aria-label", note.title);
  };
  return { node, update };
}

// What is differentiated, in words.
function ofText({ state, setup }, facts) {
  if (state.of >= 0) return `the score of ${setup.classes[state.of]}`;
  return `the loss for ${setup.classes[facts.label]}${facts.given ? "" : " (the network's choice)"}`;
}

// Which image: previous, next, by class.
export function imageControls(session) {
  const { labels, classes } = session.setup;
  const count = labels.length;
  const show = (image) => session.edit({ image }, { step: "image" });
  const go = (by) => () => show((Math.max(session.state.image, by > 0 ? -1 : 0) + by + count) % count);
  // the next image of the class after the one that is shown
  const nextOf = (label) => {
    const found = labels.map((one, i) => [one, i]).filter(([one]) => one === label).map(([, i]) => i);
    if (found.length) show(found.find((i) => i > session.state.image) ?? found[0]);
  };
  const names = [["", "your image"], ...classes.map((name, i) => [i, name])];
  const now = () => (session.state.image < 0 ? "" : labels[session.state.image]);
  return [
    button("◀", "Previous image (P)", go(-1)),
    button("▶", "Next image (N)", go(1)),
    select("Class", names, now, (label) => label !== "" && nextOf(label)),
  ];
}

export function probabilityBars(session) {
  const { classes } = session.setup;
  const rows = classes.map((name) => {
    const bar = element("span", { class: "fill" });
    const value = element("span", { class: "value" });
    return { node: element("div", { class: "guess" }, element("span", { class: "class" }, name), element("span", { class: "track" }, bar), value), bar, value };
  });
  const few = rows.length <= 20;
  const node = element("div", { class: "probabilities", role: "img" }, ...rows.map((row) => row.node));
  const update = () => {
    const { probabilities, label, given, network } = session.facts;
    node.hidden = !network;
    if (!network) return;
    const best = probabilities.indexOf(Math.max(...probabilities));
    rows.forEach(({ node: row, bar, value }, i) => {
      const share = probabilities[i] ?? 0;
      bar.style.width = `${100 * share}%`;
      value.textContent = probabilities[i] === null ? "–" : `${Math.round(100 * share)} %`;
      row.classList.toggle("right", given && i === label);
      row.hidden = !few && i !== label && i !== best;
    });
    node.setAttribute("aria-label", `The network says ${classes[best]}, ${Math.round(100 * probabilities[best])} %`);
  };
  return { node, update };
}

export function lookingControls(session) {
  const { classes } = session.setup;
  const kinds = [
    { value: "activations", text: "Activations", hint: "What the layer puts out (G)" },
    { value: "gradients", text: "Gradients", hint: "How the loss or a score changes with it (G)" },
  ];
  const of = [[-1, "the loss"], ...classes.map((name, i) => [i, `the score of ${name}`])];
  const read = () => (session.state.gradients ? "gradients" : "activations");
  return [
    choice("Show", kinds, read, (kind) => session.edit({ gradients: kind === "gradients" })),
    select("Gradients of", of, () => session.state.of, (value) => session.edit({ of: value })),
  ];
}

// The chosen layer's maps in a grid, or its numbers.
export function mapGrid(session) {
  const title = element("p", { class: "title" });
  const grid = element("div", { class: "grid" });
  const node = element("section", { class: "maps", "aria-label": "Maps of the chosen layer" }, title, grid);
  let painted = null;
  let size = "";
  const update = () => {
    const { picture, facts, setup } = session;
    node.hidden = !facts.network;
    if (!picture?.maps || picture === painted) return;
    painted = picture;
    const [count, height, width] = facts.map_shape;
    const last = session.built.rows.at(-1)?.[0]; // its numbers are the scores
    if (size !== facts.map_shape.join()) {
      size = facts.map_shape.join();
      const cells = Array.from({ length: count }, () => {
        const canvas = mapCanvas(0);
        [canvas.width, canvas.height] = [width, height];
        return element("div", { class: "map" }, canvas);
      });
      grid.replaceChildren(...cells);
      grid.classList.toggle("units", facts.shape.length === 1);
      grid.style.setProperty("--map", `${Math.max(width, Math.min(count > 16 ? 64 : 84, 9 * width))}px`);
    }
    [...grid.children].forEach((cell, i) => {
      paintMap(cell.firstChild, picture.maps.subarray(i * height * width, (i + 1) * height * width), setup.signs);
      const [low, high] = picture.ranges.subarray(2 * i, 2 * i + 2);
      const silent = low === 0 && high === 0;
      const dead = facts.silent?.includes(i) ?? false;
      cell.classList.toggle("silent", silent && !facts.gradients);
      cell.classList.toggle("dead", dead);
      const name = facts.shape.length === 3 ? `map ${i + 1}` : facts.layer === last ? setup.classes[i] : `unit ${i + 1}`;
      const range = low === high ? short(low) : `${short(low)} to ${short(high)}`;
      cell.title = `${name}: ${dead ? "0 for every image that was tried" : silent ? "0 everywhere" : range}`;
    });
    title.replaceChildren(...titleText(session, picture));
  };
  return { node, update };
}

const short = (value) => (Math.abs(value) >= 0.01 || value === 0 ? number(value) : value.toExponential(1).replaceAll("-", "−"));

function titleText(session, picture) {
  const { facts, built } = session;
  const name = facts.layer === "input" ? "input" : `${facts.layer} ${built.rows.find(([path]) => path === facts.layer)?.[1] ?? ""}`;
  const [shown] = facts.map_shape;
  const all = facts.shape[0];
  const maps = facts.shape.length === 3;
  const largest = picture.ranges.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const of = facts.gradients ? `Gradients of ${ofText(session, facts)} at ` : "Activations of ";
  const part = shown < all ? `the first ${shown} of ${all} ${maps ? "maps" : "numbers"}` : `${all} ${maps ? "maps" : "numbers"}`;
  const scaled = maps ? "each scaled by its own largest" : "all scaled alike";
  const words = [`${of}`, element("b", {}, name), `: ${part}, up to ${short(largest)}, ${scaled}.`];
  const silent = Array.from({ length: shown }, (_, i) => i).filter((i) => picture.ranges[2 * i] === 0 && picture.ranges[2 * i + 1] === 0);
  if (silent.length && !facts.gradients) words.push(` ${silent.length} ${silent.length === 1 ? "is" : "are"} 0 for this image.`);
  if (facts.silent?.length) words.push(` ${facts.silent.length} dead (red frame): 0 for every image tried.`);
  return words;
}

export function filterGrid(session) {
  const title = element("p", { class: "title" });
  const grid = element("div", { class: "grid" });
  const node = element("section", { class: "filters", "aria-label": "First layer's weights" }, title, grid);
  let painted = null;
  let size = "";
  const update = () => {
    const { picture, facts } = session;
    node.hidden = !facts.network;
    if (!picture?.filters || picture === painted) return;
    painted = picture;
    const [count, height, width, channels] = facts.filter_shape;
    if (size !== facts.filter_shape.join()) {
      size = facts.filter_shape.join();
      grid.replaceChildren(...Array.from({ length: count }, () =>
        element("div", { class: "map" }, element("canvas", { width, height, "aria-hidden": "true" }))));
      grid.style.setProperty("--map", `${Math.max(count > 16 ? 36 : 48, Math.min(64, width))}px`);
    }
    [...grid.children].forEach((cell, i) => {
      const cells = height * width * channels;
      paintPixels(cell.firstChild, picture.filters.subarray(i * cells, (i + 1) * cells), [height, width, channels]);
      cell.title = `weights up to ${short(facts.largest[i] ?? 0)}`;
    });
    title.textContent = `The first layer's weights: ${count} of ${height} × ${width} pixels${channels === 3 ? " in colour" : ""}. `
      + "Grey is 0; each is scaled by its own largest.";
  };
  return { node, update };
}
