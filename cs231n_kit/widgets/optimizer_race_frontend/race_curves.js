// Losses against the step on a logarithmic axis, and the learning rate's share; both are dragged to go to a step.

import { INK } from "../frontend/drawing.js";
import { element } from "../frontend/elements.js";

const LEAST = 1e-12; // loss that is still drawn
const BEYOND = 30; // times the first loss, where the axis ends
const LEFT = 40; // pixels beside the curves, for numbers
const SOFT = "rgb(31 36 48 / 0.7)";
const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";

class StepChart {
  constructor(session, kind, title) {
    this.session = session;
    this.canvas = element("canvas", { class: `curve ${kind}`, role: "img" });
    this.title = element("b", {}, title);
    this.node = element("div", { class: "curves" }, element("p", {}, this.title), this.canvas);
    this.canvas.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      session.pause();
      this.canvas.setPointerCapture(event.pointerId);
      this.scrub(event);
    });
    this.canvas.addEventListener("pointermove", (event) => this.canvas.hasPointerCapture(event.pointerId) && this.scrub(event));
  }

  scrub(event) {
    const box = this.canvas.getBoundingClientRect();
    this.session.go(((event.clientX - box.left - LEFT) / (box.width - LEFT - 8)) * this.session.last);
  }

  across(step) {
    return LEFT + (step / Math.max(this.session.last, 1)) * (this.width - LEFT - 8);
  }

  update() {
    this.canvas.setAttribute("aria-label", this.words());
    this.pending ??= requestAnimationFrame(() => {
      this.pending = null;
      this.draw();
    });
  }

  draw() {
    const { canvas } = this;
    this.width = canvas.clientWidth;
    this.height = canvas.clientHeight;
    const density = window.devicePixelRatio || 1;
    const size = [Math.round(this.width * density), Math.round(this.height * density)];
    if (canvas.width !== size[0] || canvas.height !== size[1]) [canvas.width, canvas.height] = size;
    const context = canvas.getContext("2d");
    context.setTransform(density, 0, 0, density, 0, 0);
    context.clearRect(0, 0, this.width, this.height);
    if (!this.session.race) return;
    context.font = "11px system-ui, sans-serif";
    this.paint(context);
    context.fillStyle = INK;
    context.fillRect(this.across(this.session.position) - 0.75, 2, 1.5, this.height - 20);
    context.fillStyle = SOFT;
    context.textAlign = "left";
    context.fillText("0", LEFT, this.height - 5);
    context.textAlign = "right";
    context.fillText(`step ${this.session.last}`, this.width - 8, this.height - 5);
  }
}

class LossChart extends StepChart {
  words() {
    const { race, setup, position } = this.session;
    const losses = race?.names.map((name, k) => `${setup.titles[name]} ${lossText(this.session, k)}`).join(", ");
    return `Loss above the lowest at step ${position}: ${losses || "no optimizer"}`;
  }

  paint(context) {
    const { race, setup } = this.session;
    const most = BEYOND * Math.max(...race.names.map((_, k) => this.session.loss(k, 0)).filter(Number.isFinite), LEAST);
    const shown = Array.from(race.losses).filter((loss) => loss >= LEAST && loss < most);
    const top = Math.ceil(Math.log10(Math.max(...shown, 1e-11)) + 0.05);
    const bottom = Math.min(Math.floor(Math.log10(Math.min(...shown, 1e12))), top - 1);
    const high = this.height - 20;
    const down = (loss) => 4 + ((top - Math.log10(Math.max(loss, 10 ** bottom))) / (top - bottom)) * (high - 6);
    context.textAlign = "right";
    const every = Math.ceil((top - bottom) / 6);
    for (let power = top; power >= bottom; power--) {
      if ((top - power) % every) continue;
      const y = Math.round(down(10 ** power)) + 0.5;
      context.fillStyle = "rgb(31 36 48 / 0.14)";
      context.fillRect(LEFT, y, this.width - LEFT - 8, 1);
      context.fillStyle = SOFT;
      context.fillText(`10${powerText(power)}`, LEFT - 6, y + 4);
    }
    race.names.forEach((name, k) => {
      context.strokeStyle = setup.colors[this.session.mark(name)];
      context.lineWidth = 2;
      context.beginPath();
      for (let step = 0; step <= race.steps; step++) {
        const loss = this.session.loss(k, step);
        if (Number.isFinite(loss)) context.lineTo(this.across(step), down(loss));
      }
      context.stroke();
    });
  }
}

class RateChart extends StepChart {
  words() {
    const { race, position } = this.session;
    const share = race?.rates.length ? race.rates[Math.min(position, race.steps - 1)] / Math.max(...race.rates) : 1;
    return `Learning rate at step ${position}: ${share.toFixed(3)} of the largest`;
  }

  paint(context) {
    const { rates } = this.session.race;
    const most = Math.max(...rates);
    const high = this.height - 20;
    const down = (share) => 4 + (1 - share) * (high - 6);
    context.fillStyle = SOFT;
    context.textAlign = "right";
    context.fillText("1", LEFT - 6, down(1) + 7);
    context.fillText("0", LEFT - 6, down(0) + 2);
    context.fillStyle = "rgb(31 36 48 / 0.14)";
    context.fillRect(LEFT, down(0), this.width - LEFT - 8, 1);
    context.strokeStyle = INK;
    context.lineWidth = 2;
    context.beginPath();
    rates.forEach((rate, step) => context.lineTo(this.across(step), down(rate / most)));
    context.stroke();
  }
}

export function lossText(session, k) {
  const step = Math.min(session.position, session.race.last[k]);
  const loss = session.loss(k, step);
  if (!Number.isFinite(loss)) return "–";
  if (loss === 0) return "0";
  return (loss >= 1e4 || loss < 1e-2 ? loss.toExponential(1) : loss.toPrecision(3)).replaceAll("-", "−").replace("e+", "e");
}

const powerText = (power) => (power < 0 ? "⁻" : "") + [...String(Math.abs(power))].map((digit) => SUPERSCRIPTS[digit]).join("");

export const lossChart = (session) => new LossChart(session, "losses", "Loss above the lowest");
export const rateChart = (session) => new RateChart(session, "rates", "Learning rate, as a share of the largest");
