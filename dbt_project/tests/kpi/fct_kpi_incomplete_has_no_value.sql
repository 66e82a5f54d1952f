{{ config(
    description='An incomplete period has no value, numerator or denominator; a complete one of a count or an amount has both value and numerator.',
    severity='error',
    meta={'dagster': {'ref': {'name': 'fct_kpi'}}, 'owner': 'data-platform', 'subject': 'fct_kpi', 'fix': 'See the last select of fct_kpi; a complete period without a value points at a NULL in the rows of its domain.'}
) }}

select facts.*
from {{ ref('fct_kpi') }} as facts
inner join {{ ref('dim_kpi') }} as kpis on facts.kpi_id = kpis.kpi_id
where (
    not facts.is_complete
    and (facts.value is not null or facts.numerator is not null or facts.denominator is not null)
)
or (
    facts.is_complete
    and kpis.kind in ('count', 'amount')
    and (facts.value is null or facts.numerator is null)
)
