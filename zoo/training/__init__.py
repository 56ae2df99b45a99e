"""What trainings of all families share: batches, fit, checkpoints, settings."""
