// A Session whose state has labelled points in the plane, `points` and `labels` of `classes` classes.

import { Session } from "./session.js";

export class PlaneSession extends Session {
  selected = -1; // index of the point that the keys act on
  brush = 0; // the class of the next point
  place = null; // where the pointer rests, or the keyboard's cross

  show(state) {
    this.selected = Math.min(this.selected, state.points.length - 1);
    this.brush = Math.min(this.brush, state.classes - 1);
    super.show(state);
  }

  // Changes what the points are drawn from.
  regenerate(change, options = {}) {
    this.selected = -1;
    this.edit(change, { omit: ["points", "labels"], ...options });
  }

  reset() {
    this.selected = -1;
    super.reset();
  }

  travel(from, to) {
    this.selected = -1;
    return super.travel(from, to);
  }

  follow(message) {
    this.selected = -1;
    super.follow(message);
  }

  agree(state) {
    if (state.points.length !== this.state.points.length) this.selected = -1;
    super.agree(state);
  }

  look(place) {
    this.place = place;
    this.notify();
  }
}
