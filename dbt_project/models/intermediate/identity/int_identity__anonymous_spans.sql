-- Events between two identifies belong to the next, trailing ones to the last. Identifies later on the same day are
-- settled in the frontier (same_day_user_id); what is left of a day lies after its last identify. Nearly every device
-- has one user for good: it needs no order, and one span.
with devices as (
    select
        anonymous_id,
        min(first_user_id) as user_id,
        least(min(first_user_id), min(last_user_id)) = greatest(max(first_user_id), max(last_user_id)) as has_one_user
    from {{ ref('int_usage__identify_days') }}
    group by anonymous_id
),

changes as (
    select
        identify_days.anonymous_id,
        identify_days.event_date,
        identify_days.first_user_id,
        identify_days.last_user_id,
        lag(identify_days.event_date) over (
            partition by identify_days.anonymous_id
            order by identify_days.event_date asc
        ) as previous_date,
        lead(identify_days.event_date) over (
            partition by identify_days.anonymous_id
            order by identify_days.event_date asc
        ) as next_date
    from {{ ref('int_usage__identify_days') }} as identify_days
    inner join devices on identify_days.anonymous_id = devices.anonymous_id
    where not devices.has_one_user
)

select
    anonymous_id,
    date '0001-01-01' as from_date,
    date '9999-12-31' as to_date,
    user_id
from devices
where has_one_user
union all
select
    anonymous_id,
    coalesce(previous_date, date '0001-01-01') as from_date,
    event_date as to_date,
    first_user_id as user_id
from changes
union all
select
    anonymous_id,
    event_date as from_date,
    date '9999-12-31' as to_date,
    last_user_id as user_id
from changes
where next_date is null
