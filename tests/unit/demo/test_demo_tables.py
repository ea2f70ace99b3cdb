from __future__ import annotations

import pytest

from demo.tables import NotAsTold, Table, read_table, read_tables, same

PACKAGES = """\
NAME                             PUBLIC-NAME                VERSION      AGE
web.packages.example.com.1.0.0   web.packages.example.com   1.0.0        4s
web.packages.example.com.2.0.0   web.packages.example.com   2.0.0-rc.1   4s
"""


def test_a_table_is_read_by_its_header() -> None:
    table = read_table(PACKAGES)

    assert table.columns == ("NAME", "PUBLIC-NAME", "VERSION", "AGE")
    assert table.column("VERSION") == ["1.0.0", "2.0.0-rc.1"]


def test_a_cell_may_hold_spaces_or_be_empty() -> None:
    table = read_table(
        "NAME   PACKAGE-VERSION   DESCRIPTION           AGE\n"
        "web                      Reconcile succeeded   2s\n"  # the version is not known yet
    )

    assert table.rows == ({"NAME": "web", "PACKAGE-VERSION": "", "DESCRIPTION": "Reconcile succeeded", "AGE": "2s"},)


def test_the_name_of_a_column_may_be_two_words() -> None:
    assert read_table("NAME   MIN AVAILABLE   AGE\nweb    N/A             1s\n").column("MIN AVAILABLE") == ["N/A"]


def test_no_output_is_a_table_without_rows() -> None:
    assert read_table("") == Table((), ())
    assert read_table("").column("NAME") == []


def test_several_kinds_are_a_table_each() -> None:
    tables = read_tables(
        "NAME          AGE\nservice/web   2s\n\nNAME            DATA   AGE\nconfigmap/web   2      2s\n"
    )

    assert [table.column("NAME") for table in tables] == [["service/web"], ["configmap/web"]]


def test_a_column_that_is_not_there_is_told_with_those_that_are() -> None:
    with pytest.raises(NotAsTold, match="no column READY, only NAME, PUBLIC-NAME, VERSION, AGE"):
        read_table(PACKAGES).column("READY")


def test_a_difference_tells_what_was_expected_and_what_was_found() -> None:
    same("the version", "1.2.0", "1.2.0")
    with pytest.raises(NotAsTold, match=r"the version: expected '1\.2\.0', found '1\.1\.0'"):
        same("the version", "1.2.0", "1.1.0")
