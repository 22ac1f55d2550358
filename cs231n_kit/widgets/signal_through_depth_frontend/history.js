// Loss, and dead or saturated units, over the steps of training.

import { redraw } from "../frontend/canvas.js";
import { element } from "../frontend/elements.js";
import { brief, percent } from "./canvases.js";

const FRAME = 4; // pixels around a curve

// `lines` are [field, colour, dashes]; `top` is the end of the axis, or null for that of the data.
class HistoryCurve {
  constructor(session, title, lines, top, write) {
    Object.assign(this, { session, title, lines, top, write });
    this.words = element("span", { class: "key" });
    this.canvas = element("canvas", { class: "curve", role: "img" });
    this.node = element("div", { class: "curves" }, element("p", {}, element("b", {}, title), this.words), this.canvas);
  }

  update() {
    const { session } = this;
    const record = session.history.at(-1) ?? [0, null, null, null, null];
    const told = this.write((field) => session.value(record, field));
    if (this.words.textContent !== told) this.words.textContent = told;
    this.canvas.setAttribute("aria-label", `${this.title} ${told}`);
    this.pending ??= requestAnimationFrame(() => {
      this.pending = null;
      redraw(this.canvas, (picture) => this.draw(picture));
    });
  }

  draw({ context, width, height, color }) {
    const { session, lines } = this;
    const { history } = session;
    if (!history.length) return;
    const finite = lines.flatMap(([field]) => history.map((record) => session.value(record, field))).filter((value) => value !== null);
    const top = this.top ?? Math.min(Math.max(...finite, 1e-3) * 1.25, 12);
    const last = Math.max(history.at(-1)[0], 10);
    const x = (step) => FRAME + (step / last) * (width - 2 * FRAME);
    const y = (value) => height - FRAME - (Math.min(value, top) / top) * (height - 3 * FRAME);
    context.strokeStyle = context.fillStyle = color("--ink-soft");
    context.globalAlpha = 0.4;
    context.strokeRect(1.5, 1.5, width - 3, height - 3);
    context.globalAlpha = 1;
    context.textAlign = "right";
    context.fillText(`step ${last.toLocaleString("en")}`, width - 7, 15);
    context.textAlign = "left";
    if (finite.length) context.fillText(this.top ? "100 %" : brief(top), 7, 15);
    for (const [field, name, dashes] of lines) {
      context.strokeStyle = color(name);
      context.lineWidth = 2;
      context.setLineDash(dashes);
      context.beginPath();
      for (const record of history) {
        const value = session.value(record, field);
        if (value !== null) context.lineTo(x(record[0]), y(value));
      }
      context.stroke();
      if (history.length > 1 || session.value(history[0], field) === null) continue;
      context.beginPath();
      context.arc(x(0) + 2, y(session.value(history[0], field)), 3, 0, 2 * Math.PI);
      context.fillStyle = color(name);
      context.fill();
    }
    context.setLineDash([]);
  }
}

export const lossCurve = (session) =>
  new HistoryCurve(session, "Loss", [["loss", "--ink", []]], null, (value) => {
    const chance = Math.log(session.frame?.classes ?? 10);
    return `${brief(value("loss"), 3)} (guessing: ${chance.toFixed(2)})`;
  });

export const unitsCurve = (session) =>
  new HistoryCurve(session, "Units", [["flat", "--ink-soft", [5, 3]], ["stuck", "--stuck", []]], 1, (value) => {
    if (value("flat") === null) return "none can saturate or die";
    const words = session.state.activation === "relu" ? ["outputs 0", "dead"] : ["saturated", "for every input"];
    return `${percent(value("flat"))} ${words[0]}, ${percent(value("stuck"))} ${words[1]}`;
  });
