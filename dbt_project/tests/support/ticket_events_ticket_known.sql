{{ config(
    description='Events whose ticket is not there; they count nowhere until it comes.',
    severity='warn',
    meta={'dagster': {'ref': {'name': 'int_support__ticket_events'}}, 'owner': 'customer-support', 'subject': 'ticket_events', 'fix': 'Look whether support_tickets lack landing days (fct_coverage) and backfill them.'}
) }}

select
    events.ticket_id,
    count(*) as event_count
from {{ ref('int_support__ticket_events') }} as events
left join {{ ref('int_support__tickets') }} as tickets on events.ticket_id = tickets.ticket_id
where tickets.ticket_id is null
group by events.ticket_id
