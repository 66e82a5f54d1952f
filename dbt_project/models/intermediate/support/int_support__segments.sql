with

tickets as (
    select
        accepted.ticket_id,
        accepted.customer_id,
        accepted.created_date,
        tickets.extra
    from {{ ref('int_support__accepted') }} as accepted
    inner join {{ ref('int_support__tickets') }} as tickets on accepted.ticket_id = tickets.ticket_id
)

{{ fact_segments('tickets', ['ticket_id'], 'created_date', "counted_stream = 'support_tickets'") }}
