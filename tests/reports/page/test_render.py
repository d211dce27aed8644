"""The page, read back: evidence, what is missing, and that nothing is loaded from anywhere."""

from __future__ import annotations

import re

import pytest

from sfcmt.commit import code_version
from tests.reports.conftest import COMMIT, Files
from tests.reports.pages import Page

FACTS = ("n: ", "seeds: ", "interval: ", "test: ", "correction: ", "selection: ", "commit: ", "data: ")


@pytest.fixture(scope="module")
def page(all_reports: Files) -> Page:
    return Page(all_reports["report.html"])


def test_every_number_in_a_table_tells_all_eight_facts(page: Page, crossed_report: Files) -> None:
    numbers = 0
    for table in (*page.tables, *Page(crossed_report["report.html"]).tables):
        for row in table.rows:
            for heading, cell in zip(table.headings, row, strict=True):
                assert cell.text, f"{table.name}: an empty cell under {heading}"
                if not cell.is_number or not re.search(r"\d", cell.text):
                    continue
                numbers += 1
                lines = cell.tip.splitlines()
                assert [fact for fact in FACTS if not any(line.startswith(fact) for line in lines)] == [], cell
    assert numbers > 200


def test_the_facts_are_those_of_the_number(page: Page) -> None:
    lines = page.table("parts-arms")["no-self"]["p corrected"].tip.splitlines()
    assert "n: 4" in lines
    assert "seeds: 0\N{EN DASH}2, 4" in lines
    assert "interval: 95 %, t" in lines
    assert "test: paired t-test" in lines
    assert "correction: Holm over 3 tests at 0.05" in lines
    assert "selection: none: every arm is shown" in lines
    assert f"commit: {COMMIT}" in lines
    assert lines[-1].startswith("data: tiny ")
    assert len(lines[-1].split()[-1]) == 64
    assert f"commit: {code_version()}" in page.table("mine-trials")["0"]["seconds"].tip.splitlines()


def test_what_is_missing_is_shown_as_missing(page: Page) -> None:
    assert page.table("parts-arms")["no-self"]["n"].text == "4 of 5"
    assert "no value of seeds 3" in page.table("parts-arms")["no-self"]["n"].tip
    failed = page.table("mine-trials")["12"]
    assert failed["anchor agreement"].text == "missing"
    assert failed["anchor agreement"].tip == "the objective is nan, <b>so to say</b>"
    assert page.table("closed-winner")["shot"]["balanced accuracy (%)"].text == "missing"
    assert "no labels have been opened" in page.table("closed-winner")["shot"]["p"].tip
    assert "Results by class: missing (no labels have been opened" in page.text
    assert "Translated samples: missing" in page.text


def test_arms_are_sorted_by_what_the_test_says_of_them(all_reports: Files) -> None:
    text = all_reports["report.md"].decode()
    assert "clearly below baseline: no-features" in text
    assert re.search(r"clearly above baseline: no arm; not told apart from baseline: .*no-domain", text)


def test_oracle_columns_are_marked(all_reports: Files) -> None:
    headings = re.findall(r"<th .*?</th>", all_reports["report.html"].decode())
    marked = [heading for heading in headings if "oracle" in heading]
    assert all("has read target labels" in heading for heading in marked)
    judged = [heading for heading in headings if "accuracy" in heading or "regret" in heading]
    assert judged
    assert set(judged) <= set(marked)
    assert not any("anchor agreement" in heading or "seconds" in heading for heading in marked)


def test_nothing_is_loaded_from_elsewhere(page: Page, all_reports: Files) -> None:
    html = all_reports["report.html"].decode()
    assert all(address.startswith(("#", "data:")) for address in page.addresses)
    assert "@import" not in html
    assert set(re.findall(r"url\(\s*([^#)]\S*)\)", html)) == set()
    spaces = set(re.findall(r"\w+://[^\s\"'<)]*", html))
    assert spaces <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}


def test_links_lead_somewhere_and_ids_are_unique(page: Page) -> None:
    assert len(set(page.ids)) == len(page.ids)
    assert {address[1:] for address in page.addresses if address.startswith("#")} <= set(page.ids)


def test_texts_of_users_are_escaped(all_reports: Files) -> None:
    assert b"<b>so to say" not in all_reports["report.html"]
    assert b"&lt;b&gt;so to say" in all_reports["report.html"]
