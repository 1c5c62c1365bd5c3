"""The report's page as Chromium shows it: quiet, offline, sortable, switchable, readable on a phone."""

from __future__ import annotations

import re

import pytest
from browsers import NEEDS_CHROMIUM
from report_samples import ACTING, HOSTILE, full_report, hostile_report

from classifier.codebook import load_codebook
from classifier.report_page import to_html

WIDE, NARROW = 1280, 390

pytestmark = NEEDS_CHROMIUM


@pytest.fixture(scope="module")
def files(tmp_path_factory, tiny_codebook):
    """Return where the pages are, by name."""
    folder = tmp_path_factory.mktemp("pages")
    shipped = load_codebook()
    made = {
        "zh": full_report(tiny_codebook),
        "en": full_report(tiny_codebook, "en"),
        "shipped": full_report(shipped, figures=None),
        **{p.id: hostile_report(p.values[0]) for p in HOSTILE + ACTING},
    }
    for name, report in made.items():
        (folder / f"{name}.html").write_text(to_html(report), encoding="utf-8")
    return folder


def listening(context):
    """Return a new page; what it says, asks for or shows by itself is in its ``heard``."""
    page = context.new_page()
    page.heard = []
    page.on("console", lambda message: page.heard.append(message.text))
    page.on("pageerror", lambda error: page.heard.append(str(error)))
    page.on("request", lambda request: page.heard.append(request.url))
    page.on("dialog", lambda dialog: (page.heard.append(dialog.message), dialog.dismiss()))
    return page


@pytest.fixture
def opened(browser, files):
    contexts = []

    def open_page(name="zh", width=WIDE, anchor="", **options):
        contexts.append(browser.new_context(viewport={"width": width, "height": 900}, **options))
        page = listening(contexts[-1])
        page.goto((files / f"{name}.html").as_uri() + anchor)
        return page

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture(scope="module")
def phone(browser):
    """Return one page on a phone's screen, for tests that leave nothing behind."""
    context = browser.new_context(viewport={"width": NARROW, "height": 900})
    yield listening(context)
    context.close()


def noise(page):
    """Return what was said, shown and asked for, but for the page itself and what lies in it."""
    itself = page.url.partition("#")[0]
    return [h for h in page.heard if not h.startswith("data:") and h.partition("#")[0] != itself]


def visible(page, selector):
    return [element for element in page.query_selector_all(selector) if element.is_visible()]


def schemes(page):
    """Return the schemes whose parts are shown, and how many parts of each."""
    found = [element.get_attribute("data-scheme") for element in visible(page, ".view[data-scheme]")]
    return {scheme: found.count(scheme) for scheme in found}


# --- quiet ---


@pytest.mark.parametrize("width", [WIDE, NARROW])
@pytest.mark.parametrize("name", ["zh", "en", "shipped"])
def test_nothing_is_complained_of_asked_for_or_wider_than_the_screen(opened, name, width):
    page = opened(name, width)
    page.click("#expand")
    page.eval_on_selector_all("details", "all => all.forEach(d => { d.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert noise(page) == []
    assert page.evaluate("performance.getEntriesByType('resource').map(r => r.name)") in ([], ["data:,"])


@pytest.mark.parametrize("name", [p.id for p in HOSTILE + ACTING])
def test_hostile_text_runs_nothing_and_moves_nothing(phone, files, name):
    phone.heard.clear()
    phone.goto((files / f"{name}.html").as_uri())
    phone.eval_on_selector_all("details", "all => all.forEach(d => { d.open = true; })")
    assert phone.evaluate("document.documentElement.scrollWidth") == NARROW
    assert noise(phone) == []
    assert phone.evaluate("document.scripts.length") == 1
    assert phone.is_visible("h1")


def test_the_policy_keeps_a_script_from_running_that_found_its_way_in(opened):
    page = opened()
    page.evaluate("""() => {
        const script = document.createElement('script');
        script.textContent = 'window.acted = 1';
        document.body.append(script);
        const image = document.createElement('img');
        image.setAttribute('onerror', 'window.acted = 2');
        image.src = 'https://evil.example/x.png';
        document.body.append(image);
    }""")
    page.wait_for_function("document.images[0].complete")
    assert page.evaluate("window.acted") is None
    assert any("inline script" in said and "Content Security Policy" in said for said in page.heard)
    assert any("evil.example" in said and "Content Security Policy" in said for said in page.heard)


def test_text_from_the_right_leaves_what_follows_where_it_is(browser, tiny_codebook):
    """The number behind a name of Hebrew letters and digits must not be drawn into it."""
    page = browser.new_page(viewport={"width": WIDE, "height": 900})
    page.set_content(to_html(hostile_report("שלום 12")))
    page.click("#expand")
    title, where = page.query_selector_all(".where bdi")[:2]
    assert title.bounding_box()["x"] + title.bounding_box()["width"] <= where.bounding_box()["x"] + 1
    name = page.query_selector(".leading bdi").bounding_box()
    share = page.query_selector(".leading b").bounding_box()
    assert name["x"] + name["width"] <= share["x"] + 1
    page.close()


# --- the switch ---


def test_one_choice_changes_every_part_that_has_a_scheme(opened):
    page = opened()
    assert schemes(page) == {"": 4}
    page.select_option("#scheme", "two-kinds")
    assert schemes(page) == {"two-kinds": 4}
    assert "公共服务" in page.inner_text("#part-shares")
    assert "看病" not in [e.inner_text() for e in visible(page, "#part-trend figcaption")]
    assert len(visible(page, "#part-together .view")) == 1
    assert visible(page, ".code .category")[0].inner_text() == "公共服务"


def test_the_choice_is_remembered_in_the_address(opened):
    page = opened()
    page.select_option("#scheme", "two-kinds")
    page.wait_for_function("location.hash.includes('two-kinds')")
    page.reload()
    assert (page.input_value("#scheme"), schemes(page)) == ("two-kinds", {"two-kinds": 4})
    page.select_option("#scheme", "")
    page.wait_for_function("location.hash === '#scheme='")
    assert schemes(page) == {"": 4}
    page.go_back()
    page.wait_for_function("document.getElementById('scheme').value === 'two-kinds'")
    assert schemes(page) == {"two-kinds": 4}


@pytest.mark.parametrize("anchor", ["#scheme=no-such", "#scheme=%22%3E%3Cscript%3E", "#=&=", "#%"])
def test_an_address_with_an_unknown_choice_shows_the_codes(opened, anchor):
    page = opened(anchor=anchor)
    assert (page.input_value("#scheme"), schemes(page)) == ("", {"": 4})
    assert noise(page) == []


def test_a_link_inside_the_page_opens_what_it_leads_to_and_keeps_the_choice(opened):
    page = opened(anchor="#scheme=two-kinds")
    page.click("#part-shares .chip >> nth=1")
    page.wait_for_function("document.getElementById('code-1').open")
    assert page.evaluate("location.hash") == "#scheme=two-kinds&at=code-1"
    assert schemes(page) == {"two-kinds": 4}
    assert 0 <= page.query_selector("#code-1 > summary").bounding_box()["y"] < 900


def test_an_address_can_lead_to_the_context_of_a_sentence(opened):
    page = opened(anchor="#scheme=two-kinds&at=s1")
    assert page.evaluate("['code-0', 's1'].map(id => document.getElementById(id).open)") == [True, True]
    assert visible(page, "#s1 .here")[0].inner_text() == "医生到小学体检。"


def test_what_the_reader_looks_at_stays_while_parts_above_change(opened):
    page = opened("shipped")
    page.evaluate("document.getElementById('part-together').scrollIntoView(); window.scrollBy(0, 60)")
    page.select_option("#scheme", "three-guarantees")
    page.wait_for_function("location.hash.includes('three')")
    top = page.evaluate("document.getElementById('part-together').getBoundingClientRect().top")
    assert -90 < top < 10


def test_without_scripts_everything_is_there_and_no_button_that_does_nothing(opened):
    page = opened(java_script_enabled=False)
    assert page.locator(".view[data-scheme]:visible").count() == 8
    assert page.locator("button:visible, select:visible").count() == 0
    assert page.locator(".code .category:visible").count() == 0
    page.click("#code-0 > summary")
    assert page.is_visible("text=医生到小学体检。 >> nth=0")


# --- tables ---


def rows_of(page, table, column):
    cells = page.query_selector_all(f"{table} tbody tr > :nth-child({column})")
    return [cell.inner_text().split()[0] for cell in cells]


SHARES = "#part-shares .view[data-scheme=''] table"


def test_a_click_on_a_heading_sorts_by_figures_then_the_other_way_then_restores(opened):
    page = opened()
    head = page.locator(f"{SHARES} thead th").nth(1)
    assert rows_of(page, SHARES, 1) == ["看病", "上学", "修路", "打井"]
    assert head.get_attribute("aria-sort") is None
    head.locator("button").click()
    assert (rows_of(page, SHARES, 2), head.get_attribute("aria-sort")) == (["2", "1", "1", "0"], "descending")
    head.locator("button").click()
    assert (rows_of(page, SHARES, 2), head.get_attribute("aria-sort")) == (["0", "1", "1", "2"], "ascending")
    assert rows_of(page, SHARES, 1) == ["打井", "上学", "修路", "看病"]  # equal ones as they stood
    head.locator("button").click()
    assert (rows_of(page, SHARES, 1), head.get_attribute("aria-sort")) == (
        ["看病", "上学", "修路", "打井"],
        None,
    )


def test_headings_are_reached_and_used_by_keyboard_and_only_one_is_sorted_by(opened):
    page = opened()
    page.locator(f"{SHARES} thead th button").nth(1).click()
    page.locator(f"{SHARES} thead th button").first.focus()
    page.keyboard.press("Enter")
    sorted_by = page.eval_on_selector_all(
        f"{SHARES} thead th", "all => all.map(h => h.getAttribute('aria-sort'))"
    )
    assert [found for found in sorted_by if found] == ["ascending"]
    assert sorted_by[0] == "ascending"
    assert rows_of(page, SHARES, 1) == ["打井", "看病", "上学", "修路"]  # by Pinyin: da, kan, shang, xiu


def test_figures_are_sorted_as_figures_and_what_there_is_not_stands_last(opened):
    page = opened()
    table = "#part-against .view[data-scheme=''] table"
    button = page.locator(f"{table} thead th button", has_text="相差")
    at = 1 + page.eval_on_selector_all(
        f"{table} thead th", "all => all.findIndex(h => h.textContent.includes('相差'))"
    )
    for falling in (True, False):
        button.click()
        figures = [float(f.replace("−", "-")) for f in rows_of(page, table, at)]
        assert figures == sorted(figures, reverse=falling)
        assert min(figures) < 0 < max(figures)
    table = "#part-together table.heat"
    assert rows_of(page, table, 2) == ["–", "100.0"]
    for _ in range(2):
        page.locator(f"{table} thead th button").nth(1).click()
        assert rows_of(page, table, 2) == ["100.0", "–"]


def test_heat_maps_and_folded_tables_sort_too(opened):
    page = opened()
    table = "#part-groups .view[data-scheme=''] table.heat"
    page.locator(f"{table} thead th button").nth(1).click()
    assert rows_of(page, table, 1)[-1] != "看病"
    figures = [float(f) for f in rows_of(page, table, 2)]
    assert figures == sorted(figures, reverse=True)
    page.click("#part-groups .view[data-scheme=''] details.data > summary")
    assert page.locator("#part-groups details.data[open] thead button").count() > 5


# --- small screens and paper ---


def test_bars_stand_below_their_names_on_a_phone(opened):
    page = opened(width=NARROW)
    for row in visible(page, f"{SHARES} tbody tr")[:3]:
        name, bar, fill = (row.query_selector(s).bounding_box() for s in ("th", ".track", ".fill"))
        assert bar["y"] >= name["y"] + name["height"] - 1
        assert bar["width"] > 300
        assert fill["width"] > 20
        assert fill["height"] > 8


def test_the_switch_stays_in_reach_on_a_phone(opened):
    page = opened("shipped", NARROW)
    page.evaluate("window.scrollTo(0, 4000)")
    box = page.query_selector("#scheme").bounding_box()
    assert 0 <= box["y"] < 60


def test_a_bar_is_as_long_as_its_share_on_the_screen(opened):
    page = opened()
    rows = visible(page, f"{SHARES} tbody tr")
    widths = [row.query_selector(".fill").bounding_box()["width"] for row in rows]
    assert widths[0] == pytest.approx(2 * widths[1], abs=1)  # 40 % and 20 %
    assert widths[3] == 0


def test_paper_has_the_chosen_scheme_all_sentences_and_nothing_to_click(opened):
    page = opened(anchor="#scheme=two-kinds")
    page.evaluate("""() => window.addEventListener('beforeprint', () => {
        window.printed = [...document.querySelectorAll('details.code')].map(d => d.open);
    })""")
    paper = page.pdf(prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page\b", paper)) >= 2
    assert page.evaluate("window.printed") == [True] * 4
    assert page.evaluate("document.querySelectorAll('details.code[open]').length") == 0
    page.emulate_media(media="print")
    page.click("#code-0 > summary")
    assert visible(page, "nav, select, .buttons, details.data, .context, .skip") == []
    assert schemes(page) == {"two-kinds": 4}
    assert page.is_visible("text=医生到小学体检。 >> nth=0")
