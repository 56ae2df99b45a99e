"""Families of models: what is trained, reported, searched and served alike."""
