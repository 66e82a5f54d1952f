{{ config(
    description='Tickets that were opened before their customer signed up; they count.',
    severity='warn',
    meta={'dagster': {'ref': {'name': 'int_support__tickets'}}, 'owner': 'customer-support', 'subject': 'support_tickets', 'fix': 'Compare the times of the two systems: a zone may be mapped wrongly (source_zone), or sign-ups are recorded late.'}
) }}

with

customers as (
    select
        customer_id,
        min(signed_up_at) as signed_up_at
    from {{ ref('int_customers__customers') }}
    group by customer_id
)

select
    tickets.ticket_id,
    tickets.customer_id,
    tickets.created_at,
    customers.signed_up_at
from {{ ref('int_support__tickets') }} as tickets
inner join customers on tickets.customer_id = customers.customer_id
where tickets.created_at < customers.signed_up_at
