-- All tickets, with who does not count marked, and the shape of time that the profile gives: what happened to a ticket
-- comes from its events where the profile has them (and the ticket any), else from the ticket's own times.
with

watermark as (
    select max(end_at) as closed_at from {{ ref('int_calendar__days') }}
),

settings as (
    select reporting_zone from {{ ref('int_calendar__settings') }}
),

internal_people as (
    select person_id from {{ ref('int_identity__internal_people') }}
),

configured as (
    select count(*) as event_stream_count
    from {{ ref('profile_settings') }}
    where section = 'stream'
        and key = 'ticket_events'
),

ticket_merges as (
    select
        ticket_id,
        count(*) as event_count,
        min(occurred_at) filter (where event_type = 'merged') as merged_at
    from {{ ref('int_support__ticket_events') }}
    group by ticket_id
),

joined as (
    select
        tickets.*,
        coalesce(feature_map.feature, tickets.feature) as named_feature,
        settings.reporting_zone,
        watermark.closed_at,
        (configured.event_stream_count > 0 and coalesce(ticket_merges.event_count, 0) > 0) as has_events,
        (
            coalesce(tickets.status, '') in ('spam', 'deleted')
            or coalesce(tickets.is_test, false)
            or internal_people.person_id is not null
        ) as is_excluded,
        coalesce(
            ticket_merges.merged_at,
            tickets.merged_at,
            case when tickets.merged_into_ticket_id is not null then tickets.updated_at end
        ) as merge_at
    from {{ ref('int_support__tickets') }} as tickets
    cross join settings
    cross join watermark
    cross join configured
    left join internal_people on tickets.customer_id = internal_people.person_id
    left join ticket_merges on tickets.ticket_id = ticket_merges.ticket_id
    left join {{ ref('profile_feature_map') }} as feature_map on tickets.feature = feature_map.source_name
)

select
    ticket_id,
    customer_id,
    account_id,
    order_id,
    created_at,
    cast({{ to_local('created_at', 'reporting_zone') }} as date) as created_date,
    updated_at,
    status,
    channel,
    priority,
    group_name,
    reason,
    named_feature as feature,
    country,
    plan,
    has_events,
    is_excluded,
    merge_at is not null and merge_at < closed_at as is_merged_away,
    case when merge_at < closed_at then greatest(merge_at, created_at) end as merged_at,
    merged_into_ticket_id,
    first_replied_at,
    first_solved_at,
    last_solved_at,
    coalesce(reopen_count, 0) as reopen_count,
    coalesce(is_escalated, false) as is_escalated,
    escalated_at,
    csat_score,
    csat_answered_at
from joined
