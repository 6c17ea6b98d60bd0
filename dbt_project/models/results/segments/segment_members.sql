with members as (
    {{ union_campaigns('segments') }}
)

select * from members
