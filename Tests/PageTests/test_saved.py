"""Analyses that are kept, exported, imported and compared."""

import pathlib
import re
import tempfile
import zipfile

from browser import SAMPLES, PageTest, expect


class SavedTests(PageTest):
    def test_an_analysis_is_named_tagged_and_found(self):
        page = self.analyse(SAMPLES / "husky.png")
        page.get_by_label("Name", exact=True).fill("A sledge dog")
        page.get_by_label("Tags").fill("pets, snow")
        with page.expect_response(lambda r: "Lapland" in (r.request.post_data or "")):
            page.get_by_label("Notes", exact=True).fill("seen in <b>Lapland</b>")
        expect(page.locator("aside [role=status]")).to_have_text("Saved")
        expect(page.locator("h1")).to_have_text("A sledge dog")
        page.get_by_role("link", name="Saved").click()
        expect(page.locator(".card", has_text="A sledge dog").locator("img")).to_be_visible()
        search = page.get_by_label("Search")
        search.fill("lapland")
        expect(page.locator("main .card")).to_have_count(1)
        self.shot("saved")
        self.check_access("what is saved")
        search.fill("nothing like it")
        expect(page.locator(".saved")).to_contain_text("Nothing fits this search.")
        search.fill("")
        page.locator(".tag", has_text="snow").first.click()
        expect(page.locator("main .card")).to_have_count(1)
        page.locator(".card-link").click()
        expect(page.get_by_label("Notes", exact=True)).to_have_value("seen in <b>Lapland</b>")
        self.finish()
        page.get_by_role("button", name="Delete").click()
        page.get_by_role("dialog").get_by_role("button", name="Delete").click()
        expect(page.locator("main h1")).to_have_text("Saved")
        expect(page.locator(".card", has_text="A sledge dog")).to_have_count(0)

    def test_exports_and_the_way_back(self):
        page = self.analyse(SAMPLES / "voice-synthetic.wav")
        first = self.identifier()
        folder = pathlib.Path(tempfile.mkdtemp())
        beginnings = {"PDF": b"%PDF", "HTML": b"<!", "CSV": b"input", "JSON": b"{", "ZIP": b"PK\3\4"}
        for name, beginning in beginnings.items():
            page.locator("summary", has_text="Export").click()
            with page.expect_download() as download:
                page.get_by_role("button", name=re.compile(f"^{name}")).click()
            path = folder / f"report.{name.lower()}"
            download.value.save_as(path)
            self.assertTrue(path.read_bytes().startswith(beginning), name)
        with zipfile.ZipFile(folder / "report.zip") as archive:
            self.assertIsNone(archive.testzip())
            self.assertIn("analysis.json", archive.namelist())
        # The archive comes back as an analysis of its own, with everything.
        page.goto(self.server.address + "/")
        page.set_input_files("[data-field=archive]", str(folder / "report.zip"))
        expect(page).to_have_url(re.compile(rf"#/analysis/(?!{first})[0-9a-f-]{{36}}"))
        self.finish()
        expect(page.locator("h1")).to_have_text("voice-synthetic.wav")
        expect(page.locator("canvas.strip")).to_be_visible()
        expect(page.locator(".analysis-head")).to_contain_text("imported", ignore_case=True)
        self.shot("imported")
        new = self.identifier()
        for method in ("json", "zip"):
            self.assertEqual(self.ask(f"/v1/analyses/{new}/report.{method}").status, 200)

    def test_two_analyses_beside_each_other(self):
        page = self.analyse(SAMPLES / "husky.png")
        page.goto(self.server.address + "/")
        self.analyse(SAMPLES / "cat.png")
        page.get_by_role("link", name="Compare with").click()
        page.locator("main .card-link", has_text="husky.png").first.click()
        expect(page.locator(".beside .screen")).to_have_count(4)
        expect(page.locator("#main")).to_contain_text(re.compile("Agreement|share no method and label"))
        self.shot("beside")
        self.check_access("two analyses")
        # They move together.
        page.get_by_role("button", name="Zoom in").click()
        box = self.box(page.locator(".beside .screen").first)
        page.mouse.move(box["x"] + 30, box["y"] + 30)
        for i in range(4):
            expect(page.locator(".beside .panel-value").nth(i)).not_to_have_text("")


class RefusedTests(PageTest):
    expected_failures = r"/import$|/analyses/0000"

    def test_an_archive_that_is_none_is_refused_in_one_line(self):
        page = self.page
        page.set_input_files(
            "[data-field=archive]", {"name": "x.zip", "mimeType": "application/zip", "buffer": b"no archive"}
        )
        expect(page.locator(".archive-state")).to_have_text(re.compile("the archive is damaged"))
        page.goto(self.server.address + "/#/analysis/00000000-0000-0000-0000-000000000000")
        expect(page.locator("h1")).to_have_text("This is not here")
        self.shot("missing")
        self.check_access("what is not there")
