-- Net sales of an account by day. Who has no account is its own: the account of the order, else of the customer at the
-- time, else the customer.
with

accounts as (
    select
        accepted.order_id,
        coalesce(nullif(accepted.account_id, ''), spans.account_id, nullif(accepted.customer_id, '')) as account_id
    from {{ ref('int_orders__accepted') }} as accepted
    left join {{ ref('int_customers__attribute_spans') }} as spans
        on accepted.customer_id = spans.customer_id
        and accepted.order_date >= spans.valid_from_date
        and accepted.order_date < spans.valid_to_date
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
