"""The samples: dirty as life, drawn from a written-down probability that no build can read."""

import filecmp
from pathlib import Path

import duckdb
import pytest

from python_models.common.errors import UserError
from python_models.inputs.defaults import sample_sizes
from python_models.inputs.samples import SAMPLES, parts, write_sample
from python_models.inputs.samples.attributes import attribute_columns
from tests.support import REPOSITORY


@pytest.fixture(scope="session")
def truth(default_data: Path) -> Path:
    return default_data.parent / "truth"


def rows(sql: str) -> list[tuple]:
    with duckdb.connect() as connection:
        return connection.sql(sql).fetchall()


@pytest.mark.parametrize(
    ("source", "size"), [("app_install", 300), ("display_ads", 2_000), ("online_retail", 60)]
)
def test_a_sample_is_the_same_every_time(source: str, size: int, tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("first", "second")]
    for folder in folders:
        assert write_sample(source, folder / "raw", folder / "truth", size)
    compared = filecmp.dircmp(*folders)
    for half in compared.subdirs.values():
        assert half.common_files
        assert filecmp.cmpfiles(half.left, half.right, half.common_files, shallow=False)[1:] == ([], [])
    assert not write_sample(source, folders[0] / "raw", folders[0] / "truth", size), "it is there already"


def test_sizes_are_one_variable() -> None:
    assert sample_sizes({}) == {source: sample.size for source, sample in SAMPLES.items()}
    sizes = sample_sizes({"LEADLIGHT_SAMPLE_SIZES": "display_ads=1000000000 mail_out=891211"})
    assert (sizes["display_ads"], sizes["mail_out"]) == (1_000_000_000, 891_211)
    for wrong in ("display_ads", "devices=3", "mail_out=many", "mail_out=0"):
        with pytest.raises(UserError, match=f"holds '{wrong}'; allowed are, by blanks apart: app_install="):
            sample_sizes({"LEADLIGHT_SAMPLE_SIZES": wrong})


def test_large_samples_are_written_in_parts() -> None:
    assert list(parts(11, 5)) == [("00001", 1, 5), ("00002", 6, 10), ("00003", 11, 11)]
    assert list(parts(7, None)) == [("00001", 1, 7)]


def test_attributes_become_columns(tmp_path: Path) -> None:
    table = tmp_path / "attributes.csv"
    table.write_text(
        "attribute,level,kind,value,size,unknown,codes,draw\n"
        "AGE_CLASS,person,ordinal,0.5 * age,4,0.1,-1 null,\n"
        "AGE_CLASS_FINE,person,ordinal,,20,0.2,null,AGE_CLASS\n"
        "MARK,region,word,age,A B,0,null,\n"
        "ZONE,region,text,zone_of(region),,0.3,X null,\n"
        "SET_NO,,sql,3,,,,\n"
    )
    assert attribute_columns(table).split(",\n    ") == [
        "ordinal(person, 'AGE_CLASS', 0.5 * age, 4, 0.1, [-1, null]) as AGE_CLASS",
        "ordinal(person, 'AGE_CLASS', 0.5 * age + 0.1 * normal(person, 'AGE_CLASS_FINE'), 20, 0.2, [null])"
        " as AGE_CLASS_FINE",
        "word(region, 'MARK', age, ['A', 'B'], 0, [null]) as MARK",
        "known(region, 'ZONE', 0.3, ['X', null], zone_of(region)) as ZONE",
        "3 as SET_NO",
    ]


def test_about_two_percent_of_clicks_install(truth: Path) -> None:
    [(clicks, rate, meant)] = rows(
        "select count(*), avg(has_installed::int), avg(true_probability)"
        f" from '{truth}/app_install/clicks.parquet'"
    )
    assert clicks > 20_000
    assert rate == pytest.approx(meant, abs=0.003)
    assert 0.017 < meant < 0.024


def test_the_mail_out_has_its_published_shape(default_data: Path) -> None:
    folder = default_data / "mail_out/default"
    described = {path.stem: rows(f"describe from '{path}'") for path in folder.glob("*.parquet")}
    assert {name: len(columns) for name, columns in described.items()} == {
        "population": 366,
        "customers": 369,
        "mailout_train": 367,
        "mailout_test": 366,
    }
    seed = REPOSITORY / "dbt_project/seeds/mail_out_dictionary.csv"
    documented = {name for (name,) in rows(f"select attribute from read_csv('{seed}', all_varchar = true)")}
    population = {name for (name, *_) in described["population"]}
    assert documented <= population
    assert len(population - documented) > 50, "some are not documented"
    codes = {
        code for (code,) in rows(f"select distinct missing_codes from read_csv('{seed}', all_varchar = true)")
    }
    assert {"-1", "-1, 9", "-1, 0", "0"} <= codes
    [(rate,)] = rows(f"select avg(RESPONSE) from '{folder}/mailout_train.parquet'")
    assert 0.008 < rate < 0.016


def test_six_groups_hide_in_the_mail_out(truth: Path) -> None:
    groups = rows(f"""
        select
            true_group,
            count(*) filter (part = 'population') / sum(count(*) filter (part = 'population')) over (),
            count(*) filter (part = 'customers') / sum(count(*) filter (part = 'customers')) over ()
        from '{truth}/mail_out/people.parquet' group by all
    """)
    shares = [share for _, share, _ in groups]
    assert len(shares) == 6
    assert 0.07 < min(shares) < 0.14
    assert 0.2 < max(shares) < 0.33
    customers_index = {group: customers / share for group, share, customers in groups}
    assert 0.2 < customers_index["young city renters"] < 0.5
    assert 1.4 < customers_index["wealthy suburbanites"] < 2.5
    assert max(customers_index, key=customers_index.__getitem__) == "wealthy suburbanites"


def test_attributes_of_person_and_place_show_the_group(default_data: Path, truth: Path) -> None:
    """The share of an attribute's variance that lies between the groups, codes for unknown left out."""
    attributes = {"AGE_RAW_K": 0.3, "ONL_K": 0.3, "CELL_INC_K": 0.5, "CELL_ZR_05": 0.3}
    for attribute, least in attributes.items():
        [(between,)] = rows(f"""
            with groups as (
                select count(*) as people, avg(ln({attribute})) as mean, var_pop(ln({attribute})) as within
                from '{default_data}/mail_out/default/population.parquet'
                inner join '{truth}/mail_out/people.parquet' using (person_id)
                where {attribute} > 0
                group by true_group
            )
            select 1 - sum(people * within) / (
                sum(people * (within + mean * mean)) - sum(people * mean) ** 2 / sum(people)
            ) from groups
        """)
        assert least < between < 0.9, attribute


def test_the_truth_knows_everybody_with_an_id(default_data: Path, truth: Path) -> None:
    parts = ("population", "customers", "mailout_train", "mailout_test")
    files = " union all ".join(
        f"select person_id, '{part.removeprefix('mailout_')}' as part"
        f" from '{default_data}/mail_out/default/{part}.parquet'"
        for part in parts
    )
    [(people, repeated, not_known, made_up)] = rows(f"""
        with people as (from '{truth}/mail_out/people.parquet'),
        files as (select distinct * from ({files}) where person_id is not null)
        select
            (select count(true_group) from people),
            (select count(*) - count(distinct (person_id, part)) from people),
            (select count(*) from files anti join people using (person_id, part)),
            (select count(*) from people anti join files using (person_id, part))
    """)
    assert people > 20_000
    assert (repeated, not_known, made_up) == (0, 0, 0)
