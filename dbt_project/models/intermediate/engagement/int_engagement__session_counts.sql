select
    started_date,
    platform,
    country,
    plan,
    cast(count(*) as bigint) as session_count,
    cast(sum(case when part = 0 then session_event_count else 0 end) as bigint) as event_count
from {{ ref('int_engagement__sessions') }}
group by started_date, platform, country, plan
