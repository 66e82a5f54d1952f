{{ config(
    description='Tickets whose requester is not among the customers; they count.',
    severity='warn',
    meta={'dagster': {'ref': {'name': 'int_support__tickets'}}, 'owner': 'customer-support', 'subject': 'support_tickets', 'fix': 'Strangers write too; look closer when the share grows: customers may lack landing days (fct_coverage).'}
) }}

with

-- without the stream no link can be told to be broken
configured as (
    select stream from {{ ref('int_calendar__streams') }}
    where stream = 'customers'
)

select
    tickets.ticket_id,
    tickets.customer_id,
    tickets.created_at
from {{ ref('int_support__tickets') }} as tickets
left join {{ ref('int_customers__customers') }} as customers on tickets.customer_id = customers.customer_id
cross join configured
where tickets.customer_id is not null
    and customers.customer_id is null
