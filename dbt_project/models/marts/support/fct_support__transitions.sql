-- The rows behind tickets_solved, and with the creation of a ticket those behind the backlog.
select
    ticket_id,
    cast(transition_number as bigint) as transition_number,
    transition,
    occurred_at,
    transition_date,
    is_merged_away
from {{ ref('int_support__transitions') }}
