// The unrolled network as SVG: built for each scene, then only lit as the moments pass.

import { svgElement } from "../frontend/elements.js";

const BESIDE = ["y"]; // kinds whose gradient stands at the right instead of below

const middle = { "text-anchor": "middle", "dominant-baseline": "central" };

export class UnrolledDrawing {
  constructor(svg, arrows) {
    Object.assign(this, { svg, arrows });
  }

  draw(scene, look) {
    if (scene !== this.scene) this.build(scene);
    this.scene = scene;
    this.light(look);
  }

  build(scene) {
    const { width, height, cells, wires, bars, rows, zero: level } = scene;
    this.svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.svg.style.width = `${width}px`;
    this.wires = wires.map((wire) => this.makeWire(wire));
    this.cells = cells.map((cell, i) => this.makeCell(cell, i));
    this.bars = bars.map((bar) => makeBar(bar, level));
    const names = rows.map(({ text, x, y }) => svgElement("text", { class: "row", x, y }, text));
    const zero = svgElement("line", { class: "zero", x1: bars[0].x - 12, x2: bars.at(-1).x + bars.at(-1).width + 6, y1: level, y2: level });
    this.svg.replaceChildren(this.markers(), ...names, zero,
      ...[...this.wires, ...this.cells, ...this.bars].map(({ group }) => group));
  }

  markers() {
    const arrow = (name, path, at, size = 9) =>
      svgElement("marker", { id: `${this.arrows}-${name}`, class: `arrow ${name}`, viewBox: "0 0 8 8", refX: at, refY: 4,
        markerWidth: size, markerHeight: size, markerUnits: "userSpaceOnUse", orient: "auto" }, svgElement("path", { d: path }));
    return svgElement("defs", {}, arrow("on", "M0 0L8 4L0 8Z", 7), arrow("now", "M0 0L8 4L0 8Z", 7), arrow("back", "M8 0L0 4L8 8Z", 2, 14));
  }

  makeWire({ points, weight, tag, cut, size, kind }) {
    const group = svgElement("g", { class: `wire ${kind}`, ...(weight && { "data-weight": weight }) });
    const line = svgElement("path", { class: "line", d: points.length ? `M${points.join("L")}` : "" });
    if (points.length) group.append(svgElement("path", { class: "reach", d: `M${points.join("L")}` }), line);
    if (tag) {
      const wide = 9 + 7.5 * weight.length;
      group.append(svgElement("rect", { class: "tag", x: tag[0] - wide / 2, y: tag[1] - 9, width: wide, height: 18, rx: 5 }),
        svgElement("text", { class: "tag-name", x: tag[0], y: tag[1], ...middle }, weight));
    }
    const label = svgElement("text", { class: "grad size", ...(size && { x: size.place[0], y: size.place[1] }), "text-anchor": "middle" });
    if (size) group.append(label);
    const [from, to] = [points[0], points.at(-1)];
    const scissors = svgElement("text", { class: "scissors", ...(cut && { x: kind === "c" ? size.place[0] : (from[0] + points[1][0]) / 2,
      y: kind === "c" ? to[1] : points[1][1], ...middle }) }, "✂");
    if (cut) group.append(scissors);
    return { group, line, label, scissors };
  }

  makeCell(cell, i) {
    const { kind, x, y, width, height, under, letter, target, counted } = cell;
    const group = svgElement("g", { class: `cell ${kind}${target ? " target" : ""}${counted === false ? " off" : ""}`, "data-cell": i });
    const rect = svgElement("rect", { x, y, width, height, rx: ["x", "loss"].includes(kind) ? 7 : 3 });
    const high = kind === "loss" ? y + 27 : y + height / 2;
    const text = svgElement("text", { class: "number", x: x + width / 2, y: high, ...middle });
    group.append(rect, text);
    if (letter) group.append(svgElement("text", { class: "letter", x: x - 5, y: y + height / 2, "text-anchor": "end", "dominant-baseline": "central" }, letter));
    if (under) group.append(svgElement("text", { class: "under", x: x + width / 2, y: kind === "loss" ? y + 11 : y + height + 13, ...middle }, under));
    const beside = BESIDE.includes(kind);
    const grad = svgElement("text", beside ? { class: "grad", x: x + width + 4, y: y + height / 2, "dominant-baseline": "central" }
      : { class: "grad", x: x + width / 2, y: y + height + 11, "text-anchor": "middle" });
    group.append(grad);
    return { group, rect, text, grad };
  }

  light({ step, focus, lit, chosen, same }) {
    const { cells, wires, bars } = this.scene;
    this.svg.dataset.lit = lit;
    cells.forEach((cell, i) => {
      const { group, rect, text, grad } = this.cells[i];
      const known = step >= cell.at;
      text.textContent = known ? cell.text : "";
      text.style.fill = known && cell.ink ? cell.ink : "";
      rect.style.fill = known && cell.fill ? cell.fill : "";
      grad.textContent = step >= cell.back ? cell.grad : "";
      group.classList.toggle("waiting", !known);
      group.classList.toggle("now", step > 0 && (cell.at === step || (cell.back === step && cell.grad !== "")));
      group.classList.toggle("focus", same(cell, focus));
      group.classList.toggle("chosen", same(cell, chosen));
    });
    wires.forEach((wire, i) => this.lightWire(this.wires[i], wire, step));
    bars.forEach((bar, i) => {
      const known = step >= bar.back;
      this.bars[i].group.classList.toggle("waiting", !known);
      this.bars[i].text.textContent = known ? bar.text : "";
    });
  }

  lightWire({ group, line, label, scissors }, { at, back, flow, size, cut }, step) {
    const returned = step >= back;
    group.classList.toggle("waiting", step < at);
    group.classList.toggle("forward", step === at && at > 0);
    group.classList.toggle("backward", returned);
    group.classList.toggle("cut", cut);
    group.classList.toggle("faint", returned && flow === 0);
    line.style.strokeWidth = returned && !cut ? 1 + 5 * flow : "";
    const marker = returned ? "back" : step === at && at > 0 ? "now" : "on";
    line.setAttribute("marker-end", returned ? "" : `url(#${this.arrows}-${marker})`);
    line.setAttribute("marker-start", returned && !cut && flow ? `url(#${this.arrows}-${marker})` : "");
    label.textContent = returned && size && !cut ? size.text : "";
    scissors.classList.toggle("shut", returned);
  }
}

// A step's part of the gradient: solid what counts, hollow what a cut has taken or changed.
function makeBar({ x, y, width, height, part, whole, sum }, level) {
  const bar = (name, share) => {
    const long = Math.abs(share);
    return svgElement("rect", { class: name, x, width, y: share > 0 ? level - long : level, height: Math.max(long, 0.8) });
  };
  const text = svgElement("text", { class: "grad", x: x + width / 2, y: y + height + 8, "text-anchor": "middle" });
  const group = svgElement("g", { class: sum ? "bar sum" : "bar" }, ...(whole === part ? [] : [bar("whole", whole)]), bar("part", part), text);
  if (sum) group.append(svgElement("text", { class: "row sigma", x: x + width / 2, y: y - 2, "text-anchor": "middle" }, "sum Σ"));
  return { group, text };
}
