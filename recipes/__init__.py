"""Recipes: one module a task, run by `zoo train` or by `python -m recipes.<name>`."""
