"""Answers about tables of any size, in parts that an engine spreads over processes."""
