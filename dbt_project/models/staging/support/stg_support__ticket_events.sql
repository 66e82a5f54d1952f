select
    event_id,
    ticket_id,
    {{ utc_naive('occurred_at') }} as occurred_at,
    event_type,
    actor_type,
    status_from,
    status_to,
    priority_from,
    priority_to,
    group_name,
    extra,
    content_hash,
    {{ utc_naive('pulled_at') }} as pulled_at,
    landed_date
from {{ lake_relation('ticket_events') }}
