{#-
    Where the landed rows of a stream with versions went, per landing day: `current` stands in the frontier with content,
    `tombstone` without; a row is
    accounted for when its key (or set) stands there. A row whose key is missing shows as landed and as nothing else.
-#}
{% macro version_conservation(stream, staging, frontier, keys) -%}
    select
        '{{ stream }}' as stream,
        landed.landed_date,
        landed.landed_rows,
        landed.known_rows,
        coalesce(standing.current_rows, 0) as current_rows,
        coalesce(standing.tombstone_rows, 0) as tombstone_rows
    from (
        select
            staged.landed_date,
            count(*) as landed_rows,
            count(held.is_held) as known_rows
        from {{ staging }} as staged
        left join (
            select distinct
                {{ keys | join(', ') }},
                true as is_held
            from {{ frontier }}
        ) as held
            on {% for key in keys %}staged.{{ key }} = held.{{ key }}{{ ' and ' if not loop.last }}{% endfor %}
        group by staged.landed_date
    ) as landed
    left join (
        select
            landed_date,
            count(*) filter (where content_hash is not null) as current_rows,
            count(*) filter (where content_hash is null) as tombstone_rows
        from {{ frontier }}
        group by landed_date
    ) as standing on landed.landed_date = standing.landed_date
{%- endmacro %}
