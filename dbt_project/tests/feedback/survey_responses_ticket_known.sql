{{ config(
    description='Answers about a ticket that is not there; they count.',
    severity='warn',
    meta={'dagster': {'ref': {'name': 'int_feedback__survey_responses'}}, 'owner': 'customer-success', 'subject': 'survey_responses', 'fix': 'Look whether support_tickets lack landing days (fct_coverage) and backfill them.'}
) }}

with

-- without the stream no link can be told to be broken
configured as (
    select stream from {{ ref('int_calendar__streams') }}
    where stream = 'support_tickets'
)

select
    responses.response_id,
    responses.ticket_id,
    responses.answered_at
from {{ ref('int_feedback__survey_responses') }} as responses
left join {{ ref('int_support__tickets') }} as tickets on responses.ticket_id = tickets.ticket_id
cross join configured
where responses.ticket_id is not null
    and tickets.ticket_id is null
