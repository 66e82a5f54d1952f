-- `person_key` numbers the people of this build, so that the sweeps over their days sort integers; it is no name of
-- a person outside of one build.
with people as (
    select
        person_id,
        max(customer_id) as customer_id,
        bool_or(has_internal_event) as has_internal_event,
        sum(event_count) as event_count
    from {{ ref('int_identity__actors') }}
    group by person_id
)

select
    person_id,
    cast(row_number() over (order by person_id asc) as int) as person_key,
    coalesce(customer_id, person_id) as customer_id,
    has_internal_event,
    cast(event_count as bigint) as event_count
from people
