from edgeconnect_jax.host.tables import format_table


def test_columns_are_aligned_and_markdown():
    assert format_table(["metric", "a"], [["x", "10.5"], ["longer", "7"], ["metrics", ""]]).splitlines() == [
        "| metric  |    a |",
        "| ------- | ---: |",
        "| x       | 10.5 |",
        "| longer  |    7 |",
        "| metrics |      |",
    ]
