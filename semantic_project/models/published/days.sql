select
    calendar_date,
    started_at,
    ended_at
from {{ source('marts', 'dim_date') }}
