// The unrolled network on the page, put together from its parts.

import { toolbar } from "../frontend/controls.js";
import { element } from "../frontend/elements.js";
import { lessonControl } from "../frontend/lessons.js";
import { helpText, notices } from "../frontend/notices.js";
import { stepper } from "../frontend/stepper.js";
import { View, widgetModule } from "../frontend/view.js";
import { lagPanel } from "./lags.js";
import { UNROLLED_KEYS, UnrolledPicture } from "./network.js";
import { UnrolledSession } from "./session.js";
import { unrolledSettings } from "./settings.js";
import { formulaPanel, unrolledLegend } from "./story.js";
import { weightsPanel } from "./weights.js";

class UnrolledView extends View {
  constructor(session, el) {
    super(session, el, "cs231n-unrolled");
  }

  build() {
    const { session } = this;
    const picture = new UnrolledPicture(session, this.announce, this.helpId);
    const [lesson, settings, drawing, steps] = this.keep(lessonControl(session), unrolledSettings(session), picture, stepper(session));
    const [story, weights, lags, notes, tools] = this.keep(
      formulaPanel(session), weightsPanel(session), lagPanel(session), notices(session, { author: "Python" }),
      toolbar(session, this.announce, "UnrolledNetwork"),
    );
    return [lesson, settings, drawing, unrolledLegend(session), steps, element("div", { class: "below" }, story, weights), lags,
      notes, tools, this.status, helpText(this.helpId, UNROLLED_KEYS)];
  }

  remove() {
    super.remove();
    if (!this.session.views.size) this.session.pause();
  }
}

export default widgetModule(UnrolledSession, UnrolledView);
