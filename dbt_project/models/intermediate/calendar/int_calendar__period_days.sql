-- Bridge from a fact's day to the periods that it counts in, so that KPI models join by equality.
with

periods as (
    select * from {{ ref('int_calendar__periods') }}
),

days as (
    select * from {{ ref('int_calendar__days') }}
)

select
    periods.grain,
    periods.period_start,
    days.local_date
from days
inner join periods
    on periods.period_start = case periods.grain
        when 'day' then days.local_date
        when 'week' then days.week_start
        when 'month' then days.month_start
        else days.quarter_start
    end
