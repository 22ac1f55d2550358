// Loss and accuracy over the steps, on training and on test points.

import { Curve, digits, percent } from "../frontend/curves.js";

const lines = (column) => [[column, "train", "training"], [column + 1, "test", "test"]];

export const lossCurves = (session) => new Curve(session, "Loss", lines(1), digits, null);
export const accuracyCurves = (session) => new Curve(session, "Accuracy", lines(3), percent, 1);
