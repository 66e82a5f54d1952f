{{ config(
    description='Every event of a person belongs to one session: neither lost nor counted twice where islands are joined.',
    meta={'dagster': {'ref': {'name': 'int_engagement__session_counts'}}, 'owner': 'product-analytics', 'subject': 'int_engagement__session_counts', 'fix': 'Rebuild the frontier (make rebuild); look for islands that int_engagement__touching_islands holds and int_engagement__sessions does not join.'}
) }}

with counts as (
    select
        (select coalesce(sum(event_count), 0) from {{ ref('int_engagement__person_days') }}) as person_events,
        (select coalesce(sum(event_count), 0) from {{ ref('int_engagement__session_counts') }}) as session_events
)

select
    person_events,
    session_events
from counts
where person_events <> session_events
