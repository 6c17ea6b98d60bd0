{#
    What conversion_drift_counts and its steps compare: {marts, columns}, of the campaigns with scores. A
    column's place in `columns` is its position.
#}
{% macro drift_marts() -%}
    {%- set marts = [] -%}
    {%- set columns = [] -%}
    {#- what join_contacted reads in the loop over marts, which dbt does not know when it parses -#}
    {%- do ref('earlier_contacts') -%}
    {%- for campaign in listed_campaigns('scores') -%}
        {%- do ref(campaign ~ '_scores') -%}
    {%- endfor -%}
    {%- for mart in all_marts('scores') -%}
        {%- set meta = mart.declaration -%}
        {%- do marts.append({
            'campaign': mart.campaign, 'relation': mart.relation,
            'scores': ref(mart.campaign ~ '_scores'), 'entity': meta.entity,
            'as_of': meta.as_of,
            'time': 'mart.' ~ meta.as_of if meta.as_of else 'scores.scored_at',
            'numbers': mart.numbers, 'numbers_before': columns | length,
            'texts': mart.texts, 'texts_before': columns | length + mart.numbers | length + 2,
        }) -%}
        {%- set names = ['predicted_probability', 'conversion_rate']
            + mart.numbers | map(attribute='column_name') | list
            + mart.texts | map(attribute='column_name') | list -%}
        {%- for name in names -%}
            {%- do columns.append({
                'campaign': mart.campaign, 'feature': name,
                'feature_kind': {'predicted_probability': 'score', 'conversion_rate': 'label'}
                    .get(name, 'feature'),
                'is_accepted': name in accepted_drift(meta),
            }) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return({'marts': marts, 'columns': columns}) }}
{%- endmacro %}

{#
    A select of all rows with a score: their window, the score and the outcome, and of sampled rows the features.
    A macro and not a step, because DuckDB would store a step that is read twice. It reads the CTE `settings`.

    Like is compared with like. A mart with dates: everybody who is in it up to `reference_end`, contacted or not, is
    the reference for everybody of a later window. Training rows alone would not do: they have an outcome because
    somebody chose them, and candidates would seem to have drifted for not being chosen. Outcomes are compared
    among those whom recorded audiences contacted, as soon as newer ones are; before, among all others.

    A mart without dates: the test set is a random sample of the known rows. It belongs to the reference where there
    are new rows; else it is the newest window.

    Scores are made alike (`fold_probability`): of every row by the one fold model that never saw its customer, and not
    moved to another base rate, which is no drift.
#}
{% macro drift_rows(marts) -%}
    {% for mart in marts %}
    select
        {% if mart.as_of %}
        cast({{ mart.time }} as date) <= settings.reference_end as is_reference,
        {% else %}
        scores.has_converted is not null
        and (scores.split = 'train' or settings.has_new_rows) as is_reference,
        {% endif %}
        case
            when not is_reference
                then cast(date_trunc(settings.unit, {{ mart.time }}) as date)
        end as window_start,
        hash(scores.entity_id) % if(
            is_reference, settings.reference_step, settings.other_step
        ) = 0 as is_sampled,
        [
            scores.fold_probability,
            case
                when
                    (contacted.entity_id is not null)
                    = settings.compares_contacted
                    then cast(cast(scores.has_converted as integer) as double)
            end,
        ] as outcomes,
        {{ mart.numbers_before }} as numbers_before,
        if(
            is_sampled,
            list_concat(outcomes, {{ number_list(mart.numbers, 'mart.') }}),
            outcomes
        ) as numbers,
        {{ mart.texts_before }} as texts_before,
        cast(if(
            is_sampled, {{ text_list(mart.texts, 'mart.') }}, []
        ) as varchar[]) as texts,
    from {{ mart.scores }} as scores
    inner join {{ mart.relation }} as mart
        on scores.entity_id = cast(mart.{{ mart.entity }} as varchar)
    inner join settings on settings.campaign = '{{ mart.campaign }}'
    {{ join_contacted(mart) }}
    {{ 'union all' if not loop.last }}
    {% else %}
    select
        cast(null as date) as window_start,
        cast(null as boolean) as is_sampled,
        cast([] as double[]) as outcomes,
        0 as numbers_before,
        cast([] as double[]) as numbers,
        0 as texts_before,
        cast([] as varchar[]) as texts,
    where false
    {% endfor %}
{%- endmacro %}

{# A join with the rows that audiences of earlier weeks contacted, as `contacted`. #}
{% macro join_contacted(mart) -%}
    left join (
        select distinct entity_id
        from {{ ref('earlier_contacts') }}
        where campaign = '{{ mart.campaign }}' and not is_holdout{{ '' if mart.as_of else ' and false' }}
    ) as contacted on scores.entity_id = contacted.entity_id
{%- endmacro %}

{#
    Names whose drift a declaration accepts on the day of the build: all of a list, of a mapping those whose last
    day is not over. Python refuses other forms when it reads the declaration.
#}
{% macro accepted_drift(declaration) -%}
    {%- set accepted = declaration.accept_drift or [] -%}
    {%- set today = (var('today') or run_started_at.strftime('%Y-%m-%d')) | string -%}
    {%- set names = [] -%}
    {%- for name in accepted if accepted is not mapping or accepted[name] | string >= today -%}
        {%- do names.append(name) -%}
    {%- endfor -%}
    {{ return(names) }}
{%- endmacro %}

{# The sentence about a campaign whose newest scores have drifted, of columns of newest_drift. #}
{% macro drift_reason() -%}
    'its scores have shifted since training in the rows from ' || newest_window || ' on: population '
    || 'stability index of predicted_probability ' || {{ three_digits('round(score_psi, 2)') }} || ' (limit 0.25)'
    || coalesce(
        '; of the features ' || most_drifted || ' moved most (index '
        || {{ three_digits('round(most_drifted_psi, 2)') }} || ')', ''
    )
    || '. Look for a fault in the newest files; if the change is real and known, declare accept_drift: '
    || '{predicted_probability: ' || cast({{ selection_time() }} + interval 90 day as date)
    || coalesce(', ' || most_drifted || ': ' || cast({{ selection_time() }} + interval 90 day as date), '') || '}.'
{%- endmacro %}
