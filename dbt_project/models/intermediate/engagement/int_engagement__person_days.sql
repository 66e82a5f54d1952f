-- What the event says of plan and country stands; where it says nothing, what the customer's history says of that date.
with actor_days as (
    select
        actor_days.*,
        {{ person_id('actor_days') }} as person_id
    from {{ ref('int_usage__actor_days') }} as actor_days
    left join {{ ref('int_identity__anonymous_days') }} as anonymous_days
        on {{ open_anonymous_id('actor_days') }} = anonymous_days.anonymous_id
        and actor_days.event_date = anonymous_days.event_date
),

people as (
    select
        people.person_id,
        people.person_key,
        people.customer_id
    from {{ ref('int_identity__people') }} as people
    left join {{ ref('int_identity__internal_people') }} as internal_people
        on people.person_id = internal_people.person_id
    where internal_people.person_id is null
),

segmented as (
    select
        people.person_key,
        actor_days.event_date,
        coalesce(nullif(actor_days.platform, ''), 'unknown') as platform,
        coalesce(nullif(actor_days.country, ''), nullif(spans.country, ''), 'unknown') as country,
        coalesce(nullif(actor_days.plan, ''), nullif(spans.plan, ''), 'unknown') as plan,
        nullif(actor_days.feature, '') as feature,
        actor_days.event_count,
        actor_days.qualifying_event_count,
        actor_days.reporting_event_count,
        actor_days.counted_use_count,
        actor_days.error_count
    from actor_days
    inner join people on actor_days.person_id = people.person_id
    left join {{ ref('int_customers__attribute_spans') }} as spans
        on people.customer_id = spans.customer_id
        and actor_days.event_date >= spans.valid_from_date
        and actor_days.event_date < spans.valid_to_date
)

select
    person_key,
    event_date,
    platform,
    country,
    plan,
    feature,
    cast(sum(event_count) as bigint) as event_count,
    cast(sum(qualifying_event_count) as bigint) as qualifying_event_count,
    cast(sum(reporting_event_count) as bigint) as reporting_event_count,
    cast(sum(counted_use_count) as bigint) as counted_use_count,
    cast(sum(error_count) as bigint) as error_count
from segmented
group by person_key, event_date, platform, country, plan, feature
