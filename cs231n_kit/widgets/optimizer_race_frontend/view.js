// The race on the page, put together from its parts.

import { toolbar } from "../frontend/controls.js";
import { element } from "../frontend/elements.js";
import { lessonControl } from "../frontend/lessons.js";
import { helpText, notices } from "../frontend/notices.js";
import { PlaneView } from "../frontend/plane_view.js";
import { widgetModule } from "../frontend/view.js";
import { lossChart, rateChart } from "./race_curves.js";
import { RACE_KEYS, RacePlane } from "./race_plane.js";
import { racerTable } from "./racers.js";
import { RaceSession } from "./session.js";
import { mapButtons, runSettings, stepper, surfaceSettings } from "./settings.js";

class RaceView extends PlaneView {
  constructor(session, el) {
    super(session, el, "cs231n-race");
  }

  build() {
    const { session } = this;
    this.plane = new RacePlane(session, this.announce, this.helpId);
    const [lesson, steps, table, notes] = this.keep(
      lessonControl(session), stepper(session), racerTable(session), notices(session, { author: "Python" }),
    );
    const tools = this.keep(toolbar(session, this.announce, "OptimizerRace", ...mapButtons(session)));
    const curves = this.keep(lossChart(session), rateChart(session));
    const settings = this.keep(...surfaceSettings(session), ...runSettings(session));
    return [
      lesson,
      element("div", { class: "stage" }, this.plane.canvas, steps, ...tools, this.status,
        element("div", { class: "settings" }, ...settings)),
      element("div", { class: "side" }, ...curves, table),
      element("div", { class: "wide" }, notes, helpText(this.helpId, RACE_KEYS)),
    ];
  }

  remove() {
    super.remove();
    if (!this.session.views.size) this.session.pause();
  }
}

export default widgetModule(RaceSession, RaceView);
