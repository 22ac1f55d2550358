// The regions, and Python's answer about the place under the pointer.

import { PlaneSession } from "../frontend/plane_session.js";
import { readRegions } from "../frontend/regions.js";

export class BoundarySession extends PlaneSession {
  parts = ["regions", "probe"];
  outcome = ["regions"];
  frame = null; // { resolution, labels, confidence, image }
  probe = null; // Python's answer about `place`

  show(state) {
    if (state.points.length !== this.state.points.length) this.probe = null;
    if (this.place) this.wants.parts.add("probe");
    super.show(state);
  }

  look(place) {
    if (!place) this.probe = this.failed.probe = null;
    super.look(place);
    if (place) this.ask({ parts: ["probe"] });
  }

  question(part) {
    return part === "probe" ? this.place : true;
  }

  take({ resolution, probe }, buffers, own) {
    if (resolution === 0) this.frame = null;
    if (resolution) this.frame = readRegions(resolution, buffers[0]);
    if (!own) return null;
    if (!this.place) this.failed.probe = null; // the pointer has left meanwhile
    if (probe && this.failed.regions && !this.sent.parts.has("regions")) this.wants.parts.add("regions"); // try again
    if (probe && this.place && !this.wants.state) this.probe = probe;
    return resolution ? { frame: this.frame } : null;
  }
}
