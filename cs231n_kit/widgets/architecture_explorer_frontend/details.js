// All about one block: its arithmetic, and what one of its units sees of the image.

import { element, svgElement } from "../frontend/elements.js";

const FOOT = 30; // pixels of the window's status bar
const MARGIN = 0.14; // around the image, for fields that reach beyond its border

// The words about a block in these elements, written anew only where they change.
function story(session, at, title, rows) {
  const { name } = session.scene.networks[at[0]];
  const { title: words, lines } = session.detail(at);
  const text = JSON.stringify([name, words, lines]);
  if (text === rows.dataset.told) return;
  rows.dataset.told = text;
  title.textContent = `${name}: ${words}`;
  rows.replaceChildren(...lines.flatMap(([what, told]) => [element("dt", {}, what), element("dd", {}, told)]));
}

export function detailsPanel(session) {
  const title = element("p", { class: "title" });
  const rows = element("dl", {});
  const node = element("section", { class: "details", "aria-label": "The block" }, title, rows);
  return { node, update: () => session.told && story(session, session.told, title, rows) };
}

// The same on a card beside the block under the pointer, or the one that the keyboard came to: the panel may lie beyond
// the window's end. `find(at)` is a block's node, `focused()` the place of that with the focus, or null.
export function card(session, find, focused) {
  const title = element("p", { class: "title" });
  const rows = element("dl", {});
  const seen = fieldImage(session);
  const node = element("div", { class: "card", hidden: true, "aria-hidden": "true" }, element("div", {}, title, rows), seen.svg);
  const update = () => {
    const at = session.hovered ?? focused();
    const block = at && session.scene && session.detail(at) && find(at);
    node.hidden = !block;
    if (!block) return;
    story(session, at, title, rows);
    seen.draw(at);
    place(node, block.querySelector(".hit").getBoundingClientRect());
  };
  return { node, update };
}

// Below a block, or above it where the window ends; `box` is the block's in the window.
function place(node, box) {
  const page = node.parentElement.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = node;
  const below = box.bottom + 10 + height < window.innerHeight - FOOT || box.top < height + 10;
  const left = Math.min(Math.max(box.left + box.width / 2 - width / 2, page.left), page.right - width);
  node.style.left = `${left - page.left}px`;
  node.style.top = `${(below ? box.bottom + 10 : box.top - height - 10) - page.top}px`;
}

// The image with a field on it: { svg, draw }, and draw(at) returns what it shows, or null.
function fieldImage(session) {
  const image = svgElement("image", { preserveAspectRatio: "none" });
  const border = svgElement("rect", { class: "border" });
  const [halo, field] = ["field halo", "field"].map((name) => svgElement("rect", { class: name }));
  const svg = svgElement("svg", { class: "seen" }, image, border, halo, field);
  const set = (part, values) => Object.entries(values).forEach(([name, value]) => part.setAttribute(name, value));
  const draw = (at) => {
    const own = session.scene.networks[at[0]];
    const seen = session.detail(at).field;
    svg.style.display = seen ? "" : "none";
    if (!seen) return null;
    const [, height, width] = own.input_shape;
    const source = session.pictures[own.input_shape.join("x")];
    if (source && image.getAttribute("href") !== source) image.setAttribute("href", source);
    svg.setAttribute("viewBox", [-MARGIN * width, -MARGIN * height, (1 + 2 * MARGIN) * width, (1 + 2 * MARGIN) * height].join(" "));
    for (const part of [image, border]) set(part, { width, height });
    const [top, left, bottom, right] = seen.box;
    for (const part of [halo, field]) set(part, { x: left, y: top, width: right - left, height: bottom - top });
    return seen;
  };
  return { svg, draw };
}

// The image with the field of one unit; a press or a drag on it chooses another unit of the map.
export function fieldPicture(session) {
  const { svg, draw } = fieldImage(session);
  for (const [name, value] of Object.entries({ tabindex: 0, role: "application", "aria-roledescription": "image with a receptive field" })) svg.setAttribute(name, value);
  const words = element("p", { class: "hint", role: "status", "aria-live": "polite" });
  const node = element("figure", { class: "looking" }, svg, element("figcaption", {}, words));
  const choose = (unit) => {
    const inside = unit.map((share) => Math.round(1000 * Math.min(Math.max(share, 0), 1)) / 1000);
    session.edit({ unit: inside }, { step: "unit", draft: true });
  };
  const press = (event) => {
    const area = svg.getBoundingClientRect();
    const whole = 1 + 2 * MARGIN;
    choose([((event.clientY - area.top) / area.height) * whole - MARGIN, ((event.clientX - area.left) / area.width) * whole - MARGIN]);
  };
  let held = null;
  svg.addEventListener("pointerdown", (event) => {
    svg.setPointerCapture(event.pointerId);
    held = event.pointerId;
    press(event);
  });
  svg.addEventListener("pointermove", (event) => event.pointerId === held && press(event));
  for (const type of ["pointerup", "pointercancel"])
    svg.addEventListener(type, () => {
      held = null;
      session.rest();
    });
  svg.addEventListener("keydown", (event) => {
    const way = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    const told = session.told && session.detail(session.told).field;
    if (!way || !told) return;
    // To the middle of the neighbouring unit.
    choose(told.unit.map((at, axis) => (Math.min(Math.max(at + way[axis], 0), told.grid[axis] - 1) + 0.5) / told.grid[axis]));
    event.preventDefault();
    event.stopPropagation();
  });
  const update = () => {
    const seen = session.told && draw(session.told);
    node.hidden = !seen;
    if (!seen) return;
    if (words.textContent !== seen.text) words.textContent = seen.text;
    svg.setAttribute("aria-label", `${seen.text} Arrow keys choose another unit.`);
  };
  return { node, update };
}

// The shares of the kinds of layers, a table for each network.
export function sharesTables(session) {
  const node = element("section", { class: "shares", "aria-label": "Shares of the kinds of layers" });
  let drawn = null;
  const table = ({ name, about, rows }) => {
    const heads = session.setup.quantities.map(([, text]) => element("th", { scope: "col" }, text));
    const body = rows.map(({ kind, shares }) => {
      const mark = element("span", { class: "mark" });
      mark.style.background = session.setup.kinds[kind];
      return element("tr", {}, element("th", { scope: "row" }, mark, kind), ...shares.map((share) => element("td", {}, share)));
    });
    const source = element("p", { class: "hint" }, about);
    return element("div", { class: "scroll" }, element("table", {},
      element("thead", {}, element("tr", {}, element("th", { scope: "col" }, name), ...heads)), element("tbody", {}, ...body)), source);
  };
  const update = () => {
    if (!session.scene || drawn === session.scene) return;
    drawn = session.scene;
    node.replaceChildren(...drawn.networks.map(table));
  };
  return { node, update };
}
