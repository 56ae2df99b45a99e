"""Training, shared by all families: batches, fit, checkpoints, settings."""
