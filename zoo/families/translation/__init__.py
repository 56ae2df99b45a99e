"""Translation: pairs of texts, their pieces, training and search."""
