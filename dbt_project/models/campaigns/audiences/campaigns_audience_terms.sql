select * from {{ ref('audience_terms') }}
