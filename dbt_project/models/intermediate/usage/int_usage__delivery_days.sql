{{ config(
    materialized='incremental',
    incremental_strategy='append',
    meta={
        'owner': 'product-analytics',
        'frontier': 'days',
        'stream': 'usage_events',
        'settings': ['business:reporting_zone'],
    },
    pre_hook="{{ frontier_clear_days() }}",
    post_hook="{{ frontier_record() }}"
) }}

{%- set window = frontier_days('usage_events', ref('stg_usage__events')) %}

-- The earliest received delivery stays. Only what stands on more than one row is ordered: most ids are single.
with {{ usage_days(ref('stg_usage__events'), window) }},

events as (
    select
        local_days.event_date,
        events.landed_date,
        events.event_id,
        events.content_hash,
        events.received_at,
        events.pulled_at
    from {{ ref('stg_usage__events') }} as events
    {{ join_local_days() }}
    where {{ window.landings }}
),

landed as (
    select
        event_date,
        landed_date,
        count(*) as landed_rows
    from events
    group by event_date, landed_date
),

repeated as (
    select
        event_date,
        event_id,
        min(content_hash) <> max(content_hash) as is_conflict
    from events
    group by event_date, event_id
    having count(*) > 1
),

deliveries as (
    select
        events.event_date,
        events.landed_date,
        repeated.is_conflict,
        row_number() over (
            partition by events.event_date, events.event_id, events.content_hash
            order by events.received_at asc nulls last, events.landed_date asc, events.pulled_at asc
        ) as delivery
    from events
    inner join repeated on events.event_date = repeated.event_date and events.event_id = repeated.event_id
),

repeats as (
    select
        event_date,
        landed_date,
        count(*) filter (where delivery > 1) as duplicate_rows,
        count(*) filter (where is_conflict) as conflict_rows
    from deliveries
    group by event_date, landed_date
)

select
    landed.event_date,
    landed.landed_date,
    cast(landed.landed_rows as bigint) as landed_rows,
    cast(coalesce(repeats.duplicate_rows, 0) as bigint) as duplicate_rows,
    cast(coalesce(repeats.conflict_rows, 0) as bigint) as conflict_rows
from landed
left join repeats on landed.event_date = repeats.event_date and landed.landed_date = repeats.landed_date
