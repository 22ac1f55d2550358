// The view of a widget with a canvas under the mouse, `plane`.

import { View } from "./view.js";

export class PlaneView extends View {
  paint(now) {
    if (now) this.plane.draw();
    else this.plane.update();
  }

  remove() {
    super.remove();
    this.plane.observer.disconnect();
  }
}
