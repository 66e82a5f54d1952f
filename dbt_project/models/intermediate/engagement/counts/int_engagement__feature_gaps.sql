-- A day that stands on several rows has a gap of 0 on all but the first of them. A use 28 days ago is as good as none.
with uses as (
    select
        is_former,
        person_key,
        event_date,
        {{ explode_column('features') }} as feature,
        weight
    from {{ ref('int_engagement__recounted_days') }}
    union all
    select
        false as is_former,
        person_key,
        last_date as event_date,
        feature,
        0 as weight
    from {{ ref('int_engagement__earlier_features') }}
),

neighbours as (
    select
        feature,
        event_date,
        weight,
        lag(event_date) over (
            partition by person_key, feature, is_former
            order by event_date asc
        ) as previous_date
    from uses
),

folded as (
    select
        feature,
        event_date,
        {{ days_between('previous_date', 'event_date') }} as gap_days,
        weight * count(*) as users
    from neighbours
    where weight <> 0
    group by weight, feature, event_date, previous_date
)

select
    feature,
    event_date as local_date,
    case when gap_days < 28 then gap_days end as gap_days,
    cast(sum(users) as bigint) as users
from folded
where gap_days is null or gap_days > 0
group by feature, event_date, case when gap_days < 28 then gap_days end
having sum(users) <> 0
