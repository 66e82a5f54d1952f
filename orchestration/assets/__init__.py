"""Assets: one per step of the way, each a thin wrapping of a function in `pipeline`."""
