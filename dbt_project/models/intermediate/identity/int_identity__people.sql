-- `person_key` is the narrow key of the id, so that the sweeps over people's days do not sort texts, and the same in
-- every build, so that counts can be kept.
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
    {{ narrow_key('person_id') }} as person_key,
    coalesce(customer_id, person_id) as customer_id,
    has_internal_event,
    cast(event_count as bigint) as event_count
from people
