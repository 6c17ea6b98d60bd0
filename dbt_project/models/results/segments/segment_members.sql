with members as (
    {{ union_campaigns('segments', var('segmented_campaigns')) }}
)

select * from members
