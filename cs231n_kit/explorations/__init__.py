"""The movable figures of the lectures, one file per topic, all made of `Exploration`: controls and a picture."""

from cs231n_kit.explorations.exploration import Exploration, choice, slider

__all__ = ["Exploration", "choice", "slider"]
