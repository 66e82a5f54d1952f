"""The feature map that hold: the profile's own file, else the project's seed.

The rows come from `orchestration.pipeline.plan`; nothing is decided here.
"""

from orchestration.pipeline.plan import profile_seed_table


def model(dbt, session):
    dbt.config(materialized="table")
    default = dbt.ref("feature_map")
    own = profile_seed_table("feature_map")
    return default if own is None else own
