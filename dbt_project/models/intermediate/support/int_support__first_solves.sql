-- The cohort of tickets that were solved a first time: did it hold, and was it the first contact that solved them?
-- Only tickets that have events: of others nobody knows when they were reopened, and how often they were answered.
with

tickets as (
    select * from {{ ref('int_support__ticket_facts') }}
    where not is_excluded
        and not is_merged_away
),

-- What a person asks next about the same reason, while it waits or after the solve.
contacts as (
    select
        ticket_id,
        lead(created_at) over (partition by customer_id, reason order by created_at, ticket_id) as next_contact_at
    from tickets
    where customer_id is not null
        and reason is not null
),

replies as (
    select
        tickets.ticket_id,
        count(*) as reply_count
    from tickets
    inner join {{ ref('int_support__ticket_events') }} as events on tickets.ticket_id = events.ticket_id
    where events.event_type = 'public_reply'
        and events.actor_type = 'agent'
        and events.occurred_at <= tickets.first_solved_at
    group by tickets.ticket_id
),

joined as (
    select
        tickets.*,
        contacts.next_contact_at,
        cast(coalesce(replies.reply_count, 0) as bigint) as reply_count,
        {{ add_micros('tickets.first_solved_at', '604800000000') }} as contact_until_at
    from tickets
    left join contacts on tickets.ticket_id = contacts.ticket_id
    left join replies on tickets.ticket_id = replies.ticket_id
    where tickets.has_events
        and tickets.first_solved_at is not null
)

select
    ticket_id,
    first_solved_at,
    first_solved_date,
    channel,
    priority,
    group_name,
    reason,
    reply_count,
    next_contact_at,
    coalesce(first_reopened_at < {{ add_micros('first_solved_at', '2592000000000') }}, false) as is_reopened_in_30_days,
    reply_count = 1
    and coalesce(first_reopened_at >= contact_until_at, true)
    and coalesce(next_contact_at >= contact_until_at, true) as is_first_contact
from joined
