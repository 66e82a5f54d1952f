-- Every row of fct_kpi beside the period before it, the same period a year ago and its target.
with

-- A week or a day a year ago is 52 weeks ago, so that weekdays meet.
periods as (
    select
        kpis.*,
        dim_kpi.direction,
        case kpis.grain
            when 'day' then {{ add_days('kpis.period_start', -1) }}
            when 'week' then {{ add_days('kpis.period_start', -7) }}
            when 'month' then cast(kpis.period_start - interval '1' month as date)
            else cast(kpis.period_start - interval '3' month as date)
        end as previous_start_date,
        case
            when kpis.grain in ('day', 'week') then {{ add_days('kpis.period_start', -364) }}
            else cast(kpis.period_start - interval '12' month as date)
        end as year_ago_start_date
    from {{ ref('fct_kpi') }} as kpis
    inner join {{ ref('dim_kpi') }} as dim_kpi on kpis.kpi_id = dim_kpi.kpi_id
),

compared as (
    select
        periods.*,
        previous.value as previous_value,
        year_ago.value as year_ago_value,
        coalesce(periods.is_mature and periods.is_complete and previous.is_mature and previous.is_complete, false)
            as is_previous_comparable,
        coalesce(periods.is_mature and periods.is_complete and year_ago.is_mature and year_ago.is_complete, false)
            as is_year_ago_comparable,
        targets.target_value
    from periods
    left join {{ ref('fct_kpi') }} as previous
        on periods.kpi_id = previous.kpi_id
        and periods.grain = previous.grain
        and periods.previous_start_date = previous.period_start
        and periods.dimension = previous.dimension
        and periods.segment = previous.segment
    left join {{ ref('fct_kpi') }} as year_ago
        on periods.kpi_id = year_ago.kpi_id
        and periods.grain = year_ago.grain
        and periods.year_ago_start_date = year_ago.period_start
        and periods.dimension = year_ago.dimension
        and periods.segment = year_ago.segment
    left join {{ ref('profile_targets') }} as targets
        on periods.kpi_id = targets.kpi_id
        and periods.grain = targets.grain
        and periods.dimension = 'all'
        and (targets.valid_from is null or targets.valid_from <= periods.period_start)
        and (targets.valid_to is null or targets.valid_to > periods.period_start)
)

select
    kpi_id,
    grain,
    period_start,
    dimension,
    segment,
    value,
    n,
    is_complete,
    is_mature,
    previous_start_date,
    previous_value,
    {{ compared_with('previous') }},
    is_previous_comparable,
    year_ago_start_date,
    year_ago_value,
    {{ compared_with('year_ago') }},
    is_year_ago_comparable,
    target_value,
    value - target_value as target_gap,
    case direction
        when 'up' then value >= target_value
        when 'down' then value <= target_value
    end as is_on_target
from compared
