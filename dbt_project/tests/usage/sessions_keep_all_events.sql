{{ config(
    description='Every event of a person belongs to one session: neither lost nor counted twice where islands are joined.',
    meta={'dagster': {'ref': {'name': 'int_engagement__day_counts'}}, 'owner': 'product-analytics', 'subject': 'int_engagement__day_counts', 'fix': 'Rebuild the counts (make rebuild); look for islands that int_engagement__touching_islands holds and int_engagement__session_parts does not join.'}
) }}

with counts as (
    select
        coalesce(sum(amount) filter (where measure = 'events'), 0) as person_events,
        coalesce(sum(amount) filter (where measure = 'session_events'), 0) as session_events
    from {{ ref('int_engagement__day_counts') }}
)

select
    person_events,
    session_events
from counts
where person_events <> session_events
