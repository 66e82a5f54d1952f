{{ config(
    description='Solved tickets that have no time of their solve; they leave the backlog when they were last changed.',
    severity='warn',
    meta={'dagster': {'ref': {'name': 'int_support__accepted'}}, 'owner': 'customer-support', 'subject': 'support_tickets', 'fix': 'Map last_solved_at or first_solved_at, or ticket_events, in the profile.'}
) }}

select
    ticket_id,
    status,
    updated_at
from {{ ref('int_support__accepted') }}
where not is_excluded
    and not has_events
    and status in ('solved', 'closed')
    and last_solved_at is null
    and first_solved_at is null
