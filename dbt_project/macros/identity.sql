{#-
    Identity after the frontier: a raw actor's day becomes a person. `actor` and `map` are the names of a frontier
    relation and of int_identity__anonymous_days, joined on open_anonymous_id and the day.
-#}

{#-
    The device of an actor whose day does not say who it was, else NULL. One expression, so that the join stays a hash
    join: a condition on the left side alone, beside the key of a left join, makes DuckDB compare every pair.
-#}
{% macro open_anonymous_id(actor) -%}
    case when coalesce({{ actor }}.user_id, {{ actor }}.same_day_user_id) is null then {{ actor }}.anonymous_id end
{%- endmacro %}

{#- The person: the user, else the next one of the day, else the one of the map, else the device itself. -#}
{% macro person_id(actor, map='anonymous_days') -%}
    coalesce({{ actor }}.user_id, {{ actor }}.same_day_user_id, {{ map }}.user_id, {{ actor }}.anonymous_id)
{%- endmacro %}
