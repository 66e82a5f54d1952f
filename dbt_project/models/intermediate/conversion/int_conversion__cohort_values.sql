-- A person counts once per period and segment: it converted if one of its entries in it did, and abandoned its
-- checkouts if none of them led to an order.
with

segmented as (
    {{ by_dimension(ref('int_conversion__cohorts'), {
        'platform': 'platform', 'acquisition_channel': 'acquisition_channel', 'country': 'country'
    }) }}
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

totals as (
    select
        kpi_id,
        grain,
        period_start,
        dimension,
        segment,
        cast(
            count(*) filter (where is_followed = (kpi_id <> 'checkout_abandonment')) as decimal(28, 6)
        ) as numerator,
        cast(count(*) as decimal(28, 6)) as denominator,
        cast(count(*) as bigint) as n
    from members
    group by kpi_id, grain, period_start, dimension, segment
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
