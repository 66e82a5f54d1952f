-- One flagged event or one flagged entry of the customer is enough, at every date; people of one customer share it.
with internal_customers as (
    select customer_id
    from {{ ref('int_customers__customers') }}
    where is_internal
    union
    select customer_id
    from {{ ref('int_identity__people') }}
    where has_internal_event
),

people as (
    select people.person_id
    from {{ ref('int_identity__people') }} as people
    inner join internal_customers on people.customer_id = internal_customers.customer_id
)

select person_id
from people
union
select customer_id as person_id
from internal_customers
