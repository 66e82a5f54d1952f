"""Where numbers come from: contracts, profiles, connectors and the sample company.

Nothing in here knows Dagster, dbt or how a number is orchestrated.
"""
