// The graph as SVG: built once for each shape of graph, then only its texts and colours change.

import { svgElement } from "../frontend/elements.js";

const HALF = 17; // of the height of a box
const RADIUS = 20;
const LIFT = 6; // between a wire and its texts

// Straight along the labels, curved between the columns.
function wirePath(points) {
  let path = `M${points[0]}L${points[1]}`;
  for (let i = 1; i + 1 < points.length; i += 2) {
    const [[x0, y0], [x1, y1]] = [points[i], points[i + 1]];
    const middle = (x0 + x1) / 2;
    path += `C${middle} ${y0} ${middle} ${y1} ${x1} ${y1}`;
    if (i + 2 < points.length) path += `L${points[i + 2]}`;
  }
  return path;
}

export class Drawing {
  constructor(svg) {
    this.svg = svg;
  }

  // Draws the scene; `look` says what is lit: { step, grads, shown, selected }.
  draw(scene, look) {
    const form = JSON.stringify([scene.width, scene.height, scene.nodes.map(({ x, y, symbol }) => [x, y, symbol])]);
    if (form !== this.form) this.build(scene);
    this.form = form;
    scene.nodes.forEach((node, i) => this.updateNode(this.nodes[i], node, i, look));
    scene.wires.forEach((wire, i) => this.updateWire(this.wires[i], wire, scene, look));
    const end = scene.nodes.findIndex((node) => node.output);
    this.exit.classList.toggle("waiting", look.step < scene.nodes[end].computed);
  }

  build({ width, height, nodes, wires }) {
    this.svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.svg.style.cssText = `width: ${width}px; min-width: ${Math.round(0.72 * width)}px`;
    this.wires = wires.map((wire) => this.makeWire(wire));
    const output = nodes.find((node) => node.output);
    const way = `M${output.x + output.width / 2} ${output.y}H${width - 14}`;
    this.exit = svgElement("path", { class: "wire", d: way });
    this.nodes = nodes.map((node, i) => this.makeNode(node, i));
    const parts = [...this.wires.flatMap(({ line, share }) => [line, share]), this.exit];
    this.svg.replaceChildren(...parts, ...this.nodes.map(({ group }) => group));
  }

  makeWire({ points }) {
    const [x, y] = points.at(-1);
    return {
      line: svgElement("path", { class: "wire", d: wirePath(points) }),
      share: svgElement("text", { class: "grad share", x: x - 6, y: y + LIFT + 8, "text-anchor": "end" }),
    };
  }

  makeNode({ x, y, width, symbol, name, input }, i) {
    const round = width <= 2 * RADIUS && !input;
    const half = round ? RADIUS : HALF;
    const box = { x: x - width / 2, y: y - half, width, height: 2 * half, rx: round ? RADIUS : 8 };
    const end = x + width / 2 + 4;
    const value = svgElement("text", { class: "value", x: end, y: y - LIFT });
    const grad = svgElement("text", { class: "grad", x: end, y: y + LIFT + 10 });
    const label = svgElement("text", { class: "symbol", x, y, "text-anchor": "middle", "dominant-baseline": "central" }, symbol);
    const group = svgElement("g", { class: input ? "node input" : "node", "data-node": i }, svgElement("rect", box), label);
    if (!input) group.append(svgElement("text", { class: "name", x, y: y + half + 13, "text-anchor": "middle" }, name));
    group.append(value, grad);
    return { group, value, grad };
  }

  updateNode({ group, value, grad }, node, i, { step, grads, shown, selected, active }) {
    const known = node.computed <= step;
    value.textContent = known ? node.value : "";
    grad.textContent = grads[i] ?? "";
    group.classList.toggle("waiting", !known);
    group.classList.toggle("shown", i === shown);
    group.classList.toggle("chosen", i === selected);
    group.classList.toggle("active", i === active);
  }

  updateWire({ line, share }, wire, scene, { step }) {
    const target = scene.nodes[wire.to];
    line.classList.toggle("waiting", step < scene.nodes[wire.from].computed);
    line.classList.toggle("forward", step === target.computed);
    line.classList.toggle("backward", step === wire.arrives);
    share.textContent = wire.shared && step >= wire.arrives ? wire.share : "";
  }
}
