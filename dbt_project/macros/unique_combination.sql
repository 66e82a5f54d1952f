{#-
    Generic test: no two rows agree in all of the columns. NULLs agree with each other, as they do in a key; the columns
    of `not_null` have none.
    With `touched_days`, for frontier models by event days: only the days that the newest application touched. The others
    were tested when they were built, and testing them again every night would follow the raw history.
-#}
{% test unique_combination(model, columns, not_null=[], touched_days=false) %}
select
    {{ columns | join(', ') }},
    count(*) as row_count
from {{ model }}
{%- if touched_days %}
where event_date in (
    select unnest(event_days)
    from (
        select event_days, applied_at, max(applied_at) over () as newest_at
        from {{ applied_partitions() }}
        where model = '{{ model.identifier }}'
    )
    where applied_at = newest_at
)
{%- endif %}
group by {{ columns | join(', ') }}
having count(*) > 1
{%- for column in not_null %}
    or count({{ column }}) < count(*)
{%- endfor %}
{% endtest %}
