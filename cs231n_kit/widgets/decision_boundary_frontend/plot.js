// The plane with the regions, and the vote at the pointer.

import { draw } from "./drawing.js";
import { placeText } from "../frontend/elements.js";
import { Plane } from "../frontend/plane.js";
import { verdictText } from "./readouts.js";

export class Plot extends Plane {
  update() {
    super.update();
    const { probe, selected } = this.session;
    if (!this.keyed || !probe || probe === this.told) return;
    this.told = probe;
    const where = selected < 0 ? placeText(probe.place) : this.described(selected);
    this.announce(`${where}: ${verdictText(probe)}`);
  }

  paint(context) {
    draw(context, this.session, (place) => this.toPixel(place), this.size);
  }

  title() {
    const { points, classes } = this.session.state;
    return `Decision boundary with ${points.length} points in ${classes} classes`;
  }
}
