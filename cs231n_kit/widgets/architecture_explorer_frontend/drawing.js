// A network as SVG: slabs of data between blocks of layers, frames around open groups.

import { svgElement } from "../frontend/elements.js";

const REACH = 34; // the least height in pixels of what a pointer or a finger hits
const LETTER = 6.4; // the width of a digit of the amount written on a block
const ROUND = 5; // the radius of the corners of wires
const TITLE = 16;

// Through the points, with round corners.
function wirePath(points) {
  let path = `M${points[0]}`;
  for (let i = 1; i < points.length - 1; i++) {
    const [before, corner, after] = points.slice(i - 1, i + 2);
    const towards = (end) => {
      const length = Math.hypot(end[0] - corner[0], end[1] - corner[1]) || 1;
      const share = Math.min(ROUND / length, 0.5);
      return [corner[0] + share * (end[0] - corner[0]), corner[1] + share * (end[1] - corner[1])];
    };
    path += `L${towards(before)}Q${corner} ${towards(after)}`;
  }
  return `${path}L${points.at(-1)}`;
}

const box = ({ x, y, width, height }) => ({ x, y, width, height });

function blockNode(block, detail, colors) {
  const { x, y, width, height, honest, main, room } = block;
  const [middle, centre] = [x + width / 2, y + height / 2];
  const high = Math.max(height, REACH);
  const hit = svgElement("rect", { class: "hit", x: middle - room / 2 - 1, y: centre - high / 2, width: room + 2, height: high });
  const parts = [];
  if (block.form === "stack")
    for (const away of [5, 2.5]) parts.push(svgElement("rect", { class: "behind", ...box(block), x: x + away, y: y - away }));
  let top = y;
  for (const [kind, share] of detail.shares) {
    parts.push(svgElement("rect", { x, y: top, width, height: share * height, style: honest ? `fill: ${colors[kind]}` : "fill: var(--paper)" }));
    top += share * height;
  }
  parts.push(svgElement("rect", { class: "edge", ...box(block), style: honest ? null : `stroke: ${colors[detail.shares[0][0]]}` }));
  if (detail.short && width >= LETTER * detail.short.length + 4 && height > 24)
    parts.push(svgElement("text", { class: "amount", x: middle, y: centre, "text-anchor": "middle", "dominant-baseline": "central" }, detail.short));
  const slant = main ? { transform: `rotate(50 ${middle - 2} ${block.label_y})`, x: middle - 2 } : { x: middle, "text-anchor": "middle" };
  const label = svgElement("text", { class: "label", y: block.label_y, "dominant-baseline": "central", ...slant }, detail.label);
  return svgElement("g", { class: `block ${block.form}` }, hit, ...parts, label);
}

function frameNode(frame, detail) {
  const title = svgElement("text", { class: "label", x: frame.x + 4, y: frame.y + TITLE / 2 + 1, "dominant-baseline": "central" }, `− ${detail.label}`);
  const bar = svgElement("rect", { class: "hit", x: frame.x, y: frame.y, width: frame.width, height: TITLE });
  return svgElement("g", { class: "frame" }, svgElement("rect", { class: "edge", ...box(frame), rx: 5 }), bar, title);
}

// Fills the svg and returns a Map from ids to nodes of what can be chosen, in the order of the flow.
export function drawNetwork(svg, network, colors) {
  const { drawing, details, order } = network;
  svg.setAttribute("width", Math.ceil(drawing.width));
  svg.setAttribute("height", Math.ceil(drawing.height));
  const wires = drawing.wires.map((points) => svgElement("path", { class: "wire", d: wirePath(points) }));
  const slabs = drawing.slabs.map((slab) =>
    svgElement("rect", { class: slab.cut ? "slab cut" : "slab", ...box(slab) }, svgElement("title", {}, slab.text)));
  const frames = drawing.frames.map((frame) => [frame.id, frameNode(frame, details[frame.id])]);
  const blocks = drawing.blocks.map((block) => [block.id, blockNode(block, details[block.id], colors)]);
  const drawn = new Map([...frames, ...blocks]);
  const nodes = new Map(order.map((id) => [id, drawn.get(id)]));
  for (const [id, node] of nodes) {
    const { aria, opens, open } = details[id];
    const attributes = { "data-id": id, tabindex: -1, role: "button", "aria-label": aria, "aria-expanded": opens ? open : null };
    for (const [name, value] of Object.entries(attributes)) if (value !== null) node.setAttribute(name, value);
    node.setAttribute("data-lm-suppress-shortcuts", "true");
  }
  svg.replaceChildren(...wires, ...slabs, ...nodes.values());
  return nodes;
}
