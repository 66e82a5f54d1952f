{%- set attributes = ['plan', 'country', 'acquisition_channel', 'industry'] %}

with

asked as (
    select distinct
        dimension,
        field
    from {{ ref('profile_dimensions') }}
    where stream = 'customers'
)

select
    spans.customer_id,
    spans.valid_from_date,
    spans.valid_to_date,
    asked.dimension,
    case asked.field
        {%- for attribute in attributes %}
        when '{{ attribute }}' then coalesce(nullif(spans.{{ attribute }}, ''), 'unknown')
        {%- endfor %}
        else {{ extra_segment('spans.extra') }}
    end as segment
from {{ ref('int_customers__attribute_spans') }} as spans
cross join asked
