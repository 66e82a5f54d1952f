-- The order of deliveries is that of the frontier (macro usage_events): the earliest received stays.
with landed as (
    select
        landed_date,
        count(*) as landed_rows
    from {{ ref('stg_usage__events') }}
    group by landed_date
),

repeats as (
    select
        events.landed_date,
        repeated_ids.is_conflict,
        row_number() over (
            partition by events.event_id, events.content_hash
            order by events.received_at asc nulls last, events.landed_date asc, events.pulled_at asc
        ) as delivery
    from {{ ref('stg_usage__events') }} as events
    inner join {{ ref('int_usage__repeated_ids') }} as repeated_ids on events.event_id = repeated_ids.event_id
),

repeat_counts as (
    select
        landed_date,
        count(*) filter (where delivery > 1) as duplicate_rows,
        count(*) filter (where is_conflict) as conflict_rows
    from repeats
    group by landed_date
)

select
    landed.landed_date,
    cast(landed.landed_rows as bigint) as landed_rows,
    cast(landed.landed_rows - coalesce(repeat_counts.duplicate_rows, 0) as bigint) as current_rows,
    cast(coalesce(repeat_counts.duplicate_rows, 0) as bigint) as duplicate_rows,
    cast(coalesce(repeat_counts.conflict_rows, 0) as bigint) as conflict_rows
from landed
left join repeat_counts on landed.landed_date = repeat_counts.landed_date
