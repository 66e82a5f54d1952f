-- The days that the KPIs are published for. A fiscal year is named after the calendar year that it ends in.
with

settings as (
    select fiscal_year_start_month from {{ ref('int_calendar__settings') }}
),

whole_periods as (
    select
        grain,
        period_start
    from {{ ref('int_calendar__periods') }}
    where grain <> 'day'
),

numbered as (
    select
        days.*,
        {{ iso_dow('days.local_date') }} as weekday_number,
        -- an ISO week belongs to the year of its Thursday
        cast(extract(year from {{ add_days('days.week_start', 3) }}) as int) as iso_year,
        cast(extract(week from days.local_date) as int) as iso_week,
        cast(extract(year from days.local_date) as int) as year_number,
        cast(extract(quarter from days.local_date) as int) as quarter_number,
        cast(extract(month from days.local_date) as int) as month_number,
        cast(extract(day from days.local_date) as int) as day_of_month,
        settings.fiscal_year_start_month,
        cast(
            (cast(extract(month from days.local_date) as int) - settings.fiscal_year_start_month + 12) % 12 + 1 as int
        ) as fiscal_month
    from {{ ref('int_calendar__days') }} as days
    cross join settings
)

select
    numbered.local_date as calendar_date,
    numbered.start_at as started_at,
    numbered.end_at as ended_at,
    numbered.weekday_number,
    case numbered.weekday_number
        when 1 then 'Monday'
        when 2 then 'Tuesday'
        when 3 then 'Wednesday'
        when 4 then 'Thursday'
        when 5 then 'Friday'
        when 6 then 'Saturday'
        else 'Sunday'
    end as weekday_name,
    numbered.weekday_number >= 6 as is_weekend,
    numbered.iso_year,
    numbered.iso_week,
    numbered.week_start as week_start_date,
    weeks.period_start is not null as is_in_whole_week,
    numbered.year_number,
    numbered.quarter_number,
    numbered.quarter_start as quarter_start_date,
    quarters.period_start is not null as is_in_whole_quarter,
    numbered.month_number,
    numbered.month_start as month_start_date,
    months.period_start is not null as is_in_whole_month,
    numbered.day_of_month,
    cast(
        case
            when numbered.fiscal_year_start_month > 1 and numbered.month_number >= numbered.fiscal_year_start_month
                then numbered.year_number + 1
            else numbered.year_number
        end as int
    ) as fiscal_year,
    cast(
        case
            when numbered.fiscal_month <= 3 then 1
            when numbered.fiscal_month <= 6 then 2
            when numbered.fiscal_month <= 9 then 3
            else 4
        end as int
    ) as fiscal_quarter,
    numbered.fiscal_month
from numbered
left join whole_periods as weeks
    on weeks.grain = 'week'
    and numbered.week_start = weeks.period_start
left join whole_periods as months
    on months.grain = 'month'
    and numbered.month_start = months.period_start
left join whole_periods as quarters
    on quarters.grain = 'quarter'
    and numbered.quarter_start = quarters.period_start
