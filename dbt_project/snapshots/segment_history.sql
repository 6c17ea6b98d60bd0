{#
    Which segment a customer was in, from when to when. People who are no longer customers, or have asked to be
    erased, are removed from it. Where there are no members at all, something else went wrong: all rows stay.
#}
{% snapshot segment_history %}
{{ config(
    schema='campaigns',
    unique_key=['campaign', 'entity_id'],
    strategy='check',
    check_cols=['segment_id'],
    post_hook="
        delete from {{ this }} as history
        where not exists (
            select 1 from {{ ref('segment_members') }} as members
            where members.campaign = history.campaign and members.entity_id = history.entity_id
        )
        and exists (select 1 from {{ ref('segment_members') }})
    ",
) }}
select
    campaign,
    entity_id,
    segment_id,
from {{ ref('segment_members') }}
{% endsnapshot %}
