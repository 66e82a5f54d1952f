-- feature_demand: trailing net sales of the accounts that asked about a feature. A sale counts from its day on for 90
-- days, as far as the account is covered: it comes and goes, and a running sum says what is there. n is the number of
-- accounts.
with

covers as (
    select * from {{ ref('int_across__feature_accounts') }}
),

counted as (
    select
        covers.dimension,
        covers.segment,
        greatest(covers.from_date, sales.amount_date) as from_date,
        least(covers.to_date, {{ add_days('sales.amount_date', 90) }}) as to_date,
        sales.net_amount
    from covers
    inner join {{ ref('int_across__account_sales') }} as sales on covers.account_id = sales.account_id
    where sales.amount_date < covers.to_date
        and {{ add_days('sales.amount_date', 90) }} > covers.from_date
),

movements as (
    select
        dimension,
        segment,
        from_date as movement_date,
        net_amount,
        0 as accounts
    from counted
    union all
    select
        dimension,
        segment,
        to_date as movement_date,
        -net_amount as net_amount,
        0 as accounts
    from counted
    union all
    select
        dimension,
        segment,
        from_date as movement_date,
        0 as net_amount,
        1 as accounts
    from covers
    union all
    select
        dimension,
        segment,
        to_date as movement_date,
        0 as net_amount,
        -1 as accounts
    from covers
),

daily as (
    select
        dimension,
        segment,
        movement_date,
        sum(net_amount) as net_amount,
        sum(accounts) as accounts
    from movements
    group by dimension, segment, movement_date
),

spans as (
    select
        dimension,
        segment,
        movement_date as from_date,
        lead(movement_date) over (partition by dimension, segment order by movement_date) as to_date,
        sum(net_amount) over (
            partition by dimension, segment
            order by movement_date
            rows between unbounded preceding and current row
        ) as net_amount,
        sum(accounts) over (
            partition by dimension, segment
            order by movement_date
            rows between unbounded preceding and current row
        ) as accounts
    from daily
)

select
    'feature_demand' as kpi_id,
    periods.grain,
    periods.period_start,
    spans.dimension,
    spans.segment,
    cast(spans.net_amount as decimal(28, 6)) as numerator,
    cast(null as decimal(28, 6)) as denominator,
    cast(cast(spans.net_amount as decimal(28, 6)) as double) as value,
    cast(spans.accounts as bigint) as n
from {{ ref('int_calendar__periods') }} as periods
inner join spans
    on periods.last_date >= spans.from_date
    and (spans.to_date is null or periods.last_date < spans.to_date)
