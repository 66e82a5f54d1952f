{%- set dimensions = {
    'platform': 'platform', 'acquisition_channel': 'acquisition_channel', 'country': 'country',
} %}

-- A person counts once per period and segment: it converted if one of its entries in it did, and abandoned its
-- checkouts if none of them led to an order.
with

-- there is one first visit per person: those of a day need not be told apart
visits as (
    select
        kpi_id,
        entry_date,
        platform,
        acquisition_channel,
        country,
        count(*) as person_count,
        count(*) filter (where is_followed) as followed_count
    from {{ ref('int_conversion__cohorts') }}
    where kpi_id = 'visitor_conversion'
    group by kpi_id, entry_date, platform, acquisition_channel, country
),

segmented_visits as (
    {{ by_dimension('visits', dimensions) }}
),

entries as (
    select *
    from {{ ref('int_conversion__cohorts') }}
    where kpi_id <> 'visitor_conversion'
),

segmented as (
    {{ by_dimension('entries', dimensions) }}
    union all
    {{ by_customer_dimension(ref('int_conversion__cohorts'), 'entry_date', "domain = 'conversion'") }}
),

members as (
    select
        segmented.kpi_id,
        period_days.grain,
        period_days.period_start,
        segmented.dimension,
        segmented.segment,
        segmented.member,
        bool_or(segmented.is_followed) as is_followed
    from segmented
    inner join {{ ref('int_calendar__period_days') }} as period_days on segmented.entry_date = period_days.local_date
    group by
        segmented.kpi_id,
        period_days.grain,
        period_days.period_start,
        segmented.dimension,
        segmented.segment,
        segmented.member
),

counts as (
    select
        kpi_id,
        grain,
        period_start,
        dimension,
        segment,
        count(*) filter (where is_followed = (kpi_id <> 'checkout_abandonment')) as counted,
        count(*) as person_count
    from members
    group by kpi_id, grain, period_start, dimension, segment
    union all
    select
        visits.kpi_id,
        period_days.grain,
        period_days.period_start,
        visits.dimension,
        visits.segment,
        sum(visits.followed_count) as counted,
        sum(visits.person_count) as person_count
    from segmented_visits as visits
    inner join {{ ref('int_calendar__period_days') }} as period_days on visits.entry_date = period_days.local_date
    group by visits.kpi_id, period_days.grain, period_days.period_start, visits.dimension, visits.segment
),

totals as (
    select
        kpi_id,
        grain,
        period_start,
        dimension,
        segment,
        cast(counted as decimal(28, 6)) as numerator,
        cast(person_count as decimal(28, 6)) as denominator,
        cast(person_count as bigint) as n
    from counts
)

select
    kpi_id,
    grain,
    period_start,
    dimension,
    segment,
    numerator,
    denominator,
    {{ ratio('numerator', 'denominator') }} as value,
    n
from totals
