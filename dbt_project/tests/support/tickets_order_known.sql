{{ config(
    description='Tickets about an order that is not there; they count.',
    severity='warn',
    meta={'dagster': {'ref': {'name': 'int_support__tickets'}}, 'owner': 'customer-support', 'subject': 'support_tickets', 'fix': 'Look whether orders lack landing days (fct_coverage), or whether agents mistype order numbers.'}
) }}

with

-- without the stream no link can be told to be broken
configured as (
    select stream from {{ ref('int_calendar__streams') }}
    where stream = 'orders'
)

select
    tickets.ticket_id,
    tickets.order_id,
    tickets.created_at
from {{ ref('int_support__tickets') }} as tickets
left join {{ ref('int_orders__orders') }} as orders on tickets.order_id = orders.order_id
cross join configured
where tickets.order_id is not null
    and orders.order_id is null
