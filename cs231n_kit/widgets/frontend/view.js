// One picture of a widget on the page, and the module that anywidget starts.

import { element, uniqueId } from "./elements.js";

// A widget's own View builds its parts ({ node, update }) and returns the children of the root element.
export class View {
  constructor(session, el, name) {
    this.session = session;
    this.helpId = uniqueId("help");
    this.status = element("p", { class: "status", role: "status", "aria-live": "polite" });
    this.announce = (text) => (this.status.textContent = text);
    this.parts = [];
    this.root = element("div", { class: `cs231n-widget ${name}` });
    this.root.append(...this.build());
    // JupyterLab would otherwise delete the cell at "d d", and so on.
    for (const node of this.root.querySelectorAll("canvas, input, select, textarea, button, summary, [tabindex]"))
      node.setAttribute("data-lm-suppress-shortcuts", "true");
    el.append(this.root);
    session.views.add(this);
    this.mark();
    this.update();
  }

  // Keeps parts up to date; returns their nodes.
  keep(...parts) {
    this.parts.push(...parts);
    return parts.map((part) => part.node);
  }

  mark() {
    this.root.setAttribute("aria-busy", Boolean(this.session.inFlight));
  }

  update(painted = null) {
    for (const part of this.parts) part.update();
    this.paint(Boolean(painted));
    if (!painted) return;
    const detail = { ...painted, milliseconds: performance.now() - painted.since };
    this.root.dispatchEvent(new CustomEvent("redraw", { detail, bubbles: true }));
  }

  // Draws the widget's canvas: now, or with the browser's next frame.
  paint() {}

  remove() {
    this.session.views.delete(this);
  }
}

export const widgetModule = (OwnSession, OwnView) => () => {
  let session;
  return {
    initialize({ model }) {
      session = new OwnSession(model);
      session.start();
    },
    render({ el }) {
      const view = new OwnView(session, el);
      return () => view.remove();
    },
  };
};
