"""Interactive figures for lectures and assignments (Jupyter widgets that run offline)."""

from cs231n_kit.widgets.decision_boundary import DecisionBoundary

__all__ = ["DecisionBoundary"]
