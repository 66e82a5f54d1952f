-- What an event says of country and plan counts, else what the customer's history says of that day.
select
    people.person_key,
    days.event_date,
    days.platform,
    coalesce(nullif(days.country, ''), spans.country) as country,
    coalesce(nullif(days.plan, ''), spans.plan) as plan,
    days.has_feature,
    days.qualifying_event_count,
    days.counted_use_count,
    days.error_count
from {{ source('warehouse', 'int_usage__actor_days') }} as days
inner join {{ source('warehouse', 'int_identity__actor_people') }} as people
    on days.actor_key = people.actor_key
    and days.event_date >= people.from_date
    and days.event_date < people.to_date
left join {{ source('warehouse', 'int_customers__attribute_spans') }} as spans
    on people.customer_id = spans.customer_id
    and days.event_date >= spans.valid_from_date
    and days.event_date < spans.valid_to_date
