-- cancellation_rate: orders that were cancelled within 30 days and before their first parcel left, by order date.
-- Where the profile has no shipments, nothing was shipped as far as is known. By cancelled_by all orders are the base.
with

shipped as (
    select
        order_id,
        min(shipped_at) as first_shipped_at
    from {{ ref('int_fulfilment__shipments') }}
    group by order_id
),

orders as (
    select
        accepted.order_id,
        accepted.order_date,
        accepted.channel,
        accepted.country,
        accepted.cancelled_by,
        case
            when accepted.cancelled_at < {{ add_micros('accepted.ordered_at', '2592000000000') }}
                and (shipped.first_shipped_at is null or accepted.cancelled_at < shipped.first_shipped_at) then 1
            else 0
        end as cancelled_count
    from {{ ref('int_orders__accepted') }} as accepted
    left join shipped on accepted.order_id = shipped.order_id
    where accepted.is_known
),

segmented as (
    {{ by_dimension('orders', {'channel': 'channel', 'country': 'country', 'cancelled_by': 'cancelled_by'}) }}
    union all
    {{ by_profile_dimension('orders', ref('int_orders__segments'), 'order_id') }}
),

totals as (
    select
        period_days.grain,
        period_days.period_start,
        segmented.dimension,
        segmented.segment,
        sum(segmented.cancelled_count) as cancelled_count,
        count(*) as order_count
    from segmented
    inner join {{ ref('int_calendar__period_days') }} as period_days on segmented.order_date = period_days.local_date
    group by period_days.grain, period_days.period_start, segmented.dimension, segmented.segment
),

measured as (
    select
        totals.grain,
        totals.period_start,
        totals.dimension,
        totals.segment,
        cast(totals.cancelled_count as decimal(28, 6)) as numerator,
        cast(
            case totals.dimension when 'cancelled_by' then everything.order_count else totals.order_count end
            as decimal(28, 6)
        ) as denominator
    from totals
    inner join totals as everything
        on totals.grain = everything.grain
        and totals.period_start = everything.period_start
        and everything.dimension = 'all'
    -- an order that was not cancelled has nobody who cancelled it
    where totals.dimension <> 'cancelled_by'
        or totals.cancelled_count > 0
)

select
    'cancellation_rate' as kpi_id,
    grain,
    period_start,
    dimension,
    segment,
    numerator,
    denominator,
    {{ ratio('numerator', 'denominator') }} as value,
    cast(denominator as bigint) as n
from measured
