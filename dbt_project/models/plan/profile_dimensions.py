"""The dimensions that the profile defines, a row for each KPI that has one.

The rows come from `orchestration.pipeline.plan`; nothing is decided here.
"""

from orchestration.pipeline.plan import profile_dimensions_table


def model(dbt, session):
    dbt.config(materialized="table")
    return profile_dimensions_table()
