// The plane with the decision regions or, while one looks at a unit, with the unit's output.

import { mapCanvas, paintMap } from "../frontend/colors.js";
import { INK, drawAxes, drawCross, drawPoints, drawShape } from "../frontend/drawing.js";
import { Plane } from "../frontend/plane.js";
import { drawRegions } from "../frontend/regions.js";

export class PlaygroundPlane extends Plane {
  paint(context) {
    const { session, size } = this;
    const { focus, network, frame, setup, state } = session;
    if (focus && "unit" in focus && network) this.paintUnit(context, focus);
    else drawRegions(context, frame, setup, size, { showConfidence: state.show_confidence });
    drawAxes(context, size);
    if (session.place && this.keyed && session.selected < 0) drawCross(context, this.toPixel(session.place));
    drawPoints(context, session, (place) => this.toPixel(place), size);
    state.points.forEach((point, index) => state.test[index] && this.markTest(context, point, state.labels[index]));
  }

  // Test points have a dark line around their colour.
  markTest(context, point, label) {
    const radius = Math.min(Math.max(this.size / 80, 4.5), 8);
    drawShape(context, this.session.setup.shapes[label], this.toPixel(point), radius, { stroke: INK, width: 1.75 });
  }

  paintUnit(context, { layer, unit }) {
    const { setup } = this.session;
    this.picture ??= mapCanvas(setup.unit_resolution);
    paintMap(this.picture, this.session.unitMap(layer, unit).map, setup.signs);
    context.imageSmoothingEnabled = true;
    context.imageSmoothingQuality = "high";
    context.drawImage(this.picture, 0, 0, this.size, this.size);
  }

  key(event) {
    if (event.key.toLowerCase() !== "t" || event.ctrlKey || event.metaKey || event.altKey) return super.key(event);
    const { session } = this;
    if (session.selected < 0) return this.announce("No point is selected");
    session.edit({ test: session.state.test.map((part, index) => (index === session.selected ? !part : part)) });
    this.announce(this.described(session.selected));
    event.preventDefault();
    event.stopPropagation();
  }

  described(index) {
    return `${super.described(index)}, ${this.session.state.test[index] ? "test" : "training"}`;
  }

  title() {
    const { state, focus } = this.session;
    const shown = focus && "unit" in focus ? `Output of ${this.session.unitName(focus.layer, focus.unit)}` : "Decision regions";
    return `${shown} with ${state.points.length} points in ${state.classes} classes`;
  }
}
