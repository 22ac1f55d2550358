// Loss and accuracy over the steps, on training and on test points.

import { element } from "../frontend/elements.js";

const digits = (value) => (value === null ? "–" : value >= 1e4 ? value.toExponential(1) : value.toPrecision(3));
const percent = (value) => (value === null ? "–" : `${(100 * value).toFixed(1)} %`);

// `column` is where the training value stands in a record, the test value follows; `top` is the end of the axis.
class Curve {
  constructor(session, title, column, write, top) {
    Object.assign(this, { session, title, column, write, top });
    this.numbers = element("span", { class: "numbers" });
    this.canvas = element("canvas", { class: "curve", role: "img" });
    const line = element("p", {}, element("b", {}, title), this.numbers);
    this.node = element("div", { class: "curves" }, line, this.canvas);
  }

  update() {
    const record = this.session.facts.record;
    const [train, test] = [record[this.column], record[this.column + 1]].map(this.write);
    if (this.told !== `${train} ${test}`) {
      this.told = `${train} ${test}`;
      this.numbers.replaceChildren(mark("train", `training ${train}`), mark("test", `test ${test}`));
      this.canvas.setAttribute("aria-label", `${this.title}: training ${train}, test ${test}`);
    }
    this.pending ??= requestAnimationFrame(() => {
      this.pending = null;
      this.draw();
    });
  }

  draw() {
    const { canvas, session, column } = this;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    const density = window.devicePixelRatio || 1;
    const size = [Math.round(width * density), Math.round(height * density)];
    if (canvas.width !== size[0] || canvas.height !== size[1]) [canvas.width, canvas.height] = size;
    const context = canvas.getContext("2d");
    context.setTransform(density, 0, 0, density, 0, 0);
    context.clearRect(0, 0, width, height);
    const { history } = session;
    const finite = history.flatMap((record) => [record[column], record[column + 1]]).filter((value) => value !== null);
    const top = this.top ?? roundUp(Math.min(Math.max(...finite, 1e-3), 8));
    const last = Math.max(history.at(-1)?.[0] ?? 0, 10);
    const style = getComputedStyle(canvas);
    const place = ([step], value) => [2 + (step / last) * (width - 4), height - 3 - (Math.min(value, top) / top) * (height - 8)];
    context.fillStyle = context.strokeStyle = style.getPropertyValue("--ink-soft");
    context.font = "11px system-ui, sans-serif";
    context.globalAlpha = 0.4;
    context.strokeRect(1.5, 4.5, width - 3, height - 7);
    context.globalAlpha = 1;
    context.textAlign = "left";
    context.fillText(String(top), 5, 16);
    context.textAlign = "right";
    context.fillText(`step ${last.toLocaleString("en")}`, width - 6, this.top ? height - 8 : 16); // where no line is
    const lines = [[column, "--ink", []], [column + 1, "--test", [5, 3]]];
    for (const [which, color, dashes] of lines) {
      context.strokeStyle = style.getPropertyValue(color);
      context.lineWidth = 1.75;
      context.setLineDash(dashes);
      context.beginPath();
      for (const record of history) if (record[which] !== null) context.lineTo(...place(record, record[which]));
      context.stroke();
    }
    context.setLineDash([]);
  }
}

const mark = (part, text) => element("span", { class: part }, text);

function roundUp(value) {
  const unit = 10 ** Math.floor(Math.log10(value));
  return Number(([1, 1.5, 2, 3, 5, 10].find((step) => step * unit >= value) * unit).toPrecision(2));
}

export const lossCurves = (session) => new Curve(session, "Loss", 1, digits, null);
export const accuracyCurves = (session) => new Curve(session, "Accuracy", 3, percent, 1);
