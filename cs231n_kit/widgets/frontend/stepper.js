// Going step by step: a session with a step in its state, the buttons, the slider and a sentence about the step.

import { button } from "./controls.js";
import { element } from "./elements.js";
import { Session } from "./session.js";

const PLAY_EVERY = 900; // milliseconds

// A widget's own Session says which step is the last, and has a `sentence` about the present one.
export class StepSession extends Session {
  stepParts = []; // what a step asks Python for
  playing = null;

  get position() {
    return Math.min(this.state.step ?? this.last, this.last);
  }

  // How playing goes: milliseconds between two moments, and steps from one to the next.
  get pace() {
    return { every: PLAY_EVERY, steps: 1 };
  }

  go(step) {
    const to = Math.min(Math.max(step, 0), this.last);
    if (to !== this.state.step) this.edit({ step: to }, { step: "step", parts: this.stepParts });
  }

  play() {
    if (this.playing) return this.pause();
    if (this.position === this.last) this.go(0);
    const { every, steps } = this.pace;
    this.playing = setInterval(() => {
      if (this.position >= this.last || !this.views.size) this.pause();
      else this.go(this.position + steps);
    }, every);
    this.notify();
  }

  pause() {
    clearInterval(this.playing);
    this.playing = null;
    this.notify();
  }
}

export function stepper(session) {
  const at = (step) => () => session.go(step());
  const first = button("|◀", "To the inputs (Home)", at(() => 0), () => session.position === 0);
  const back = button("◀", "One step back (←)", at(() => session.position - 1), () => session.position === 0);
  const play = button("▶ Play", "Play or pause (Space)", () => session.play(), () => session.last === 0);
  const on = button("▶", "One step on (→)", at(() => session.position + 1), () => session.position === session.last);
  const end = button("▶|", "To the end (End)", at(() => session.last), () => session.position === session.last);
  const parts = [first, back, play, on, end];
  for (const { node } of parts) node.setAttribute("aria-label", node.title);
  const input = element("input", { type: "range", min: 0, step: 1, "aria-label": "Step" });
  input.addEventListener("input", () => session.go(Number(input.value)));
  const where = element("output", {});
  const sentence = element("p", { class: "sentence", role: "status", "aria-live": "polite" });
  const row = element("div", { class: "steps", role: "group", "aria-label": "Steps" }, ...parts.map(({ node }) => node), input, where);
  const update = () => {
    for (const part of parts) part.update();
    play.node.textContent = session.playing ? "Pause" : "Play";
    if (!session.scene) return;
    input.max = session.last;
    input.value = session.position;
    where.textContent = `step ${session.position} of ${session.last}`;
    const text = session.sentence;
    if (sentence.textContent !== text) sentence.textContent = text;
    input.setAttribute("aria-valuetext", text);
    sentence.className = `sentence ${text.startsWith("Backward") ? "backward" : "forward"}`;
  };
  return { node: element("div", { class: "stepper" }, row, sentence), update };
}

// The keys that every stepper has; returns whether this was one of them.
export function stepKey(session, key) {
  if (key === "ArrowRight") session.go(session.position + 1);
  else if (key === "ArrowLeft") session.go(session.position - 1);
  else if (key === "Home") session.go(0);
  else if (key === "End") session.go(session.last);
  else if (key === " ") session.play();
  else return false;
  return true;
}
