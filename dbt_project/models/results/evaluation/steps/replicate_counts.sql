-- Replicate 0 is the rows themselves; replicates 1, 2, ... weigh each customer by a
-- Poisson draw (bootstrap).
with predictions as (
    select * from {{ ref('ranked_predictions') }}
),

replicates as (
    select range as replicate
    from range(0, {{ var('bootstrap_replicates') + 1 }})
),

draw_shares as (
    select
        predictions.*,
        replicates.replicate,
        -- in [0, 1), by a hash of customer and replicate, so that a build repeats
        -- itself. (hash(a, b) mixes too weakly: replicates would resemble each other.)
        {{ hash_share(
            'xor(predictions.customer_hash, '
            ~ 'cast(replicates.replicate as ubigint))'
        ) }} as draw,
    from predictions
    inner join replicates
        on predictions.replicate_count >= replicates.replicate
),

add_weights as (
    select
        *,
        case when replicate = 0 then exact_rank else coarse_rank end as rank,
        case
            when replicate = 0 then 1
            -- Poisson with mean 1 (cut at 6)
            {%- for probability in [
                0.36787944, 0.73575888, 0.91969860,
                0.98101184, 0.99634015, 0.99940582,
            ] %}
            when draw < {{ probability }} then {{ loop.index0 }}
            {%- endfor %}
            else 6
        end as weight,
    from draw_shares
),

sum_by_rank_and_decile as (
    select
        campaign,
        split,
        predictor,
        replicate,
        rank,
        decile,
        is_contacted,
        sum(weight) as row_count,
        sum(weight * outcome) as converted,
        sum(weight * probability) as expected,
        sum(weight * log_error) as log_loss,
        sum(weight * squared_error) as brier,
    from add_weights
    group by
        campaign, split, predictor, replicate, rank, decile, is_contacted
)

select * from sum_by_rank_and_decile
