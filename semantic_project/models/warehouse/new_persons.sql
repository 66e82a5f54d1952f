select
    first_date,
    acquisition_channel,
    plan,
    country,
    is_back_d1,
    is_back_d7,
    is_back_d14,
    is_back_d28,
    is_back_w1,
    is_back_w4,
    is_back_w12
from {{ source('warehouse', 'int_retention__active_cohorts') }}
