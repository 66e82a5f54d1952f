-- repeat_purchase_90d: n is the number of first-time buyers.
with

purchases as (
    select
        order_id,
        order_date,
        acquisition_channel,
        plan,
        country,
        case when is_repeated_in_90_days then 1 else 0 end as repeated_count
    from {{ ref('int_retention__first_purchases') }}
),

segmented as (
    {{ by_dimension('purchases', {
        'acquisition_channel': 'acquisition_channel', 'plan': 'plan', 'country': 'country'
    }) }}
    union all
    {{ by_profile_dimension('purchases', ref('int_orders__segments'), 'order_id') }}
),

totals as (
    select
        period_days.grain,
        period_days.period_start,
        segmented.dimension,
        segmented.segment,
        cast(sum(segmented.repeated_count) as decimal(28, 6)) as numerator,
        cast(count(*) as decimal(28, 6)) as denominator
    from segmented
    inner join {{ ref('int_calendar__period_days') }} as period_days on segmented.order_date = period_days.local_date
    group by period_days.grain, period_days.period_start, segmented.dimension, segmented.segment
)

select
    'repeat_purchase_90d' as kpi_id,
    grain,
    period_start,
    dimension,
    segment,
    numerator,
    denominator,
    {{ ratio('numerator', 'denominator') }} as value,
    cast(denominator as bigint) as n
from totals
