{{ config(
    description='The fulfilment KPIs of a day count just the rows of fct_orders__orders that they are drilled through to, percentiles included.',
    severity='error',
    meta={'dagster': {'ref': {'name': 'fct_orders__orders'}}, 'owner': 'operations', 'subject': 'fct_orders__orders', 'fix': 'Compare the condition of the KPI in int_fulfilment__*_values with the columns of the mart: both have to tell the same rows.'}
) }}

with

orders as (
    select * from {{ ref('fct_orders__orders') }}
),

counted as (
    select
        'on_time_delivery' as kpi_id,
        promised_date as local_date,
        case when is_on_time then 1 else 0 end as hit,
        cast(null as double) as hours
    from orders
    where is_on_time is not null
    union all
    select
        'otif' as kpi_id,
        promised_date as local_date,
        case when is_on_time and is_complete_in_first_delivery then 1 else 0 end as hit,
        cast(null as double) as hours
    from orders
    where is_on_time is not null
    union all
    select
        'on_time_shipment' as kpi_id,
        ship_by_date as local_date,
        case when is_shipped_on_time then 1 else 0 end as hit,
        cast(null as double) as hours
    from orders
    where is_shipped_on_time is not null
    union all
    select
        'open_orders' as kpi_id,
        days.calendar_date as local_date,
        1 as hit,
        cast(null as double) as hours
    from orders
    inner join {{ ref('dim_date') }} as days
        on orders.ordered_at < days.ended_at
        and coalesce(orders.closed_at, cast('9999-12-31 00:00:00' as timestamp)) >= days.ended_at
    where orders.is_to_be_shipped
    union all
    select
        'cycle_time' as kpi_id,
        last_delivered_date as local_date,
        0 as hit,
        cycle_time_hours as hours
    from orders
    where cycle_time_hours is not null
    {%- for stage, date_column in [
        ('approve', 'approved_date'), ('pick', 'picked_date'), ('ship', 'first_scan_date'), ('transit', 'last_delivered_date')
    ] %}
    union all
    select
        'stage_time' as kpi_id,
        {{ date_column }} as local_date,
        0 as hit,
        {{ stage }}_hours as hours
    from orders
    where {{ stage }}_hours is not null
    {%- endfor %}
),

daily as (
    select
        kpi_id,
        local_date,
        sum(hit) as hit_count,
        count(*) as row_count,
        cast(percentile_cont(0.5) within group (order by hours) as decimal(18, 6)) as p50,
        cast(percentile_cont(0.9) within group (order by hours) as decimal(18, 6)) as p90
    from counted
    group by kpi_id, local_date
),

facts as (
    select
        *,
        case
            when kpi_id like 'cycle_time_p%' or kpi_id like 'stage_time_p%' then substr(kpi_id, 1, 10)
            else kpi_id
        end as counted_id
    from {{ ref('fct_kpi') }}
    where grain = 'day'
        and dimension = 'all'
        and is_complete
),

wanted as (
    select distinct kpi_id from counted
)

select
    facts.kpi_id,
    facts.period_start,
    facts.value,
    facts.numerator,
    facts.n,
    daily.hit_count,
    daily.row_count,
    daily.p50,
    daily.p90
from facts
inner join wanted on facts.counted_id = wanted.kpi_id
left join daily
    on facts.counted_id = daily.kpi_id
    and facts.period_start = daily.local_date
where facts.n <> coalesce(daily.row_count, 0)
    or coalesce(facts.numerator, coalesce(daily.hit_count, 0)) <> coalesce(daily.hit_count, 0)
    or (facts.kpi_id like '%_time_p50' and facts.value is distinct from cast(daily.p50 as double))
    or (facts.kpi_id like '%_time_p90' and facts.value is distinct from cast(daily.p90 as double))
