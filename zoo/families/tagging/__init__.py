"""Taggers: a tag for every word of a text, and labels of the whole text."""
