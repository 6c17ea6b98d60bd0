select * from {{ ref('policies_worded') }}
