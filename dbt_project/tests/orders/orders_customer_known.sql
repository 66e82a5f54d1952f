{{ config(
    description='Orders whose customer is not among the customers; they count, with what the order itself says of the buyer.',
    severity='warn',
    meta={'dagster': {'ref': {'name': 'int_orders__orders'}}, 'owner': 'revenue-operations', 'subject': 'orders', 'fix': 'Look whether customers lack landing days (fct_coverage), or whether the two systems name a customer differently.'}
) }}

with

-- without the stream no link can be told to be broken
configured as (
    select stream from {{ ref('int_calendar__streams') }}
    where stream = 'customers'
)

select
    orders.order_id,
    orders.customer_id,
    orders.ordered_at
from {{ ref('int_orders__orders') }} as orders
left join {{ ref('int_customers__customers') }} as customers on orders.customer_id = customers.customer_id
cross join configured
where orders.customer_id is not null
    and customers.customer_id is null
