with standings as (
    select * from {{ ref('segment_standings') }}
),

add_advice as (
    select
        *,
        case
            when is_small
                then 'Too few members to say anything of them.'
            when count(*) over (partition by campaign) = 1
                then
                    'Everybody is in one group: it does not say whom to '
                    || 'choose.'
            when population is not null and standing = 'more'
                then 'Seek: customers are frequent here for the population.'
            when population is not null and standing = 'fewer'
                then 'Leave: customers are rare here for the population.'
            when population is not null
                then 'Customers are as frequent here as the population.'
            when base_rate is null
                then 'No outcome is recorded: choose by what they are like.'
            when standing is null
                then 'Too few contacts so far: contact some to learn.'
            when standing = 'more'
                then 'Converts more than the rest: contact first.'
            when standing = 'fewer'
                then 'Converts less than the rest: contact last.'
            else 'Converts like the rest: let the score decide.'
        end as advice,
    from standings
)

select * from add_advice
