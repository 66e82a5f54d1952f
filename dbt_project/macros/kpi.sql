{#- What the KPI models of all domains share. -#}

{#- What a subscription charges in a year, exactly; a month's share is divided last. -#}
{% macro yearly_amount(interval, amount) -%}
    case {{ interval }}
        when 'week' then {{ amount }} * 52
        when 'month' then {{ amount }} * 12
        when 'quarter' then {{ amount }} * 4
        else {{ amount }}
    end
{%- endmacro %}

{#-
    Repeats each row of a relation for the total and for each dimension: columns `dimension` and `segment` besides its own.
    `dimensions` maps the dimension's name to the column that holds it; a missing attribute is the segment `unknown`.
-#}
{% macro by_dimension(relation, dimensions) -%}
    select
        facts.*,
        dimensions.dimension,
        case dimensions.dimension
            when 'all' then 'all'
            {%- for dimension, column in dimensions.items() %}
            when '{{ dimension }}' then coalesce(nullif(facts.{{ column }}, ''), 'unknown')
            {%- endfor %}
        end as segment
    from {{ relation }} as facts
    cross join (
        values ('all'){% for dimension in dimensions %}, ('{{ dimension }}'){% endfor %}
    ) as dimensions (dimension)
{%- endmacro %}
