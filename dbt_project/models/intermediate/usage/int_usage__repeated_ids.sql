with repeated as (
    select event_id
    from {{ ref('stg_usage__events') }}
    group by event_id
    having count(*) > 1
)

select
    events.event_id,
    cast(count(*) as bigint) as row_count,
    cast(count(distinct events.content_hash) as bigint) as content_count,
    count(distinct events.content_hash) > 1 as is_conflict
from {{ ref('stg_usage__events') }} as events
inner join repeated on events.event_id = repeated.event_id
group by events.event_id
