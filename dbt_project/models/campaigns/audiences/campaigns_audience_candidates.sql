select * from {{ ref('audience_candidates') }}
