with segments as (
    select * from {{ ref('segments_worded') }}
),

add_slug_and_lift as (
    select
        campaign,
        segment_id,
        segment_name,
        concat(
            trim(
                regexp_replace(lower(segment_name), '[^a-z0-9]+', '-', 'g'), '-'
            ),
            '-', segment_id
        ) as segment_slug,
        member_count,
        customer_count,
        share_of_customers,
        population_count,
        share_of_population,
        index_value,
        p_value,
        mean_lookalike_probability,
        contacts,
        conversion_rate,
        lower,
        upper,
        conversion_rate / nullif(base_rate, 0) as lift,
        is_small,
        standing,
        map_x,
        map_y,
        advice,
    from segments
)

select * from add_slug_and_lift
