with

settings as (
    select currency from {{ ref('int_calendar__settings') }}
),

-- The targets that hold on the last day that a KPI is published for: that of the week first, then of the day.
held_targets as (
    select
        targets.kpi_id,
        max(case when targets.grain = 'week' then targets.target_value end) as of_week,
        max(case when targets.grain = 'day' then targets.target_value end) as of_day,
        max(case when targets.grain = 'month' then targets.target_value end) as of_month,
        max(case when targets.grain = 'quarter' then targets.target_value end) as of_quarter
    from {{ ref('profile_targets') }} as targets
    inner join {{ ref('int_kpi__availability') }} as availability on targets.kpi_id = availability.kpi_id
    where coalesce(targets.valid_from <= availability.last_date, targets.valid_from is null)
        and coalesce(targets.valid_to > availability.last_date, targets.valid_to is null)
    group by targets.kpi_id
),

current_targets as (
    select
        kpi_id,
        coalesce(of_week, of_day, of_month, of_quarter) as target_value,
        case
            when of_week is not null then 'week'
            when of_day is not null then 'day'
            when of_month is not null then 'month'
            else 'quarter'
        end as target_grain
    from held_targets
),

-- The dimensions of the profile. Attributes of customers are dated where the source keeps their history.
profiled as (
    select
        asked.kpi_id,
        {{ array_text(array_set('asked.dimension')) }} as dimensions,
        {{ array_text(array_set('asked.current_dimension')) }} as current_dimensions,
        count(asked.person_dimension) as person_dimension_count
    from (
        select
            own.kpi_id,
            own.dimension,
            case when own.stream = 'customers' then own.dimension end as person_dimension,
            case
                when own.stream = 'customers' and history.value <> 'true' then own.dimension
            end as current_dimension
        from {{ ref('profile_dimensions') }} as own
        inner join {{ ref('profile_settings') }} as history
            on history.section = 'dated_history'
            and history.key = 'customers'
    ) as asked
    group by asked.kpi_id
),

-- By whose attributes the built-in dimensions of a KPI go, and those of the profile.
attributed as (
    select
        catalogue.kpi_id,
        case
            when catalogue.person_dimensions is null then 'fact'
            else coalesce(attribution.attribution, 'fact')
        end as built_in,
        case
            when coalesce(profiled.person_dimension_count, 0) = 0 then 'fact'
            when profiled.current_dimensions <> '' then 'current'
            else 'dated'
        end as own,
        replace(coalesce(profiled.dimensions, ''), ',', ' ') as own_dimensions,
        replace(coalesce(profiled.current_dimensions, ''), ',', ' ') as own_current_dimensions
    from {{ ref('kpi_catalogue') }} as catalogue
    left join {{ ref('int_kpi__attribution') }} as attribution on catalogue.domain = attribution.domain
    left join profiled on catalogue.kpi_id = profiled.kpi_id
)

select
    catalogue.kpi_id,
    catalogue.name,
    catalogue.sentence,
    catalogue.formula,
    case catalogue.unit when 'currency' then settings.currency else catalogue.unit end as unit,
    catalogue.kind,
    catalogue.direction,
    catalogue.additivity,
    coalesce(catalogue.is_cohort, false) as is_cohort,
    availability.cohort_window_days,
    catalogue.grains,
    nullif(trim(coalesce(catalogue.dimensions, '') || ' ' || attributed.own_dimensions), '') as dimensions,
    coalesce(catalogue.non_additive_dimensions, '') as non_additive_dimensions,
    case
        when 'current' in (attributed.built_in, attributed.own) then 'current'
        when 'dated' in (attributed.built_in, attributed.own) then 'dated'
        else 'fact'
    end as attribution,
    trim(
        case when attributed.built_in = 'current' then coalesce(catalogue.person_dimensions, '') else '' end
        || ' ' || attributed.own_current_dimensions
    ) as current_dimensions,
    catalogue.domain,
    catalogue.owner,
    targets.target_value,
    targets.target_grain,
    catalogue.source_marts,
    catalogue.precision,
    availability.is_available,
    availability.unavailable_reason,
    availability.waits_for_streams,
    availability.watermark_date,
    availability.last_date as published_to_date
from {{ ref('kpi_catalogue') }} as catalogue
cross join settings
inner join {{ ref('int_kpi__availability') }} as availability on catalogue.kpi_id = availability.kpi_id
inner join attributed on catalogue.kpi_id = attributed.kpi_id
left join current_targets as targets on catalogue.kpi_id = targets.kpi_id
