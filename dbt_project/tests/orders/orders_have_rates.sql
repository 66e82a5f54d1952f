{{ config(
    description='Every amount in another currency has a rate of its own day or of the seven days before; without one its KPIs are wrong, so nothing is published.',
    severity='error',
    meta={'dagster': {'ref': {'name': 'int_orders__movements'}}, 'owner': 'finance', 'subject': 'orders', 'fix': 'Load the missing rates into fx_rates (the pair with the reporting currency, either way round), or correct the currency of the order; then run again.'}
) }}

with

days as (
    select * from {{ ref('int_calendar__days') }}
),

charged as (
    select distinct
        order_id,
        currency,
        start_date,
        stop_date
    from {{ ref('int_orders__line_facts') }}
    where recurring_interval is not null
)

select distinct
    movements.kind,
    movements.order_id,
    movements.currency,
    movements.amount_date
from {{ ref('int_orders__movements') }} as movements
inner join days on movements.amount_date = days.local_date
where movements.rate is null
union all
select
    'recurring' as kind,
    min(charged.order_id) as order_id,
    charged.currency,
    days.local_date as amount_date
from days
inner join charged
    on days.local_date >= charged.start_date
    and (charged.stop_date is null or days.local_date < charged.stop_date)
left join {{ ref('int_orders__rates') }} as rates
    on charged.currency = rates.currency
    and days.local_date = rates.local_date
where rates.rate is null
group by charged.currency, days.local_date
