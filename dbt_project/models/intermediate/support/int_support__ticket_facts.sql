with

watermark as (
    select max(end_at) as closed_at from {{ ref('int_calendar__days') }}
),

settings as (
    select reporting_zone from {{ ref('int_calendar__settings') }}
),

solves as (
    select
        ticket_id,
        min(occurred_at) filter (where transition = 'solve') as first_solved_at,
        max(occurred_at) filter (where transition = 'solve') as last_solved_at,
        min(occurred_at) filter (where transition = 'reopen') as first_reopened_at,
        count(*) filter (where transition = 'solve') as solve_count,
        count(*) filter (where transition = 'reopen') as reopen_count
    from {{ ref('int_support__transitions') }}
    group by ticket_id
),

timed as (
    select
        tickets.*,
        settings.reporting_zone,
        coalesce(solves.solve_count, 0) > coalesce(solves.reopen_count, 0) as is_solved,
        -- after a bot's handoff the clock starts there
        case when tickets.has_events then event_times.handed_off_at end as handed_off_at,
        case
            when tickets.has_events then event_times.first_replied_at
            when tickets.first_replied_at < watermark.closed_at then tickets.first_replied_at
        end as replied_at,
        case
            when tickets.has_events then solves.first_solved_at
            when tickets.first_solved_at < watermark.closed_at then tickets.first_solved_at
            when tickets.first_solved_at is null and tickets.reopen_count = 0
                and tickets.last_solved_at < watermark.closed_at then tickets.last_solved_at
        end as solved_at,
        solves.last_solved_at as closing_at,
        -- without events a last solve needs a time of its own, or to be the first
        tickets.has_events
        or tickets.last_solved_at is not null
        or (tickets.first_solved_at is not null and tickets.reopen_count = 0) as is_closing_timed,
        solves.first_reopened_at,
        case when tickets.has_events then solves.reopen_count else tickets.reopen_count end as reopened_count,
        case
            when tickets.has_events then event_times.escalated_at
            when tickets.escalated_at < watermark.closed_at then tickets.escalated_at
        end as raised_at,
        -- where the source gives no time, it counts as soon as it is known
        tickets.is_escalated
        and tickets.escalated_at is null
        and event_times.escalated_at is null as is_raised_untimed
    from {{ ref('int_support__accepted') }} as tickets
    cross join settings
    cross join watermark
    left join solves on tickets.ticket_id = solves.ticket_id
    left join {{ ref('int_support__event_times') }} as event_times on tickets.ticket_id = event_times.ticket_id
)

select
    ticket_id,
    customer_id,
    account_id,
    order_id,
    status,
    channel,
    priority,
    group_name,
    reason,
    feature,
    country,
    plan,
    has_events,
    is_excluded,
    is_merged_away,
    merged_at,
    merged_into_ticket_id,
    created_at,
    created_date,
    handed_off_at,
    coalesce(handed_off_at, created_at) as reply_clock_at,
    replied_at as first_replied_at,
    cast({{ to_local('replied_at', 'reporting_zone') }} as date) as first_replied_date,
    {{ micros_between('coalesce(handed_off_at, created_at)', 'replied_at') }} as first_reply_micros,
    solved_at as first_solved_at,
    cast({{ to_local('solved_at', 'reporting_zone') }} as date) as first_solved_date,
    {{ micros_between('created_at', 'solved_at') }} as resolution_micros,
    is_solved,
    case when is_solved then closing_at end as last_solved_at,
    case
        when is_solved then cast({{ to_local('closing_at', 'reporting_zone') }} as date)
    end as last_solved_date,
    case
        when is_solved and is_closing_timed then {{ micros_between('created_at', 'closing_at') }}
    end as full_resolution_micros,
    first_reopened_at,
    cast(coalesce(reopened_count, 0) as bigint) as reopen_count,
    raised_at as escalated_at,
    raised_at is not null or is_raised_untimed as is_escalated,
    raised_at < {{ add_micros('created_at', '2592000000000') }} or is_raised_untimed as is_escalated_in_30_days,
    csat_score,
    csat_answered_at,
    updated_at
from timed
