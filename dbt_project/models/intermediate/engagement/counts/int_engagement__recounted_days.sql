-- What the event says of plan and country stands; where it says nothing, what the customer's history says of that date
-- (asked for in the key of the join, so that only such rows look it up). Rows of several raw actors of one person are
-- not merged: sums add up the same, and the sweeps skip repeated days.
select
    false as is_former,
    1 as weight,
    people.person_key,
    actor_days.event_date,
    coalesce(nullif(actor_days.platform, ''), 'unknown') as platform,
    coalesce(nullif(actor_days.country, ''), nullif(spans.country, ''), 'unknown') as country,
    coalesce(nullif(actor_days.plan, ''), nullif(spans.plan, ''), 'unknown') as plan,
    actor_days.features,
    actor_days.has_feature,
    actor_days.event_count,
    actor_days.qualifying_event_count,
    actor_days.reporting_event_count,
    actor_days.counted_use_count,
    actor_days.error_count
from {{ ref('int_usage__actor_days') }} as actor_days
{{ join_people('actor_days') }}
left join {{ ref('int_customers__attribute_spans') }} as spans
    on case
        when nullif(actor_days.country, '') is null or nullif(actor_days.plan, '') is null then people.customer_id
    end = spans.customer_id
    and actor_days.event_date >= spans.valid_from_date
    and actor_days.event_date < spans.valid_to_date
where actor_days.event_date >= {{ recount_date('from_date') }}
union all
select
    moved.is_former,
    case when moved.is_former then -1 else 1 end as weight,
    moved.person_key,
    actor_days.event_date,
    coalesce(nullif(actor_days.platform, ''), 'unknown') as platform,
    coalesce(nullif(actor_days.country, ''), nullif(moved.country, ''), 'unknown') as country,
    coalesce(nullif(actor_days.plan, ''), nullif(moved.plan, ''), 'unknown') as plan,
    actor_days.features,
    actor_days.has_feature,
    actor_days.event_count,
    actor_days.qualifying_event_count,
    actor_days.reporting_event_count,
    actor_days.counted_use_count,
    actor_days.error_count
from {{ ref('int_usage__actor_days') }} as actor_days
inner join {{ ref('int_engagement__moved_actors') }} as moved
    on actor_days.actor_key = moved.actor_key
    and actor_days.event_date >= moved.from_date
    and actor_days.event_date < moved.to_date
where actor_days.event_date >= {{ recount_date('first_day') }}
    and actor_days.event_date < {{ recount_date('from_date') }}
