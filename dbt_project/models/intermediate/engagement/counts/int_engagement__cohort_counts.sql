{%- set dimensions = {
    'all': "'all'", 'acquisition_channel': 'acquisition_channel', 'plan': 'plan', 'country': 'country',
} %}

-- People of a day by what their first visit was: how long ago they were active first, and of their channel also how
-- long they had not been. One sweep is enough: a person keeps the segments that it came in by.
with

active as (
    select
        is_former,
        person_key,
        event_date,
        weight
    from {{ ref('int_engagement__recounted_days') }}
    where qualifying_event_count > 0
    union all
    select
        false as is_former,
        person_key,
        last_date as event_date,
        0 as weight
    from {{ ref('int_engagement__earlier_days') }}
),

neighbours as (
    select
        *,
        lag(event_date) over (partition by person_key, is_former order by event_date asc) as previous_date
    from active
),

-- a day that stands on several rows is one
days as (
    select
        is_former,
        person_key,
        event_date,
        previous_date,
        weight
    from neighbours
    where weight <> 0
        and (previous_date is null or previous_date < event_date)
),

visits as (
    select
        false as is_former,
        person_key,
        first_active_date,
        acquisition_channel,
        plan,
        country
    from {{ ref('int_engagement__first_visits') }}
    union all
    select
        true as is_former,
        person_key,
        first_active_date,
        acquisition_channel,
        plan,
        country
    from {{ ref('int_engagement__counted_visits') }}
),

people as (
    select
        days.weight,
        days.event_date,
        days.previous_date,
        visits.first_active_date,
        visits.acquisition_channel,
        visits.plan,
        visits.country
    from visits
    inner join days
        on visits.person_key = days.person_key
        and visits.is_former = days.is_former
),

folded as (
    {%- for dimension, segment in dimensions.items() %}
    select
        '{{ dimension }}' as dimension,
        {{ segment }} as segment,
        event_date,
        previous_date,
        first_active_date,
        weight * count(*) as users
    from people
    group by weight, {{ segment ~ ', ' if dimension != 'all' }}event_date, previous_date, first_active_date
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

aged as (
    select
        *,
        {{ days_between('first_active_date', 'event_date') }} as age_days,
        cast(date_trunc('week', event_date) as date) as week_start,
        cast(date_trunc('week', first_active_date) as date) as first_week_start
    from folded
),

measures as (
    select
        'active_by_channel' as measure,
        dimension,
        segment,
        event_date as local_date,
        {{ days_between('previous_date', 'event_date') }} as gap_days,
        users
    from aged
    where dimension = 'acquisition_channel'
    union all
    select
        'back_on_day' as measure,
        dimension,
        segment,
        event_date as local_date,
        age_days as gap_days,
        users
    from aged
    where age_days in (0, 1, 7, 14, 28)
    union all
    select
        'back_in_week' as measure,
        dimension,
        segment,
        event_date as local_date,
        {{ days_between('first_week_start', 'week_start') }} as gap_days,
        users
    from aged
    where previous_date is null or previous_date < week_start
)

select
    measure,
    dimension,
    segment,
    local_date,
    gap_days,
    cast(sum(users) as bigint) as users
from measures
group by measure, dimension, segment, local_date, gap_days
having sum(users) <> 0
