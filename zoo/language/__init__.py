"""Language models: streams of tokens, training with carried state, perplexity."""
