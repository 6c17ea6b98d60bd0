select * from {{ ref('policy_choices') }}
