-- open_orders and open_orders_age_p50 (hours): what is neither delivered nor cancelled at the end of a period. Who
-- carries it is known from the first scan on; told earlier, it would change the past.
with

orders as (
    select
        *,
        coalesce(closed_at, cast('9999-12-31 00:00:00' as timestamp)) as open_until_at
    from {{ ref('int_fulfilment__order_facts') }}
    where requires_shipping
),

open_orders as (
    select
        periods.grain,
        periods.period_start,
        orders.order_id,
        case when orders.first_scan_at < periods.period_end_at then orders.first_carrier end as carrier,
        orders.warehouse,
        orders.country,
        cast({{ micros_between('orders.ordered_at', 'periods.period_end_at') }} as double) / 3600000000 as age
    from {{ ref('int_calendar__periods') }} as periods
    inner join orders
        on periods.period_end_at > orders.ordered_at
        and periods.period_end_at <= orders.open_until_at
),

segmented as (
    {{ by_dimension('open_orders', {'carrier': 'carrier', 'warehouse': 'warehouse', 'country': 'country'}) }}
    union all
    {{ by_profile_dimension('open_orders', ref('int_orders__segments'), 'order_id') }}
),

totals as (
    select
        grain,
        period_start,
        dimension,
        segment,
        cast(count(*) as bigint) as n,
        cast(percentile_cont(0.5) within group (order by age) as decimal(18, 6)) as age_p50
    from segmented
    group by grain, period_start, dimension, segment
)

select
    'open_orders' as kpi_id,
    grain,
    period_start,
    dimension,
    segment,
    cast(n as decimal(28, 6)) as numerator,
    cast(null as decimal(28, 6)) as denominator,
    cast(n as double) as value,
    n
from totals
union all
select
    'open_orders_age_p50' as kpi_id,
    grain,
    period_start,
    dimension,
    segment,
    cast(null as decimal(28, 6)) as numerator,
    cast(null as decimal(28, 6)) as denominator,
    cast(age_p50 as double) as value,
    n
from totals
