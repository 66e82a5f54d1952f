-- The clocks of the SLA: when each began, until when it has to be stopped, and what became of it by the watermark.
-- The promise is the one for the priority that the ticket had when its clock began.
with

settings as (
    select reporting_zone from {{ ref('int_calendar__settings') }}
),

watermark as (
    select max(end_at) as closed_at from {{ ref('int_calendar__days') }}
),

tickets as (
    select
        facts.*,
        times.schedule,
        times.created_open_micros,
        times.reply_clock_open_micros
    from {{ ref('int_support__ticket_facts') }} as facts
    inner join {{ ref('int_support__business_times') }} as times on facts.ticket_id = times.ticket_id
),

-- Whether the tickets' own columns tell of replies at all: what is never told has not been missed.
told as (
    select count(*) as reply_count
    from tickets
    where not has_events
        and first_replied_at is not null
),

-- A ticket that was solved without a person's reply, by a bot or the customer, needs none any more.
clocks as (
    select
        tickets.ticket_id,
        'first_reply' as sla_target,
        tickets.reply_clock_at as started_at,
        tickets.reply_clock_open_micros as started_open_micros,
        case
            when tickets.first_solved_at is null or tickets.first_replied_at <= tickets.first_solved_at
                then tickets.first_replied_at
        end as stopped_at,
        tickets.first_solved_at as ended_at
    from tickets
    cross join told
    where tickets.first_replied_at is not null
        or (
            (tickets.has_events or told.reply_count > 0)
            and (tickets.first_solved_at is not null or not tickets.is_solved)
        )
    union all
    select
        ticket_id,
        'resolution' as sla_target,
        created_at as started_at,
        created_open_micros as started_open_micros,
        first_solved_at as stopped_at,
        first_solved_at as ended_at
    from tickets
    where first_solved_at is not null
        or not is_solved
),

changes as (
    select
        ticket_id,
        priority_from,
        priority_to,
        occurred_at,
        lead(occurred_at) over (partition by ticket_id order by occurred_at, event_id) as next_at,
        row_number() over (partition by ticket_id order by occurred_at, event_id) as position
    from {{ ref('int_support__ticket_events') }}
    where event_type = 'priority_changed'
),

priority_spans as (
    select
        ticket_id,
        priority_to as priority,
        occurred_at as from_at,
        next_at as to_at
    from changes
    union all
    select
        ticket_id,
        priority_from as priority,
        cast(null as timestamp) as from_at,
        occurred_at as to_at
    from changes
    where position = 1
),

-- A ticket whose priority never changed has always had the one of today.
prioritised as (
    select
        clocks.*,
        tickets.schedule,
        tickets.channel,
        tickets.group_name,
        tickets.reason,
        case when spans.ticket_id is null then tickets.priority else spans.priority end as priority,
        cast({{ to_local('clocks.started_at', 'settings.reporting_zone') }} as date) as started_date
    from clocks
    inner join tickets on clocks.ticket_id = tickets.ticket_id
    cross join settings
    left join priority_spans as spans
        on clocks.ticket_id = spans.ticket_id
        and (spans.from_at is null or clocks.started_at >= spans.from_at)
        and (spans.to_at is null or clocks.started_at < spans.to_at)
),

promised as (
    select
        clocks.*,
        policies.minutes as target_minutes,
        policies.clock,
        clocks.started_open_micros + policies.minutes * 60000000 as due_open_micros
    from prioritised as clocks
    inner join {{ ref('profile_sla_policies') }} as policies
        on clocks.priority = policies.priority
        and clocks.sla_target = policies.target
        and (policies.valid_from is null or clocks.started_date >= policies.valid_from)
        and (policies.valid_to is null or clocks.started_date < policies.valid_to)
),

-- The way back, from open time to the instant, as int_support__business_times goes there: a clock that has run out
-- exactly at closing time is past its target when the schedule opens again.
points as (
    select
        schedule,
        micros_before as open_micros,
        0 as is_clock,
        opens_at,
        closes_at,
        micros_before,
        cast(null as string) as ticket_id,
        cast(null as string) as sla_target
    from {{ ref('int_support__open_intervals') }}
    union all
    select
        schedule,
        due_open_micros as open_micros,
        1 as is_clock,
        cast(null as timestamp) as opens_at,
        cast(null as timestamp) as closes_at,
        cast(null as bigint) as micros_before,
        ticket_id,
        sla_target
    from promised
    where clock = 'business'
),

placed as (
    select
        ticket_id,
        sla_target,
        open_micros,
        max(opens_at) over latest as opens_at,
        max(closes_at) over latest as closes_at,
        max(micros_before) over latest as micros_before
    from points
    window latest as (
        partition by schedule
        order by open_micros, is_clock
        rows between unbounded preceding and current row
    )
),

business_due as (
    select
        ticket_id,
        sla_target,
        {{ add_micros('opens_at', 'open_micros - micros_before') }} as due_at
    from placed
    where ticket_id is not null
        and open_micros - micros_before < {{ micros_between('opens_at', 'closes_at') }}
),

due as (
    select
        promised.*,
        watermark.closed_at,
        case
            when promised.clock = 'business' then business_due.due_at
            else {{ add_micros('promised.started_at', 'promised.target_minutes * 60000000') }}
        end as due_at
    from promised
    cross join watermark
    left join business_due
        on promised.ticket_id = business_due.ticket_id
        and promised.sla_target = business_due.sla_target
),

judged as (
    select
        *,
        case
            when due_at < coalesce(stopped_at, ended_at, closed_at) then 'breached'
            when stopped_at is not null then 'met'
            when ended_at is not null then 'ended'
            else 'running'
        end as state
    from due
),

decided as (
    select
        *,
        case state when 'met' then stopped_at when 'breached' then due_at end as decided_at
    from judged
)

select
    decided.ticket_id,
    decided.sla_target,
    decided.priority,
    decided.channel,
    decided.group_name,
    decided.reason,
    decided.target_minutes,
    decided.clock,
    decided.started_at,
    decided.due_at,
    decided.stopped_at,
    decided.state,
    decided.decided_at,
    cast({{ to_local('decided.decided_at', 'settings.reporting_zone') }} as date) as decided_date
from decided
cross join settings
