// Numbers over the steps of a training, as lines.

import { redraw } from "./canvas.js";
import { element } from "./elements.js";

// How numbers are written; null is for those that there are not.
export const digits = (value) => (value === null ? "–" : value >= 1e4 ? value.toExponential(1) : value.toPrecision(3));
export const percent = (value) => (value === null ? "–" : `${(100 * value).toFixed(1)} %`);

const MARKS = { train: ["--ink", []], test: ["--test", [5, 3]] };

// `lines` are triples [place in a record, "train" or "test", name]; `top` is the end of the axis, null where it follows.
export class Curve {
  constructor(session, title, lines, write, top) {
    Object.assign(this, { session, title, lines, write, top });
    this.numbers = element("span", { class: "numbers" });
    this.canvas = element("canvas", { class: "curve", role: "img" });
    const line = element("p", {}, element("b", {}, title), this.numbers);
    this.node = element("div", { class: "curves" }, line, this.canvas);
    new ResizeObserver(() => this.update()).observe(this.canvas);
    // Lines have the colours of the theme.
    const themes = new MutationObserver(() => (this.canvas.isConnected ? this.update() : themes.disconnect()));
    themes.observe(document.body, { attributeFilter: ["data-jp-theme-name"] });
  }

  update() {
    const { record } = this.session.facts;
    const texts = this.lines.map(([column, , name]) => `${name} ${this.write(record[column])}`);
    const told = texts.join(", ");
    if (this.told !== told) {
      this.told = told;
      this.numbers.replaceChildren(...texts.map((text, i) => element("span", { class: this.lines[i][1] }, text)));
      this.canvas.setAttribute("aria-label", `${this.title}: ${told}`);
    }
    this.pending ??= requestAnimationFrame(() => {
      this.pending = null;
      redraw(this.canvas, (picture) => this.draw(picture));
    });
  }

  draw({ context, width, height, color }) {
    const { history } = this.session;
    const finite = history.flatMap((record) => this.lines.map(([column]) => record[column])).filter((value) => value !== null);
    const top = this.top ?? roundUp(Math.min(Math.max(...finite, 1e-3), 8));
    const last = Math.max(history.at(-1)?.[0] ?? 0, 10);
    const place = ([step], value) => [2 + (step / last) * (width - 4), height - 3 - (Math.min(value, top) / top) * (height - 8)];
    context.fillStyle = context.strokeStyle = color("--ink-soft");
    context.font = "11px system-ui, sans-serif";
    context.globalAlpha = 0.4;
    context.strokeRect(1.5, 4.5, width - 3, height - 7);
    context.globalAlpha = 1;
    context.textAlign = "left";
    context.fillText(String(top), 5, 16);
    context.textAlign = "right";
    context.fillText(`step ${last.toLocaleString("en")}`, width - 6, this.top ? height - 8 : 16); // where no line is
    for (const [which, part] of this.lines) {
      const [name, dashes] = MARKS[part];
      context.strokeStyle = color(name);
      context.lineWidth = 1.75;
      context.setLineDash(dashes);
      context.beginPath();
      for (const record of history) if (record[which] !== null) context.lineTo(...place(record, record[which]));
      context.stroke();
    }
    context.setLineDash([]);
  }
}

function roundUp(value) {
  const unit = 10 ** Math.floor(Math.log10(value));
  return Number(([1, 1.5, 2, 3, 5, 10].find((step) => step * unit >= value) * unit).toPrecision(2));
}
