{{ config(materialized='view') }}

select
    measure,
    dimension,
    segment,
    local_date,
    gap_days,
    amount
from {{ ref('int_engagement__day_counts') }}
union all
select
    measure,
    dimension,
    segment,
    local_date,
    gap_days,
    amount
from {{ ref('int_engagement__profile_counts') }}
