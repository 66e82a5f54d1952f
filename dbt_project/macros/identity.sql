{#-
    Identity after the frontier: a raw actor's day becomes a person. `actor` is the name of a frontier relation in the
    query, `spans` that of int_identity__anonymous_spans.
-#}

{#-
    Joins the span that a day falls into which does not say itself who the device was. The condition on the actor alone is
    an expression in the key, so that the join stays a hash join: beside the key of a left join it makes DuckDB compare
    every pair.
-#}
{% macro join_anonymous_spans(actor, spans='anonymous_spans') -%}
    left join {{ ref('int_identity__anonymous_spans') }} as {{ spans }}
        on case
            when coalesce({{ actor }}.user_id, {{ actor }}.same_day_user_id) is null then {{ actor }}.anonymous_id
        end = {{ spans }}.anonymous_id
        and {{ actor }}.event_date >= {{ spans }}.from_date
        and {{ actor }}.event_date < {{ spans }}.to_date
{%- endmacro %}

{#- The person: the user, else the next one of the day, else the one of the span, else the device itself. -#}
{% macro person_id(actor, spans='anonymous_spans') -%}
    coalesce({{ actor }}.user_id, {{ actor }}.same_day_user_id, {{ spans }}.user_id, {{ actor }}.anonymous_id)
{%- endmacro %}

{#- One narrow key for the three ids of a raw actor, so that what follows the frontier joins numbers, not texts. -#}
{% macro actor_key(anonymous_id, user_id, same_day_user_id) -%}
    {{ narrow_key(
        "concat_ws('|', coalesce(" ~ anonymous_id ~ ", ''), coalesce(" ~ user_id ~ ", ''), coalesce(" ~ same_day_user_id ~ ", ''))"
    ) }}
{%- endmacro %}

{#- Joins the person of a raw actor's day (internal people have none), named `people`. -#}
{% macro join_people(actor) -%}
    inner join {{ ref('int_identity__actor_people') }} as people
        on {{ actor }}.actor_key = people.actor_key
        and {{ actor }}.event_date >= people.from_date
        and {{ actor }}.event_date < people.to_date
{%- endmacro %}

{#- Joins what was true of the customer of a fact on its day, named `spans`. -#}
{% macro join_customer_spans(fact, date_column) -%}
    left join {{ ref('int_customers__attribute_spans') }} as spans
        on {{ fact }}.customer_id = spans.customer_id
        and {{ fact }}.{{ date_column }} >= spans.valid_from_date
        and {{ fact }}.{{ date_column }} < spans.valid_to_date
{%- endmacro %}

{#- The account of a fact: its own, else that of the customer (joined as `spans`), else the customer, an account of one. -#}
{% macro account_of(fact) -%}
    coalesce(nullif({{ fact }}.account_id, ''), nullif(spans.account_id, ''), nullif({{ fact }}.customer_id, ''))
{%- endmacro %}
