"""Keeps pytest's search for doctests away from the script that needs addons."""

collect_ignore = ["generate.py"]
