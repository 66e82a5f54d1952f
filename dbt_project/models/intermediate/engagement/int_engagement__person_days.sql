-- What the event says of plan and country stands; where it says nothing, what the customer's history says of that date.
-- Rows of several raw actors of one person are not merged: sums add up the same, and the sweeps skip repeated days.
with people as (
    select
        people.person_id,
        people.person_key,
        people.customer_id
    from {{ ref('int_identity__people') }} as people
    left join {{ ref('int_identity__internal_people') }} as internal_people
        on people.person_id = internal_people.person_id
    where internal_people.person_id is null
)

select
    people.person_key,
    segment_days.event_date,
    coalesce(nullif(segment_days.platform, ''), 'unknown') as platform,
    coalesce(nullif(segment_days.country, ''), nullif(spans.country, ''), 'unknown') as country,
    coalesce(nullif(segment_days.plan, ''), nullif(spans.plan, ''), 'unknown') as plan,
    segment_days.features,
    segment_days.has_feature,
    segment_days.event_count,
    segment_days.qualifying_event_count,
    segment_days.reporting_event_count,
    segment_days.counted_use_count,
    segment_days.error_count
from {{ ref('int_usage__segment_days') }} as segment_days
{{ join_anonymous_spans('segment_days') }}
inner join people on {{ person_id('segment_days') }} = people.person_id
left join {{ ref('int_customers__attribute_spans') }} as spans
    on people.customer_id = spans.customer_id
    and segment_days.event_date >= spans.valid_from_date
    and segment_days.event_date < spans.valid_to_date
