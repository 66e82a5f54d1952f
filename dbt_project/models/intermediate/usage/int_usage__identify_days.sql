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

with {{ usage_days(ref('stg_usage__events'), window) }},

identified as (
    select
        anonymous_id,
        event_date,
        occurred_at,
        min(user_id) as user_id
    from (
        select
            events.anonymous_id,
            events.user_id,
            events.occurred_at,
            local_days.event_date
        from {{ ref('stg_usage__events') }} as events
        {{ join_local_days() }}
        where {{ window.landings }} and events.anonymous_id is not null and events.user_id is not null
    ) as events
    group by anonymous_id, event_date, occurred_at
)

-- one user per instant, so that the first and the last are never a matter of chance
select
    anonymous_id,
    event_date,
    min_by(user_id, occurred_at) as first_user_id,
    max_by(user_id, occurred_at) as last_user_id
from identified
group by anonymous_id, event_date
