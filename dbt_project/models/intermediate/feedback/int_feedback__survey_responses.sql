{{ config(materialized='view') }}

-- A tombstone has no content: the row is gone at the source.
select *
from {{ ref('int_feedback__newest_survey_responses') }}
where content_hash is not null
