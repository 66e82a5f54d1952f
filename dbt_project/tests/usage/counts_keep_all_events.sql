{{ config(
    description='Stitching neither loses nor doubles an event: what the raw actors did is what people did, internal ones aside.',
    meta={'dagster': {'ref': {'name': 'int_engagement__day_counts'}}, 'owner': 'product-analytics', 'subject': 'int_engagement__day_counts', 'fix': 'Look for spans that overlap in int_identity__anonymous_spans or int_customers__attribute_spans, or a person_id that stands twice in int_identity__people; rebuild the counts (make rebuild).'}
) }}

with counts as (
    select
        (
            select coalesce(sum(actor_days.event_count), 0)
            from {{ ref('int_usage__actor_days') }} as actor_days
            inner join {{ ref('int_calendar__settings') }} as settings on actor_days.event_date >= settings.first_day
        ) as raw_events,
        (
            select coalesce(sum(amount), 0)
            from {{ ref('int_engagement__day_counts') }}
            where measure = 'events'
        ) as person_events,
        (
            select coalesce(sum(people.event_count), 0)
            from {{ ref('int_identity__people') }} as people
            inner join {{ ref('int_identity__internal_people') }} as internal_people
                on people.person_id = internal_people.person_id
        ) as internal_events
)

select
    raw_events,
    person_events,
    internal_events
from counts
where raw_events <> person_events + internal_events
