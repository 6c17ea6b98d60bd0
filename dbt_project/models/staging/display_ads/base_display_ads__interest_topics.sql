{{ config(
    materialized='table',
    pre_hook="{{ load_raw('display_ads', 'interest_topics') }}",
) }}

{{ typed_rows('display_ads', 'interest_topics', faults=[{
    'condition': "not starts_with(topic_path, '/')",
    'reason': "concat('topic_path does not begin with /: ', topic_path)",
}]) }}
