-- Solve, reopen and merge instants. Solves and reopens of a ticket alternate, so that opening minus closing movements
-- are what is open. Without events the last solve stands for all.
with

watermark as (
    select max(end_at) as closed_at from {{ ref('int_calendar__days') }}
),

settings as (
    select reporting_zone from {{ ref('int_calendar__settings') }}
),

tickets as (
    select * from {{ ref('int_support__accepted') }}
    where not is_excluded
),

states as (
    select
        tickets.ticket_id,
        events.occurred_at,
        events.event_id,
        events.status_from,
        events.status_to in ('solved', 'closed') as is_solved
    from {{ ref('int_support__ticket_events') }} as events
    inner join tickets on events.ticket_id = tickets.ticket_id
    cross join watermark
    where tickets.has_events
        and events.event_type in ('created', 'status_changed')
        and events.status_to is not null
        and events.occurred_at < watermark.closed_at
),

ordered as (
    select
        *,
        -- a ticket whose first event leaves the solved state was imported as solved
        coalesce(
            lag(is_solved) over (partition by ticket_id order by occurred_at, event_id),
            coalesce(status_from, '') in ('solved', 'closed')
        ) as was_solved,
        row_number() over (partition by ticket_id order by occurred_at, event_id) as position
    from states
),

changes as (
    select
        ticket_id,
        case when is_solved then 'solve' else 'reopen' end as transition,
        occurred_at,
        position
    from ordered
    where is_solved <> was_solved
    union all
    select
        ordered.ticket_id,
        'solve' as transition,
        tickets.created_at as occurred_at,
        0 as position
    from ordered
    inner join tickets on ordered.ticket_id = tickets.ticket_id
    where ordered.position = 1
        and ordered.was_solved
    union all
    select
        tickets.ticket_id,
        'solve' as transition,
        coalesce(tickets.last_solved_at, tickets.first_solved_at, tickets.updated_at) as occurred_at,
        1 as position
    from tickets
    cross join watermark
    where not tickets.has_events
        and (
            tickets.status in ('solved', 'closed')
            or (tickets.status is null and coalesce(tickets.last_solved_at, tickets.first_solved_at) is not null)
        )
        and coalesce(tickets.last_solved_at, tickets.first_solved_at, tickets.updated_at) < watermark.closed_at
),

-- The loser of a merge leaves at the merge; what is done to it afterwards is the survivor's.
kept as (
    select
        changes.ticket_id,
        changes.transition,
        greatest(changes.occurred_at, tickets.created_at) as occurred_at,
        changes.position
    from changes
    inner join tickets on changes.ticket_id = tickets.ticket_id
    where tickets.merged_at is null
        or changes.occurred_at < tickets.merged_at
),

balances as (
    select
        ticket_id,
        sum(case transition when 'solve' then 1 else -1 end) as solved_count,
        max(position) as last_position
    from kept
    group by ticket_id
),

movements as (
    select * from kept
    union all
    select
        tickets.ticket_id,
        'merge' as transition,
        tickets.merged_at as occurred_at,
        coalesce(balances.last_position, 0) + 1 as position
    from tickets
    left join balances on tickets.ticket_id = balances.ticket_id
    where tickets.is_merged_away
        and coalesce(balances.solved_count, 0) = 0
)

select
    movements.ticket_id,
    movements.transition,
    movements.occurred_at,
    cast({{ to_local('movements.occurred_at', 'settings.reporting_zone') }} as date) as transition_date,
    row_number() over (
        partition by movements.ticket_id order by movements.occurred_at, movements.position
    ) as transition_number,
    tickets.is_merged_away,
    tickets.channel,
    tickets.priority,
    tickets.group_name,
    tickets.reason
from movements
inner join tickets on movements.ticket_id = tickets.ticket_id
cross join settings
