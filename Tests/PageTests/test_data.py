"""What data say: examples near to an input, what stands for a label, concepts, and the test of a concept."""

import pathlib
import re
import shutil
import struct
import tempfile
import urllib.request
import zlib

from browser import PATIENCE, SAMPLES, PageTest, expect


def striped(path: pathlib.Path, colours: tuple, width: int, side: int = 48) -> pathlib.Path:
    """A picture of stripes of two colours."""
    rows = b"".join(b"\0" + b"".join(bytes(colours[(x // width) % 2]) for x in range(side)) for _ in range(side))

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
        + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    )
    return path


class DataTests(PageTest):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        for k in range(12):
            striped(cls.folder / "things" / "red" / f"{k}.png", ((250 - 5 * k, 10, 20), (180, 10, 20)), 2 + k % 5)
            striped(cls.folder / "things" / "blue" / f"{k}.png", ((10, 20, 250 - 5 * k), (10, 90, 180)), 2 + k % 5)
            striped(cls.folder / "shown" / f"{k}.png", ((240 - 6 * k, 20, 10), (170, 20, 10)), 3 + k % 4)
        (cls.folder / "things" / "animal").mkdir()
        for name in ("husky.png", "cat.png"):
            shutil.copy(SAMPLES / name, cls.folder / "things" / "animal" / name)
        (cls.folder / "voices").mkdir()
        for name in ("voice-real.wav", "voice-synthetic.wav"):
            shutil.copy(SAMPLES / name, cls.folder / "voices" / name)

    def setUp(self):
        super().setUp()
        self.serve("--dataset", f"things={self.folder / 'things'}", "--dataset", f"voices={self.folder / 'voices'}")

    def question(self, title: str, page=None):
        """Opens one of the questions."""
        fold = (page or self.page).locator(".data details", has=(page or self.page).locator("summary", has_text=title))
        fold.locator("summary").click()
        return fold

    def loaded(self, pictures) -> None:
        """All pictures are there."""
        for i in range(pictures.count()):
            pictures.nth(i).scroll_into_view_if_needed()
            expect(pictures.nth(i)).to_have_js_property("complete", True)
            self.assertGreater(pictures.nth(i).evaluate("image => image.decode().then(() => image.naturalWidth)"), 20)

    def test_the_nearest_examples(self):
        page = self.analyse(SAMPLES / "husky.png")
        fold = self.question("Nearest examples")
        fold.get_by_role("button", name="Show the nearest").click()
        examples = fold.locator(".example")
        expect(examples).to_have_count(5)
        self.loaded(examples.locator("img"))
        # It is among the data itself.
        expect(examples.first).to_contain_text("animal")
        expect(examples.first).to_contain_text("husky.png")
        expect(fold).to_contain_text("This input is itself among the data.")
        expect(fold).to_contain_text(re.compile("Of the 5 nearest, 0 have the label Siberian husky"))
        self.shot("examples")
        self.check_access("examples")
        fold.get_by_label("How many").select_option("10")
        fold.get_by_role("button", name="Show the nearest").click()
        expect(examples).to_have_count(10)
        with page.expect_download() as download:
            fold.get_by_role("button", name="Save as HTML").click()
        self.assertEqual(download.value.suggested_filename, "examples.html")

    def test_what_stands_for_a_label(self):
        self.analyse(SAMPLES / "cat.png")
        fold = self.question("What stands for a label")
        fold.get_by_label("Label").select_option("red")
        fold.get_by_role("button", name="Show what stands for it").click()
        expect(fold.locator(".example")).to_have_count(6)
        expect(fold).to_contain_text("What stands for the 12 files of red")
        self.loaded(fold.locator(".example img"))

    def test_concepts_of_a_label(self):
        self.analyse(SAMPLES / "husky.png")
        fold = self.question("Concepts of a label")
        fold.get_by_label("In files of").select_option("red")
        fold.get_by_label("How many concepts").select_option("3")
        fold.get_by_role("button", name="Find concepts").click()
        expect(fold.locator(".concept")).to_have_count(3, timeout=4 * PATIENCE)
        expect(fold.locator(".concept").first).to_contain_text(re.compile(r"importance[\s\S]* \d\.\d{3}"))
        self.loaded(fold.locator(".example img"))
        self.shot("concepts")
        self.check_access("concepts")

    def test_a_concept_that_files_show(self):
        self.analyse(SAMPLES / "husky.png")
        fold = self.question("Test a concept")
        test = fold.get_by_role("button", name="Test", exact=True)
        expect(test).to_be_visible()
        shown = sorted((self.folder / "shown").iterdir())
        fold.locator("input[type=file]").set_input_files([str(path) for path in shown[:3]])
        test.click()
        expect(fold).to_contain_text("At least ten files")
        fold.locator("input[type=file]").set_input_files([str(path) for path in shown])
        expect(fold).to_contain_text("12 files")
        fold.get_by_label("What it is called").fill("red stripes")
        test.click()
        table = fold.get_by_role("region", name="red stripes: 12 files against 26")
        expect(table).to_be_visible(timeout=4 * PATIENCE)
        expect(table.locator("tbody tr")).to_have_count(1)
        expect(fold.locator("strong")).to_contain_text("red stripes")
        self.shot("concept-test")
        self.check_access("a tested concept")
        # Files that nobody can read are told in a line, and it can be asked again.
        broken = [{"name": f"{k}.png", "mimeType": "image/png", "buffer": b"no picture"} for k in range(10)]
        fold.locator("input[type=file]").set_input_files(broken)
        test.click()
        expect(fold.get_by_role("alert")).to_contain_text("needs at least 10")
        expect(fold.get_by_role("button", name="Try again")).to_be_visible()
        self.check_access("a failed test")

    def test_a_question_waits_and_is_cancelled(self):
        page = self.analyse(SAMPLES / "husky.png")
        # Something long is computed for somebody else.
        request = urllib.request.Request(
            f"{self.server.address}/v1/analyses?model=dogs&methods=rise", data=(SAMPLES / "coffee.jpg").read_bytes(),
            headers={"Content-Type": "application/octet-stream"})
        urllib.request.urlopen(request).close()
        fold = self.question("Nearest examples")
        fold.get_by_role("button", name="Show the nearest").click()
        expect(fold.locator(".waiting")).to_be_visible()
        self.shot("examples-waiting")
        fold.get_by_role("button", name="Cancel").click()
        expect(fold.locator(".study")).to_have_text("Cancelled")
        expect(page.locator(".example")).to_have_count(0)

    def test_sounds_have_examples(self):
        self.analyse(SAMPLES / "voice-real.wav")
        fold = self.question("Nearest examples")
        fold.get_by_role("button", name="Show the nearest").click()
        expect(fold.locator(".example")).to_have_count(2)
        self.loaded(fold.locator(".example img"))
        expect(fold).to_contain_text("The data have no labels")
        # Without labels there is nothing that stands for one.
        expect(self.page.locator(".data summary")).to_have_count(3)
        self.shot("examples-sound")

    def test_narrow_dark_and_in_german(self):
        page = self.open("/", width=360, height=740, color_scheme="dark", locale="de-DE")
        self.analyse(SAMPLES / "husky.png", page)
        fold = self.question("Nächste Beispiele", page)
        fold.get_by_role("button", name="Die nächsten zeigen").click()
        expect(fold.locator(".example")).to_have_count(5)
        self.loaded(fold.locator(".example img"))
        fold = self.question("Konzepte einer Klasse", page)
        fold.get_by_label("Wie viele Konzepte").select_option("3")
        fold.get_by_role("button", name="Konzepte finden").click()
        expect(fold.locator(".concept")).to_have_count(3, timeout=4 * PATIENCE)
        self.check_width(page)
        self.shot("examples-narrow-dark", page)
        self.check_access("examples, narrow and dark", page)

    def test_data_that_are_gone(self):
        gone = self.folder / "gone"
        shutil.copytree(self.folder / "voices", gone)
        self.serve("--dataset", f"things={self.folder / 'things'}", "--dataset", f"gone={gone}")
        shutil.rmtree(gone)
        page = self.analyse(SAMPLES / "husky.png")
        expect(page.locator(".data .error")).to_contain_text("gone")
        expect(page.locator(".data summary")).to_have_count(4)


class WithoutDataTests(PageTest):
    def test_a_server_without_data_says_so(self):
        page = self.analyse(SAMPLES / "husky.png")
        expect(page.locator(".data")).to_contain_text("This server has no data to look in.")
        expect(page.locator(".data summary")).to_have_count(0)
        self.shot("no-data")
