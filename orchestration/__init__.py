"""How numbers move: Dagster's definitions, thin over the plain functions of `pipeline`."""
