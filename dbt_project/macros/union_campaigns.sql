{# All campaigns' models of one kind (model, scores, reasons, segmenter, segments, topic_counts) as one relation. #}
{% macro union_campaigns(kind) -%}
    {%- set has = {'segmenter': 'segments', 'segments': 'segments', 'topic_counts': 'topics'}.get(kind, 'scores') -%}
    {%- for campaign in listed_campaigns(has) %}
    select * from {{ ref(campaign ~ '_' ~ kind) }}
    {%- if not loop.last %}
    union all {{ 'by name' if target.type == 'duckdb' }}
    {%- endif -%}
    {%- else %}
    {{ no_rows(kind) }}
    {%- endfor %}
{%- endmacro %}

{# The columns of a kind of model without a row: for a project whose campaigns have none of that kind. #}
{% macro no_rows(kind) -%}
    select
    {%- for name, type in kind_columns()[kind].items() %}
        cast(null as {{ type }}) as {{ name }},
    {%- endfor %}
    where false
{%- endmacro %}

{% macro kind_columns() -%}
    {%- set keys = {'campaign': 'varchar', 'entity_id': 'varchar'} -%}
    {{ return({
        'model': {
            'campaign': 'varchar', 'model_version': 'varchar', 'algorithm': 'varchar', 'imbalance': 'varchar',
            'trained_at': 'timestamp', 'training_rows': 'bigint', 'training_positives': 'bigint',
            'refit_rows': 'bigint', 'refit_positives': 'bigint',
            'kept_share_of_negatives': 'double', 'training_base_rate': 'double', 'assumed_base_rate': 'double',
            'assumed_because': 'varchar', 'estimated_base_rate': 'double', 'estimated_lower': 'double',
            'estimated_upper': 'double', 'estimated_rows': 'bigint', 'parameters': 'varchar',
            'features': 'varchar[]', 'model_format': 'varchar', 'model_body': 'varchar', 'fingerprint': 'varchar',
            'refused_reason': 'varchar', 'declaration': 'varchar', 'baseline_rule': 'varchar',
            'calibration': 'varchar', 'champion_version': 'varchar', 'best_version': 'varchar',
            'gate_note': 'varchar',
            'candidates': 'struct(algorithm varchar, imbalance varchar, roc_auc double, average_precision double, '
                ~ 'f1 double, log_loss double, brier double, fit_seconds double, feature_count bigint, '
                ~ 'all_features_average_precision double, later_measure double)[]',
            'factors': 'struct(feature varchar, importance double, direction varchar)[]',
            'relevance': 'struct(feature varchar, is_kept boolean, dropped_by varchar, measured double, '
                ~ '"limit" double, correlated_with varchar, folds_kept bigint)[]',
            'leakage': 'struct(feature varchar, check_name varchar, measured double, "limit" double, '
                ~ 'status varchar, advice varchar)[]',
            'dependence': 'struct(feature varchar, bin bigint, bin_label varchar, row_count bigint, '
                ~ 'mean_value double, mean_predicted double)[]',
            'forward': 'struct(entity_id varchar, customer_id varchar, block bigint, has_converted boolean, '
                ~ 'predicted_probability double, baseline_probability double, '
                ~ 'declared_baseline_probability double)[]',
        },
        'scores': dict(
            keys, customer_id='varchar', split='varchar', has_converted='boolean', predicted_probability='double',
            fold_probability='double', baseline_probability='double', declared_baseline_probability='double', contact_cost='double',
            conversion_value='double', is_out_of_fold='boolean', model_version='varchar', row_hash='varchar',
            scored_at='timestamp',
        ),
        'reasons': dict(
            keys, reason_rank='integer', feature='varchar', feature_value='varchar', contribution='double',
            direction='varchar', base_log_odds='double', other_contribution='double', model_version='varchar',
            row_hash='varchar',
        ),
        'segmenter': {
            'campaign': 'varchar', 'segmenter_version': 'varchar', 'trained_at': 'timestamp',
            'customer_rows': 'bigint', 'fitted_rows': 'bigint', 'sample_agreement': 'double',
            'lookalike_roc_auc': 'double', 'fingerprint': 'varchar', 'refused_reason': 'varchar',
            'chosen_because': 'varchar', 'declaration': 'varchar', 'model_body': 'varchar',
            'choices': 'struct(segment_count bigint, inertia double, silhouette double, davies_bouldin double, '
                ~ 'stability double, smallest_share double, is_chosen boolean)[]',
            'steps': 'struct(feature varchar, weight double, "action" varchar, measured double, detail varchar)[]',
            'profiles': 'struct(segment_id bigint, segment_name varchar, feature varchar, segment_mean double, '
                ~ 'overall_mean double, standardised_difference double, top_category varchar)[]',
        },
        'segments': dict(
            keys, is_customer='boolean', segment_id='bigint', segment_distance='double',
            segment_confidence='double', lookalike_probability='double', segmenter_version='varchar',
        ),
        'topic_counts': {
            'campaign': 'varchar', 'first_device_key': 'bigint', 'topic_path': 'varchar', 'parent_path': 'varchar',
            'depth': 'bigint', 'row_count': 'bigint', 'converted': 'bigint',
        },
    }) }}
{%- endmacro %}
