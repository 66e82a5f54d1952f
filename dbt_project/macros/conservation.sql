{#- What stands in a frontier by keys, per landing day: rows that count, and tombstones (a deletion has no content). -#}
{% macro standing_versions(stream, frontier) -%}
    select
        '{{ stream }}' as stream,
        landed_date,
        count(content_hash) as current_rows,
        count(*) - count(content_hash) as tombstone_rows
    from {{ frontier }}
    group by landed_date
{%- endmacro %}
