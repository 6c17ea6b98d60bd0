with members as (
    select * from {{ ref('audience_contacts') }}
    where purpose = 'contact' and (is_contacted or is_holdout)
),

outcomes as (
    select * from {{ ref('all_scores') }}
),

-- held out and contacted are ranked together: who is in a tenth is no matter of chance
rank_rows as (
    select
        members.audience_id,
        members.campaign,
        members.is_holdout,
        outcomes.has_converted,
        ntile(10) over (
            partition by members.audience_id
            order by members.predicted_probability desc, members.entity_id asc
        ) as tenth,
    from members
    left join outcomes
        on
            members.campaign = outcomes.campaign
            and members.entity_id = outcomes.entity_id
),

-- decile 0 is the whole audience
list_rows as (
    select
        *,
        unnest([0, tenth]) as decile,
    from rank_rows
),

count_rows as (
    select
        audience_id,
        campaign,
        decile,
        count(has_converted) as known_count,
        {% for group, condition in [
            ('contacted', 'not is_holdout'), ('holdout', 'is_holdout')
        ] %}
        count(has_converted) filter (where {{ condition }})
            as {{ group }}_count,
        count(*) filter (where {{ condition }} and has_converted)
            as {{ group }}_conversions,
        {% endfor %}
        count(*) filter (where is_holdout) as held_out,
    from list_rows
    group by audience_id, campaign, decile
)

select * from count_rows
