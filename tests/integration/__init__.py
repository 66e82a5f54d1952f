"""Tests of whole ways: real sources, real dbt, real Dagster."""
