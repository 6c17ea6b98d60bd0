with history as (
    select * from {{ ref('segment_history') }}
),

stays as (
    select
        campaign,
        lag(segment_id) over stays_of_member as from_segment_id,
        segment_id as to_segment_id,
        cast(dbt_valid_from as date) as moved_on,
    from history
    window stays_of_member as (
        partition by campaign, entity_id
        order by dbt_valid_from
    )
),

migrations as (
    select
        campaign,
        from_segment_id,
        to_segment_id,
        moved_on,
        count(*) as member_count,
    from stays
    where from_segment_id is not null
    group by campaign, from_segment_id, to_segment_id, moved_on
)

select * from migrations
