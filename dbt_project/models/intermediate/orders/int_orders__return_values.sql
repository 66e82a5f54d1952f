-- return_rate, by the day of the delivery: n is the number of units delivered.
with

units as (
    select * from {{ ref('int_orders__returns') }}
),

segmented as (
    {{ by_dimension('units', {'channel': 'channel', 'country': 'country', 'category': 'category'}) }}
    union all
    {{ by_profile_dimension('units', ref('int_orders__segments'), 'order_id') }}
),

totals as (
    select
        period_days.grain,
        period_days.period_start,
        segmented.dimension,
        segmented.segment,
        cast(sum(segmented.returned_count) as decimal(28, 6)) as numerator,
        cast(sum(segmented.delivered_count) as decimal(28, 6)) as denominator
    from segmented
    inner join {{ ref('int_calendar__period_days') }} as period_days
        on segmented.delivered_date = period_days.local_date
    group by period_days.grain, period_days.period_start, segmented.dimension, segmented.segment
)

select
    'return_rate' as kpi_id,
    grain,
    period_start,
    dimension,
    segment,
    numerator,
    denominator,
    {{ ratio('numerator', 'denominator') }} as value,
    cast(denominator as bigint) as n
from totals
