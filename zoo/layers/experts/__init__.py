"""Sparsely-gated mixtures of experts: the layer, its gates and its metrics."""
