// The fits as Python computes them.

import { PlaneSession } from "../frontend/plane_session.js";

export class RegressionSession extends PlaneSession {
  parts = ["results"];
  outcome = ["results"];
  results = null; // lines, curves, losses and shares; null where no line is defined
  distribution = null; // of the bins: { bins, shares: Uint8Array, column after column }

  // The point that the readouts are about: the selected one, else the one farthest from the L1 line.
  get example() {
    const { points } = this.state;
    if (this.selected >= 0) return this.selected;
    if (!this.results) return -1;
    const [slope, intercept] = this.results.lines.l1;
    const residuals = points.map(([x, y]) => Math.abs(slope * x + intercept - y));
    return residuals.indexOf(Math.max(...residuals));
  }

  take({ results }, buffers, own) {
    if (results === undefined) return null;
    this.results = results;
    const buffer = buffers[0];
    this.distribution = results && {
      bins: results.bins,
      shares: new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength).slice(),
    };
    return own ? {} : null;
  }
}
