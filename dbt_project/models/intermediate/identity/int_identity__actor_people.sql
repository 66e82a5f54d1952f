select
    actors.actor_key,
    actors.from_date,
    actors.to_date,
    people.person_key,
    people.customer_id
from {{ ref('int_identity__actors') }} as actors
inner join {{ ref('int_identity__people') }} as people on actors.person_id = people.person_id
left join {{ ref('int_identity__internal_people') }} as internal_people
    on people.person_id = internal_people.person_id
where internal_people.person_id is null
