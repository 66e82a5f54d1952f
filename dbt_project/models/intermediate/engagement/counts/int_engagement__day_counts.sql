{{ config(
    materialized='incremental',
    incremental_strategy='replace',
    meta={'owner': 'product-analytics', 'frontier': 'counts'},
    post_hook="{{ counts_record() }}"
) }}
{%- set applies = recount_applies() %}
{%- set dimensions = {'platform': 'platform', 'country': 'country', 'plan': 'plan'} %}

-- What a day adds to the counts never depends on later days: those before the first recounted day stay, corrected by
-- people whose past moved.
with uses as (
    select
        event_date,
        platform,
        country,
        plan,
        sum(weight * event_count) as event_count,
        sum(weight * qualifying_event_count) as qualifying_event_count,
        sum(weight * reporting_event_count) as reporting_event_count,
        sum(weight * counted_use_count) as counted_use_count,
        sum(weight * error_count) as error_count
    from {{ ref('int_engagement__recounted_days') }}
    group by event_date, platform, country, plan
),

uses_spread as (
    {{ by_dimension('uses', dimensions) }}
),

sessions as (
    select * from {{ ref('int_engagement__session_counts') }}
),

sessions_spread as (
    {{ by_dimension('sessions', dimensions) }}
),

recounted as (
    select
        measure,
        dimension,
        segment,
        local_date,
        gap_days,
        users as amount
    from {{ ref('int_engagement__gap_counts') }}
    union all
    select
        measure,
        dimension,
        segment,
        local_date,
        gap_days,
        users as amount
    from {{ ref('int_engagement__cohort_counts') }}
    union all
    select
        'feature' as measure,
        'feature' as dimension,
        feature as segment,
        local_date,
        gap_days,
        users as amount
    from {{ ref('int_engagement__feature_gaps') }}
    union all
    select
        'sessions' as measure,
        dimension,
        segment,
        event_date as local_date,
        {{ days_between('started_date', 'event_date') }} as gap_days,
        session_count as amount
    from sessions_spread
    union all
    select
        'session_events' as measure,
        'all' as dimension,
        'all' as segment,
        event_date as local_date,
        {{ days_between('started_date', 'event_date') }} as gap_days,
        event_count as amount
    from sessions
    union all
    select
        'events' as measure,
        'all' as dimension,
        'all' as segment,
        event_date as local_date,
        cast(null as int) as gap_days,
        event_count as amount
    from uses
    {%- for measure in ['qualifying_event_count', 'reporting_event_count', 'counted_use_count', 'error_count'] %}
    union all
    select
        '{{ measure }}' as measure,
        dimension,
        segment,
        event_date as local_date,
        cast(null as int) as gap_days,
        {{ measure }} as amount
    from uses_spread
    {%- endfor %}
),

counts as (
    {%- if applies %}
    select * from recounted
    {%- endif %}
    {%- if is_incremental() and applies %}
    union all
    {%- endif %}
    {%- if is_incremental() %}
    select
        measure,
        dimension,
        segment,
        local_date,
        gap_days,
        amount
    from {{ this }}
    {%- if applies %}
    where local_date < {{ recount_date('from_date') }}
    {%- endif %}
    {%- endif %}
)

select
    measure,
    dimension,
    segment,
    local_date,
    gap_days,
    cast(sum(amount) as bigint) as amount
from counts
group by measure, dimension, segment, local_date, gap_days
having sum(amount) <> 0
-- depends_on: {{ ref('int_identity__actor_people') }}, {{ ref('int_customers__attribute_spans') }}
-- depends_on: {{ ref('int_engagement__first_visits') }}
