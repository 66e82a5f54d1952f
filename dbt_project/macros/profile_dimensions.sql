{#-
    Dimensions that a profile defines (profile_dimensions): their number and names are data, so they are rows of a long
    relation where built-in ones are columns. What a fact has of them is joined beside by_dimension (kpi.sql).
-#}

{#- The distinct dimensions of the KPIs for which the condition holds, as a subquery: dimension, stream, field. -#}
{% macro asked_dimensions(condition) -%}
    (
        select distinct
            dimension,
            stream,
            field
        from {{ ref('profile_dimensions') }}
        where {{ condition }}
    )
{%- endmacro %}

{#- What a row says in the field of `asked`, one of its `extra`; missing is `unknown`. -#}
{% macro extra_segment(extra) -%}
    coalesce(nullif({{ json_text(extra, "replace(asked.field, 'extra.', '')") }}, ''), 'unknown')
{%- endmacro %}

{#- Joins the segment of a fact's customer on its day in the dimension of `asked`, named `spans`, if it has one. -#}
{% macro join_customer_segments(fact, date_column) -%}
    left join {{ ref('int_customers__segments') }} as spans
        on asked.dimension = spans.dimension
        and {{ fact }}.customer_id = spans.customer_id
        and {{ fact }}.{{ date_column }} >= spans.valid_from_date
        and {{ fact }}.{{ date_column }} < spans.valid_to_date
{%- endmacro %}

{#-
    The segment of every row of a relation in every dimension of the KPIs for which the condition holds: from its own
    `extra`, or from its customer on its day. The relation has these columns: `columns` (its key), customer_id, extra and the date.
-#}
{% macro fact_segments(facts, columns, date_column, condition) -%}
    select
        {%- for column in columns %}
        {{ facts }}.{{ column }},
        {%- endfor %}
        asked.dimension,
        case asked.stream
            when 'customers' then coalesce(spans.segment, 'unknown')
            else {{ extra_segment(facts ~ '.extra') }}
        end as segment
    from {{ facts }}
    cross join {{ asked_dimensions(condition) }} as asked
    {{ join_customer_segments(facts, date_column) }}
{%- endmacro %}

{#-
    Repeats each row of a relation for each dimension of the profile that its facts have: columns `dimension` and `segment`
    besides its own. `segments` says what a fact has, by `key` or, where it is called otherwise there, by `segments_key`.
-#}
{% macro by_profile_dimension(relation, segments, key, segments_key=none) -%}
    select
        facts.*,
        profiled.dimension,
        profiled.segment
    from {{ relation }} as facts
    inner join {{ segments }} as profiled on facts.{{ key }} = profiled.{{ segments_key or key }}
{%- endmacro %}

{#- The same for what people did, by what was true of the customer on the day. -#}
{% macro by_customer_dimension(relation, date_column, condition) -%}
    select
        facts.*,
        asked.dimension,
        coalesce(spans.segment, 'unknown') as segment
    from {{ relation }} as facts
    cross join {{ asked_dimensions("counted_stream = 'customers' and " ~ condition) }} as asked
    {{ join_customer_segments('facts', date_column) }}
{%- endmacro %}
