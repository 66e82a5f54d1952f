-- cycle_time and stage_time in hours: taken from the rows of each period, never from other percentiles. They are of
-- what happened, in orders that were cancelled later too. The stages of an order add up to its cycle time. Nobody
-- carries an order before its first scan: what ended before it has no carrier.
with

orders as (
    select * from {{ ref('int_fulfilment__order_facts') }}
),

-- an order of which nothing is shipped has no stages: they lead to its delivery
prepared as (
    select * from orders
    where requires_shipping
),

spans as (
    select
        'cycle_time' as measure,
        cast(null as string) as stage,
        order_id,
        ordered_at as from_at,
        last_delivered_at as to_at,
        last_delivered_date as span_date,
        last_carrier as carrier,
        last_warehouse as warehouse,
        country
    from orders
    union all
    select
        'stage_time' as measure,
        'approve' as stage,
        order_id,
        ordered_at as from_at,
        approved_at as to_at,
        approved_date as span_date,
        cast(null as string) as carrier,
        warehouse,
        country
    from prepared
    union all
    select
        'stage_time' as measure,
        'pick' as stage,
        order_id,
        approved_at as from_at,
        picked_at as to_at,
        picked_date as span_date,
        cast(null as string) as carrier,
        warehouse,
        country
    from prepared
    union all
    select
        'stage_time' as measure,
        'ship' as stage,
        order_id,
        picked_at as from_at,
        first_scan_at as to_at,
        first_scan_date as span_date,
        first_carrier as carrier,
        warehouse,
        country
    from orders
    union all
    select
        'stage_time' as measure,
        'transit' as stage,
        order_id,
        first_scan_at as from_at,
        last_delivered_at as to_at,
        last_delivered_date as span_date,
        last_carrier as carrier,
        last_warehouse as warehouse,
        country
    from orders
),

durations as (
    select
        *,
        cast({{ micros_between('from_at', 'to_at') }} as double) / 3600000000 as duration
    from spans
    where from_at is not null
        and to_at is not null
),

segmented as (
    {{ by_dimension('durations', {
        'carrier': 'carrier', 'warehouse': 'warehouse', 'country': 'country', 'stage': 'stage'
    }) }}
    union all
    {{ by_profile_dimension('durations', ref('int_orders__segments'), 'order_id') }}
),

percentiles as (
    select
        segmented.measure,
        period_days.grain,
        period_days.period_start,
        segmented.dimension,
        segmented.segment,
        cast(percentile_cont(0.5) within group (order by segmented.duration) as decimal(18, 6)) as p50,
        cast(percentile_cont(0.9) within group (order by segmented.duration) as decimal(18, 6)) as p90,
        cast(count(*) as bigint) as n
    from segmented
    inner join {{ ref('int_calendar__period_days') }} as period_days on segmented.span_date = period_days.local_date
    where segmented.measure = 'stage_time'
        or segmented.dimension <> 'stage'
    group by
        segmented.measure, period_days.grain, period_days.period_start, segmented.dimension, segmented.segment
)

select
    percentiles.measure || '_' || shares.name as kpi_id,
    percentiles.grain,
    percentiles.period_start,
    percentiles.dimension,
    percentiles.segment,
    cast(null as decimal(28, 6)) as numerator,
    cast(null as decimal(28, 6)) as denominator,
    cast(case shares.name when 'p50' then percentiles.p50 else percentiles.p90 end as double) as value,
    percentiles.n
from percentiles
cross join (values ('p50'), ('p90')) as shares (name)
