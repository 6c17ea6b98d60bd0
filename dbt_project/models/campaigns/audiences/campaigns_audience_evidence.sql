select * from {{ ref('audience_evidence') }}
