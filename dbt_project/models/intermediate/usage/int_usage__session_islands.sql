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
{%- set columns = [
    'event_id', 'content_hash', 'occurred_at', 'anonymous_id', 'user_id', 'session_id', 'platform', 'country', 'plan',
    'acquisition_channel',
] %}

with {{ usage_days(ref('stg_usage__events'), window) }},

events as (
    {{ usage_events(ref('stg_usage__events'), window, columns) }}
),

{{ same_day_users(ref('stg_usage__events'), window) }},

keyed as (
    select
        events.event_date,
        {{ actor_key('events.anonymous_id', 'events.user_id', 'same_day_users.same_day_user_id') }} as actor_key,
        events.anonymous_id,
        events.user_id,
        same_day_users.same_day_user_id,
        events.session_id,
        case when events.session_id is not null then {{ narrow_key('events.session_id') }} end as session_key,
        events.occurred_at,
        events.event_id,
        events.content_hash,
        events.platform,
        events.country,
        events.plan,
        events.acquisition_channel
    from events
    left join same_day_users
        on case when events.user_id is null then events.anonymous_id end = same_day_users.anonymous_id
        and events.occurred_at = same_day_users.occurred_at
),

actor_events as (
    select
        *,
        lag(occurred_at) over (
            partition by event_date, actor_key, session_key
            order by occurred_at asc, event_id asc, content_hash asc
        ) as previous_at
    from keyed
),

-- a gap of exactly thirty minutes stays together; the source's session is one island however long its gaps are
marked as (
    select
        *,
        case
            when previous_at is null then 1
            when session_key is not null then 0
            when {{ micros_between('previous_at', 'occurred_at') }} > 1800000000 then 1
            else 0
        end as is_start
    from actor_events
),

numbered as (
    select
        *,
        cast(sum(is_start) over (
            partition by event_date, actor_key, session_key
            order by occurred_at asc, event_id asc, content_hash asc
            rows between unbounded preceding and current row
        ) as int) as island
    from marked
)

select
    event_date,
    actor_key,
    any_value(anonymous_id) as anonymous_id,
    any_value(user_id) as user_id,
    any_value(same_day_user_id) as same_day_user_id,
    any_value(session_id) as session_id,
    session_key,
    island,
    min(occurred_at) as first_at,
    max(occurred_at) as last_at,
    cast(count(*) as bigint) as event_count,
    max(event_id) filter (where is_start = 1) as first_event_id,
    max(platform) filter (where is_start = 1) as platform,
    max(country) filter (where is_start = 1) as country,
    max(plan) filter (where is_start = 1) as plan,
    max(acquisition_channel) filter (where is_start = 1) as acquisition_channel
from numbered
group by event_date, actor_key, session_key, island
