-- How much open time of its schedule had passed at the moments of a ticket: the difference of two is business time.
-- A ticket goes by the schedule that is named like its group, else by `default`. Both opens_at and micros_before only
-- grow, so that the running maximum over intervals and moments in one order finds the interval of each moment.
with

tickets as (
    select * from {{ ref('int_support__ticket_facts') }}
    where not is_excluded
        and not is_merged_away
),

schedules as (
    select distinct schedule from {{ ref('int_support__open_intervals') }}
),

scheduled as (
    select
        tickets.ticket_id,
        coalesce(schedules.schedule, 'default') as schedule,
        tickets.created_at,
        tickets.reply_clock_at,
        tickets.first_replied_at,
        tickets.first_solved_at
    from tickets
    left join schedules on tickets.group_name = schedules.schedule
),

moments as (
    select
        ticket_id,
        schedule,
        'created' as moment,
        created_at as occurred_at
    from scheduled
    union all
    select
        ticket_id,
        schedule,
        'reply_clock' as moment,
        reply_clock_at as occurred_at
    from scheduled
    union all
    select
        ticket_id,
        schedule,
        'first_reply' as moment,
        first_replied_at as occurred_at
    from scheduled
    where first_replied_at is not null
    union all
    select
        ticket_id,
        schedule,
        'first_solve' as moment,
        first_solved_at as occurred_at
    from scheduled
    where first_solved_at is not null
),

points as (
    select
        schedule,
        opens_at as occurred_at,
        0 as is_moment,
        opens_at,
        closes_at,
        micros_before,
        cast(null as string) as ticket_id,
        cast(null as string) as moment
    from {{ ref('int_support__open_intervals') }}
    union all
    select
        schedule,
        occurred_at,
        1 as is_moment,
        cast(null as timestamp) as opens_at,
        cast(null as timestamp) as closes_at,
        cast(null as bigint) as micros_before,
        ticket_id,
        moment
    from moments
),

placed as (
    select
        schedule,
        ticket_id,
        moment,
        occurred_at,
        max(opens_at) over latest as opens_at,
        max(closes_at) over latest as closes_at,
        max(micros_before) over latest as micros_before
    from points
    window latest as (
        partition by schedule
        order by occurred_at, is_moment
        rows between unbounded preceding and current row
    )
),

measured as (
    select
        schedule,
        ticket_id,
        moment,
        coalesce(micros_before + {{ micros_between('opens_at', 'least(occurred_at, closes_at)') }}, 0) as open_micros
    from placed
    where ticket_id is not null
)

select
    ticket_id,
    max(schedule) as schedule,
    max(case when moment = 'created' then open_micros end) as created_open_micros,
    max(case when moment = 'reply_clock' then open_micros end) as reply_clock_open_micros,
    max(case when moment = 'first_reply' then open_micros end) as first_reply_open_micros,
    max(case when moment = 'first_solve' then open_micros end) as first_solve_open_micros
from measured
group by ticket_id
