-- revenue_at_risk: what the accounts bought that are at risk at the end of a period; n is their number.
with

movements as (
    select
        from_date as movement_date,
        net_amount,
        1 as accounts
    from {{ ref('int_across__risk_spans') }}
    union all
    select
        to_date as movement_date,
        -net_amount as net_amount,
        -1 as accounts
    from {{ ref('int_across__risk_spans') }}
),

daily as (
    select
        movement_date,
        sum(net_amount) as net_amount,
        sum(accounts) as accounts
    from movements
    group by movement_date
),

spans as (
    select
        movement_date as from_date,
        lead(movement_date) over (order by movement_date) as to_date,
        cast(sum(net_amount) over running as decimal(28, 6)) as net_amount,
        cast(sum(accounts) over running as bigint) as accounts
    from daily
    window running as (order by movement_date rows between unbounded preceding and current row)
)

select
    'revenue_at_risk' as kpi_id,
    periods.grain,
    periods.period_start,
    'all' as dimension,
    'all' as segment,
    spans.net_amount as numerator,
    cast(null as decimal(28, 6)) as denominator,
    cast(spans.net_amount as double) as value,
    spans.accounts as n
from {{ ref('int_calendar__periods') }} as periods
inner join spans
    on periods.last_date >= spans.from_date
    and (spans.to_date is null or periods.last_date < spans.to_date)
