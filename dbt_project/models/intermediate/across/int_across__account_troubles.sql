-- What an account has to complain of, by day: a ticket whose SLA was breached, or an order that missed its first
-- promise, on the day of the promise.
with

troubles as (
    select
        {{ account_of('tickets') }} as account_id,
        clocks.decided_date as trouble_date
    from {{ ref('int_support__sla_clocks') }} as clocks
    inner join {{ ref('int_support__ticket_facts') }} as tickets on clocks.ticket_id = tickets.ticket_id
    {{ join_customer_spans('tickets', 'created_date') }}
    where clocks.state = 'breached'
        and not tickets.is_excluded
        and not tickets.is_merged_away
    union all
    select
        {{ account_of('orders') }} as account_id,
        orders.promised_date as trouble_date
    from {{ ref('int_fulfilment__order_facts') }} as orders
    {{ join_customer_spans('orders', 'order_date') }}
    where orders.is_on_time = false
)

select
    account_id,
    trouble_date,
    count(*) as trouble_count
from troubles
where account_id is not null
group by account_id, trouble_date
