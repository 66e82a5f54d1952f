-- `person_key` numbers the people of this build, so that the sweeps over their days sort integers; it is no name of
-- a person outside of one build.
with people as (
    select
        {{ person_id('segment_days') }} as person_id,
        max(segment_days.customer_id) as customer_id,
        bool_or(segment_days.is_internal) as has_internal_event,
        sum(segment_days.event_count) as event_count
    from {{ ref('int_usage__segment_days') }} as segment_days
    {{ join_anonymous_spans('segment_days') }}
    group by 1
)

select
    person_id,
    cast(row_number() over (order by person_id asc) as int) as person_key,
    coalesce(customer_id, person_id) as customer_id,
    has_internal_event,
    cast(event_count as bigint) as event_count
from people
