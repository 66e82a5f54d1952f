{#-
    Columns that say how `value` differs from the value of another period, whose columns begin with `period`: the difference,
    its share of the other value (NULL where that is 0), and whether it is the good direction. Expects `direction`.
-#}
{% macro compared_with(period) -%}
    value - {{ period }}_value as {{ period }}_change,
    (value - {{ period }}_value) / nullif(abs({{ period }}_value), 0) as {{ period }}_change_share,
    case
        when direction = 'none' or value is null or {{ period }}_value is null then null
        when value = {{ period }}_value then 'same'
        when (value > {{ period }}_value) = (direction = 'up') then 'better'
        else 'worse'
    end as {{ period }}_movement
{%- endmacro %}
