-- `person_key` numbers the people of this build, so that the sweeps over their days sort integers; it is no name of
-- a person outside of one build.
with actor_days as (
    select
        {{ person_id('actor_days') }} as person_id,
        actor_days.customer_id,
        actor_days.is_internal
    from {{ ref('int_usage__actor_days') }} as actor_days
    left join {{ ref('int_identity__anonymous_days') }} as anonymous_days
        on {{ open_anonymous_id('actor_days') }} = anonymous_days.anonymous_id
        and actor_days.event_date = anonymous_days.event_date
),

people as (
    select
        person_id,
        coalesce(max(customer_id), person_id) as customer_id,
        bool_or(is_internal) as has_internal_event
    from actor_days
    group by person_id
)

select
    person_id,
    cast(row_number() over (order by person_id asc) as bigint) as person_key,
    customer_id,
    has_internal_event
from people
