"""The judge: checks, sandbox, nbgrader preprocessors, instructor commands."""
