"""The plan of the build: what the lake holds per stream and landing day, frozen when the build starts.

The rows come from `orchestration.pipeline.plan`; nothing is decided here.
"""

from orchestration.pipeline.plan import lake_plan_table


def model(dbt, session):
    dbt.config(materialized="table")
    return lake_plan_table()
