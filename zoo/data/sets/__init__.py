"""Named data sets, one per module; modules that begin with `_` are helpers."""
