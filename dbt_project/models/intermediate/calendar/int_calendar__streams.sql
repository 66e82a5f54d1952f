-- The configured streams and how far each has landed.
with

configured as (
    select
        key as stream,
        cast(value as int) as settle_days
    from {{ ref('profile_settings') }}
    where section = 'stream'
),

landed as (
    select
        stream,
        max(landed_date) as watermark_date,
        count(*) as landed_day_count
    from {{ ref('lake_plan') }}
    where is_landed
    group by stream
)

select
    configured.stream,
    configured.settle_days,
    landed.watermark_date,
    cast(coalesce(landed.landed_day_count, 0) as bigint) as landed_day_count
from configured
left join landed on configured.stream = landed.stream
