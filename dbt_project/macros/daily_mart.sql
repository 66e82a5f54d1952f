{#-
    The body of a wide mart: the day grain of fct_kpi with one column per figure. `columns` is a list of
    [column, kpi_id, part, type], where part is value, numerator, denominator or n.
-#}
{% macro daily_mart(domain, columns) -%}
select
    facts.period_start as metric_date,
    facts.dimension,
    facts.segment,
    {%- for column, kpi_id, part, type in columns %}
    max(case when facts.kpi_id = '{{ kpi_id }}' then cast(facts.{{ part }} as {{ type }}) end) as {{ column }},
    {%- endfor %}
    coalesce(bool_and(facts.is_complete), false) as is_complete
from {{ ref('fct_kpi') }} as facts
inner join {{ ref('kpi_catalogue') }} as catalogue on facts.kpi_id = catalogue.kpi_id
where facts.grain = 'day'
    and catalogue.domain = '{{ domain }}'
group by facts.period_start, facts.dimension, facts.segment
{%- endmacro %}
