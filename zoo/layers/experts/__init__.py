"""Sparsely-gated mixtures of experts: the layer, its gates, and how even they are."""
