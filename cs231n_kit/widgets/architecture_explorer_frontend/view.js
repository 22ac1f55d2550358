// The architecture explorer on the page, put together from its parts.

import { toolbar } from "../frontend/controls.js";
import { element } from "../frontend/elements.js";
import { helpText, notices } from "../frontend/notices.js";
import { View, widgetModule } from "../frontend/view.js";
import { card, detailsPanel, fieldPicture, sharesTables } from "./details.js";
import { BLOCK_KEYS, NetworkPicture } from "./networks.js";
import { ExplorerSession } from "./session.js";
import { legend, measuring, networkSelects, sizeChoice, textBox } from "./settings.js";

class ExplorerView extends View {
  constructor(session, el) {
    super(session, el, "cs231n-explorer");
    this.sizes = new ResizeObserver(() => this.root.clientWidth && session.resize(this.root.clientWidth - 12));
    this.sizes.observe(this.root);
    this.root.addEventListener("focusout", () => session.notify());
  }

  build() {
    const { session } = this;
    const focusOther = (place, x) => this.pictures[place]?.focusAt(x);
    this.pictures = [0, 1].map((place) => new NetworkPicture(session, place, this.announce, this.helpId, focusOther));
    const bar = element("div", { class: "bar" }, ...this.keep(...networkSelects(session), sizeChoice(session)));
    return [
      bar,
      ...this.keep(textBox(session), measuring(session), legend(session), ...this.pictures),
      element("div", { class: "below" }, ...this.keep(detailsPanel(session), fieldPicture(session))),
      ...this.keep(sharesTables(session), notices(session, { author: "Python" }), toolbar(session, this.announce, "ArchitectureExplorer")),
      ...this.keep(card(session, ([place, id]) => this.pictures[place].nodes.get(id), () => this.focused())),
      this.status,
      helpText(this.helpId, BLOCK_KEYS),
    ];
  }

  // The block that the keyboard came to, as [place, id], or null.
  focused() {
    const block = this.root.querySelector(".network [data-id]:focus-visible");
    return block && [this.pictures.findIndex(({ svg }) => svg.contains(block)), block.dataset.id];
  }

  remove() {
    this.sizes.disconnect();
    super.remove();
  }
}

export default widgetModule(ExplorerSession, ExplorerView);
