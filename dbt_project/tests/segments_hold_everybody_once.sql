-- member counts are the members', shares sum to one
with list_rows as (
    select
        campaign,
        sum(member_count) as member_count,
        sum(share_of_customers) as whole,
        sum(share_of_population) as whole_population,
    from {{ ref('segments') }}
    group by campaign
),

members as (
    select
        campaign,
        count(*) as member_count,
    from {{ ref('segment_members') }}
    group by campaign
)

select members.* from members
left join list_rows using (campaign)
where
    list_rows.member_count is distinct from members.member_count
    or abs(list_rows.whole - 1) > 1e-12
    or abs(list_rows.whole_population - 1) > 1e-12
