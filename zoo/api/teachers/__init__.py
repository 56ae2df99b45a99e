"""Teachers: what says how likely each label of a text is, one kind a file."""
