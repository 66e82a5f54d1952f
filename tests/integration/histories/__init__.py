"""Random histories of a small company: whatever order its days land and are built in, the marts are the same."""
