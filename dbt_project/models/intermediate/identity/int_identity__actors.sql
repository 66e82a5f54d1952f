-- Down from days to actors by a narrow key, before anything is asked of the ids.
select
    actor_days.actor_key,
    coalesce(anonymous_spans.from_date, date '0001-01-01') as from_date,
    coalesce(anonymous_spans.to_date, date '9999-12-31') as to_date,
    any_value({{ person_id('actor_days') }}) as person_id,
    max(actor_days.customer_id) as customer_id,
    bool_or(actor_days.is_internal) as has_internal_event,
    cast(coalesce(
        sum(actor_days.event_count) filter (where actor_days.event_date >= settings.first_day), 0
    ) as bigint) as event_count
from {{ ref('int_usage__actor_days') }} as actor_days
cross join {{ ref('int_calendar__settings') }} as settings
{{ join_anonymous_spans('actor_days') }}
group by actor_days.actor_key, anonymous_spans.from_date, anonymous_spans.to_date
