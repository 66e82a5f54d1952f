with

settings as (
    select currency from {{ ref('int_calendar__settings') }}
),

targets as (
    select
        key as kpi_id,
        cast(value as double) as target_value
    from {{ ref('profile_settings') }}
    where section = 'target'
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
    catalogue.dimensions,
    coalesce(catalogue.non_additive_dimensions, '') as non_additive_dimensions,
    case
        when catalogue.person_dimensions is null then 'fact'
        else coalesce(attribution.attribution, 'fact')
    end as attribution,
    case
        when attribution.attribution = 'current' then coalesce(catalogue.person_dimensions, '')
        else ''
    end as current_dimensions,
    catalogue.domain,
    catalogue.owner,
    targets.target_value,
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
left join {{ ref('int_kpi__attribution') }} as attribution on catalogue.domain = attribution.domain
left join targets on catalogue.kpi_id = targets.kpi_id
