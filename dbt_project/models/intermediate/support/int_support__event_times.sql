-- Replies, handoffs and escalations of the tickets that have events. A handoff after the first reply explains nothing.
with

watermark as (
    select max(end_at) as closed_at from {{ ref('int_calendar__days') }}
),

events as (
    select
        events.ticket_id,
        events.event_type,
        events.actor_type,
        events.occurred_at
    from {{ ref('int_support__ticket_events') }} as events
    cross join watermark
    where events.occurred_at < watermark.closed_at
),

-- Only a person's public reply is a reply: a bot answers at once.
replies as (
    select
        ticket_id,
        min(occurred_at) as first_replied_at,
        count(*) as public_reply_count
    from events
    where event_type = 'public_reply'
        and actor_type = 'agent'
    group by ticket_id
),

handoffs as (
    select
        ticket_id,
        min(occurred_at) as handed_off_at
    from events
    where event_type = 'handed_off'
        and actor_type = 'bot'
    group by ticket_id
),

escalations as (
    select
        ticket_id,
        min(occurred_at) as escalated_at
    from events
    where event_type = 'escalated'
    group by ticket_id
),

tickets as (
    select distinct ticket_id from events
)

select
    tickets.ticket_id,
    replies.first_replied_at,
    coalesce(replies.public_reply_count, 0) as public_reply_count,
    case
        when replies.first_replied_at is null or handoffs.handed_off_at <= replies.first_replied_at
            then handoffs.handed_off_at
    end as handed_off_at,
    escalations.escalated_at
from tickets
left join replies on tickets.ticket_id = replies.ticket_id
left join handoffs on tickets.ticket_id = handoffs.ticket_id
left join escalations on tickets.ticket_id = escalations.ticket_id
