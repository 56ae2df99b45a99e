"""Language models: streams, training with carried state, perplexity, generation."""
