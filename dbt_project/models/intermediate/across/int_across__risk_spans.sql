-- From when to when an account is at risk, and what it bought in the 90 days before: its uses of the last 28 days are
-- at most half of those of the 28 days before, and in the last 28 days it had trouble. Everything comes and goes on a
-- day; running sums say what is there in between.
with

troubles as (
    select * from {{ ref('int_across__account_troubles') }}
),

usage as (
    select * from {{ ref('int_across__account_usage') }}
),

sales as (
    select bought.*
    from {{ ref('int_across__account_sales') }} as bought
    inner join (select distinct account_id from troubles) as troubled on bought.account_id = troubled.account_id
),

movements as (
    select
        account_id,
        trouble_date as movement_date,
        trouble_count as troubles,
        0 as recent_uses,
        0 as earlier_uses,
        0 as net_amount
    from troubles
    union all
    select
        account_id,
        {{ add_days('trouble_date', 28) }} as movement_date,
        -trouble_count as troubles,
        0 as recent_uses,
        0 as earlier_uses,
        0 as net_amount
    from troubles
    union all
    select
        account_id,
        event_date as movement_date,
        0 as troubles,
        use_count as recent_uses,
        0 as earlier_uses,
        0 as net_amount
    from usage
    union all
    select
        account_id,
        {{ add_days('event_date', 28) }} as movement_date,
        0 as troubles,
        -use_count as recent_uses,
        use_count as earlier_uses,
        0 as net_amount
    from usage
    union all
    select
        account_id,
        {{ add_days('event_date', 56) }} as movement_date,
        0 as troubles,
        0 as recent_uses,
        -use_count as earlier_uses,
        0 as net_amount
    from usage
    union all
    select
        account_id,
        amount_date as movement_date,
        0 as troubles,
        0 as recent_uses,
        0 as earlier_uses,
        net_amount as net_amount
    from sales
    union all
    select
        account_id,
        {{ add_days('amount_date', 90) }} as movement_date,
        0 as troubles,
        0 as recent_uses,
        0 as earlier_uses,
        -net_amount as net_amount
    from sales
),

daily as (
    select
        account_id,
        movement_date,
        sum(troubles) as troubles,
        sum(recent_uses) as recent_uses,
        sum(earlier_uses) as earlier_uses,
        sum(net_amount) as net_amount
    from movements
    group by account_id, movement_date
),

states as (
    select
        account_id,
        movement_date as from_date,
        lead(movement_date) over (partition by account_id order by movement_date) as to_date,
        sum(troubles) over running as troubles,
        sum(recent_uses) over running as recent_uses,
        sum(earlier_uses) over running as earlier_uses,
        sum(net_amount) over running as net_amount
    from daily
    window running as (
        partition by account_id
        order by movement_date
        rows between unbounded preceding and current row
    )
)

select
    account_id,
    from_date,
    to_date,
    cast(net_amount as decimal(28, 6)) as net_amount
from states
where troubles > 0
    and earlier_uses > 0
    and 2 * recent_uses <= earlier_uses
