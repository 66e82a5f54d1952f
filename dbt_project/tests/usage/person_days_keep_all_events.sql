{{ config(
    description='Stitching neither loses nor doubles an event: what the raw actors did is what people did, internal ones aside.',
    meta={'dagster': {'ref': {'name': 'int_engagement__person_days'}}, 'owner': 'product-analytics', 'subject': 'int_engagement__person_days', 'fix': 'Look for spans that overlap in int_identity__anonymous_spans or int_customers__attribute_spans, or a person_id that stands twice in int_identity__people.'}
) }}

with counts as (
    select
        (select coalesce(sum(event_count), 0) from {{ ref('int_usage__actor_days') }}) as raw_events,
        (select coalesce(sum(event_count), 0) from {{ ref('int_engagement__person_days') }}) as person_events,
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
