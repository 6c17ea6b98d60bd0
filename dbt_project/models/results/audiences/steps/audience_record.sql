-- audience_members as it was before this build, which adds to it. A model cannot be
-- its own parent, hence no reference.
{% set record = load_relation(this.incorporate(
    path={'schema': 'results', 'identifier': 'audience_members'}
)) %}

{% if record %}
select * from {{ record }}
where purpose = 'contact'
{% else %}
select
    *,
    null as rank,
    cast(null as timestamp) as selected_at,
    false as is_holdout,
    cast(null as varchar) as suppressed_reason,
from {{ ref('audience_candidates') }}
where false
{% endif %}
