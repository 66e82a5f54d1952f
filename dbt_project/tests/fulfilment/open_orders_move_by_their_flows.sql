{{ config(
    description='open_orders(t) = open_orders(t-1) + placed - delivered or cancelled, day by day.',
    severity='error',
    meta={'dagster': {'ref': {'name': 'fct_kpi'}}, 'owner': 'operations', 'subject': 'open_orders', 'fix': 'Compare the orders of the day in int_fulfilment__order_facts with int_fulfilment__open_values.'}
) }}

-- The stock is counted order by order at the end of each day, not summed from the flows.
with

days as (
    select
        period_start as local_date,
        numerator as open_count
    from {{ ref('fct_kpi') }}
    where kpi_id = 'open_orders'
        and grain = 'day'
        and dimension = 'all'
        and is_complete
),

flows as (
    select
        order_date as local_date,
        1 as change
    from {{ ref('int_fulfilment__order_facts') }}
    where requires_shipping
    union all
    select
        greatest(closed_date, order_date) as local_date,
        -1 as change
    from {{ ref('int_fulfilment__order_facts') }}
    where requires_shipping
        and closed_at is not null
),

daily as (
    select
        local_date,
        sum(change) as change
    from flows
    group by local_date
),

moved as (
    select
        days.local_date,
        days.open_count,
        lag(days.local_date) over (order by days.local_date) as local_date_before,
        lag(days.open_count) over (order by days.local_date) as open_count_before,
        coalesce(daily.change, 0) as change
    from days
    left join daily on days.local_date = daily.local_date
)

select
    local_date,
    open_count,
    open_count_before + change as expected
from moved
where local_date_before = {{ add_days('local_date', -1) }}
    and open_count <> open_count_before + change
