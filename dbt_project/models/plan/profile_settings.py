"""The settings of the profile that models compute with, as rows of section, key and value.

The rows come from `orchestration.pipeline.plan`; nothing is decided here.
"""

from orchestration.pipeline.plan import profile_settings_table


def model(dbt, session):
    dbt.config(materialized="table")
    return profile_settings_table()
