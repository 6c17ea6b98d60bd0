-- member counts are the members', shares sum to one
with listed as (
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
left join listed using (campaign)
where
    listed.member_count is distinct from members.member_count
    or abs(listed.whole - 1) > 1e-12
    or abs(listed.whole_population - 1) > 1e-12
