"""Named data sets, one module a set; those that begin with `_` help several."""
