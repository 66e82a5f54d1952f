-- What happened and may have moved numbers, as the profile says.
select
    annotation_date,
    coalesce(end_date, annotation_date) as end_date,
    kind,
    title,
    domain,
    kpi_id
from {{ ref('profile_annotations') }}
