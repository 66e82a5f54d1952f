-- Events between two identifies belong to the next, trailing ones to the last. Identifies later on the same day are
-- settled in the frontier (same_day_user_id); what is left of a day lies after its last identify.
with unresolved as (
    select distinct
        anonymous_id,
        event_date
    from {{ ref('int_usage__actor_days') }}
    where anonymous_id is not null and user_id is null and same_day_user_id is null
),

identified as (
    select
        anonymous_id,
        event_date,
        first_user_id,
        last_user_id
    from {{ ref('int_usage__identify_days') }}
),

days as (
    select
        anonymous_id,
        event_date,
        max(is_unresolved) as is_unresolved,
        max(identified_date) as identified_date
    from (
        select
            unresolved.anonymous_id,
            unresolved.event_date,
            1 as is_unresolved,
            cast(null as date) as identified_date
        from unresolved
        inner join (select distinct anonymous_id from identified) as known
            on unresolved.anonymous_id = known.anonymous_id
        union all
        select
            anonymous_id,
            event_date,
            0 as is_unresolved,
            event_date as identified_date
        from identified
    ) as both_kinds
    group by anonymous_id, event_date
),

neighbours as (
    select
        anonymous_id,
        event_date,
        is_unresolved,
        min(identified_date) over (
            partition by anonymous_id
            order by event_date asc
            rows between 1 following and unbounded following
        ) as next_date,
        max(identified_date) over (
            partition by anonymous_id
            order by event_date asc
            rows between unbounded preceding and current row
        ) as last_date
    from days
)

select
    neighbours.anonymous_id,
    neighbours.event_date,
    coalesce(upcoming.first_user_id, latest.last_user_id) as user_id
from neighbours
left join identified as upcoming
    on neighbours.anonymous_id = upcoming.anonymous_id and neighbours.next_date = upcoming.event_date
left join identified as latest
    on neighbours.anonymous_id = latest.anonymous_id and neighbours.last_date = latest.event_date
where neighbours.is_unresolved = 1
