-- on_time_delivery, otif, on_time_shipment: shares of the orders that were to be there, or on their way, by a day.
with

orders as (
    select * from {{ ref('int_fulfilment__order_facts') }}
),

facts as (
    select
        kpis.kpi_id,
        orders.order_id,
        orders.promised_date as fact_date,
        case
            when orders.is_on_time and (kpis.kpi_id = 'on_time_delivery' or orders.is_complete_in_first_delivery) then 1
            else 0
        end as hit,
        orders.last_carrier as carrier,
        orders.last_warehouse as warehouse,
        orders.country
    from orders
    cross join (values ('on_time_delivery'), ('otif')) as kpis (kpi_id)
    where orders.is_on_time is not null
    union all
    select
        'on_time_shipment' as kpi_id,
        order_id,
        ship_by_date as fact_date,
        case when is_shipped_on_time then 1 else 0 end as hit,
        first_carrier as carrier,
        warehouse,
        country
    from orders
    where is_shipped_on_time is not null
),

segmented as (
    {{ by_dimension('facts', {'carrier': 'carrier', 'warehouse': 'warehouse', 'country': 'country'}) }}
    union all
    {{ by_profile_dimension('facts', ref('int_orders__segments'), 'order_id') }}
),

totals as (
    select
        segmented.kpi_id,
        period_days.grain,
        period_days.period_start,
        segmented.dimension,
        segmented.segment,
        cast(sum(segmented.hit) as decimal(28, 6)) as numerator,
        cast(count(*) as decimal(28, 6)) as denominator,
        cast(count(*) as bigint) as n
    from segmented
    inner join {{ ref('int_calendar__period_days') }} as period_days on segmented.fact_date = period_days.local_date
    group by
        segmented.kpi_id, period_days.grain, period_days.period_start, segmented.dimension, segmented.segment
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
