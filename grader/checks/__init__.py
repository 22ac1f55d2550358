"""How each notebook is judged: one module a notebook, named as the notebook is."""
