// What sets the classifier.

import { checkbox, choice, slider } from "../frontend/controls.js";

export function classifierControls(session) {
  const { setup } = session;
  const controls = [];
  if (setup.controls.includes("k"))
    controls.push(slider("k", setup.ranges.k, 1, () => session.state.k,
      (k) => session.edit({ k }, { step: "k", draft: true }), () => session.rest()));
  if (setup.controls.includes("metric")) {
    const hints = { l1: "L1: sum of absolute differences", l2: "L2: Euclidean distance" };
    const metrics = setup.metrics.map((value) => ({ value, text: value.toUpperCase(), hint: hints[value] }));
    controls.push(choice("Distance", metrics, () => session.state.metric, (metric) => session.edit({ metric })));
  }
  const shade = (show_confidence) => session.edit({ show_confidence }, { parts: [] });
  controls.push(checkbox("Show confidence as shade", () => session.state.show_confidence, shade));
  return controls;
}
