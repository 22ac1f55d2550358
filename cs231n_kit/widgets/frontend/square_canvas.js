// A square canvas under a mouse, a finger and the keyboard, as sharp as the screen.

import { element } from "./elements.js";

// One of a widget's own says what `press`, `move`, `release`, `cancel` and `key` do, and in `grasps(pixel)` where a finger
// drags (elsewhere it scrolls the page); it draws itself in `paint(context)` and says in `title()` what it shows.
export class SquareCanvas {
  constructor(session, announce, attributes) {
    this.session = session;
    this.announce = announce;
    this.canvas = element("canvas", {
      class: "plot",
      tabindex: "0",
      role: "application",
      onpointerdown: (event) => this.press(event),
      onpointermove: (event) => this.move(event),
      onpointerup: (event) => this.release(event),
      onpointercancel: (event) => this.cancel(event),
      onkeydown: (event) => this.key(event),
      ...attributes,
    });
    this.canvas.addEventListener(
      "touchstart",
      (event) => this.grasps(this.inside(event.touches[0])) && event.preventDefault(),
      { passive: false },
    );
    this.observer = new ResizeObserver(() => this.resize());
    this.observer.observe(this.canvas);
  }

  resize() {
    this.size = this.canvas.clientWidth;
    this.density = window.devicePixelRatio || 1;
    this.canvas.width = this.canvas.height = Math.round(this.size * this.density);
    this.draw();
  }

  update() {
    this.pending ??= requestAnimationFrame(() => {
      this.pending = null;
      this.draw();
    });
  }

  draw() {
    if (!this.size) return;
    if (this.density !== window.devicePixelRatio) return void this.resize();
    const context = this.canvas.getContext("2d");
    context.setTransform(this.density, 0, 0, this.density, 0, 0);
    this.paint(context);
    this.canvas.setAttribute("aria-label", this.title());
  }

  // Where an event is, in pixels of the canvas.
  inside(event) {
    const box = this.canvas.getBoundingClientRect();
    return [event.clientX - box.left - this.canvas.clientLeft, event.clientY - box.top - this.canvas.clientTop];
  }
}
