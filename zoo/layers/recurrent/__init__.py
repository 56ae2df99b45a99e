"""Recurrent layers on the zoo's scan, one kind of cell per file."""
