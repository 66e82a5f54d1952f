"""The steps of the way of a number as plain functions: gate, lake, build, publication. No Dagster in here."""
