-- Net sales of an account by day.
with

accounts as (
    select
        accepted.order_id,
        {{ account_of('accepted') }} as account_id
    from {{ ref('int_orders__accepted') }} as accepted
    {{ join_customer_spans('accepted', 'order_date') }}
)

select
    accounts.account_id,
    movements.amount_date,
    cast(
        sum(case movements.kind when 'gross' then movements.amount else -movements.amount end) as decimal(28, 6)
    ) as net_amount
from {{ ref('int_orders__movements') }} as movements
inner join accounts on movements.order_id = accounts.order_id
where movements.kind in ('gross', 'discount', 'refund', 'cancelled')
    and accounts.account_id is not null
group by accounts.account_id, movements.amount_date
