{{ config(
    description='The usage frontier counts exactly the events that are current: as many by actor as by session island.',
    meta={'dagster': {'ref': {'name': 'int_usage__event_counts'}}, 'owner': 'product-analytics', 'subject': 'int_usage__actor_days', 'fix': 'Rebuild the frontier (make rebuild).'}
) }}

with counts as (
    select
        (select coalesce(sum(current_rows), 0) from {{ ref('int_usage__event_counts') }}) as current_rows,
        (select coalesce(sum(event_count), 0) from {{ ref('int_usage__actor_days') }}) as actor_rows,
        (select coalesce(sum(event_count), 0) from {{ ref('int_usage__session_islands') }}) as island_rows
)

select
    current_rows,
    actor_rows,
    island_rows
from counts
where current_rows <> actor_rows or current_rows <> island_rows
