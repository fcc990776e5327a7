"""From a file to maps side by side."""

import base64
import pathlib
import re
import struct
import sys
import tempfile
import urllib.request
import zlib

from browser import PATIENCE, SAMPLES, PageTest, expect

DROP = """async ({ name, data }) => {
  const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
  const transfer = new DataTransfer();
  transfer.items.add(new File([bytes], name));
  const begun = performance.now();
  for (const kind of ["dragenter", "dragover", "drop"]) {
    document.body.dispatchEvent(new DragEvent(kind, { dataTransfer: transfer, bubbles: true, cancelable: true }));
  }
  const frame = () => new Promise(requestAnimationFrame);
  while (document.querySelectorAll(".panel").length < 2) { await frame(); }
  await frame();
  return performance.now() - begun;
}"""


def deep_picture(path: pathlib.Path) -> pathlib.Path:
    """A grey PNG of 16 bits: a ramp with a bright square."""
    side = 128
    rows = b"".join(
        b"\0" + b"".join(
            struct.pack(">H", 60_000 if 40 <= x < 70 and 40 <= y < 70 else 1000 + 20 * x + 7 * y) for x in range(side)
        )
        for y in range(side)
    )

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 16, 0, 0, 0, 0))
        + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    )
    return path


class PictureTests(PageTest):
    def drop(self, name: str) -> float:
        """Drops a sample, and tells the milliseconds until its first map is on the screen."""
        data = base64.b64encode((SAMPLES / name).read_bytes()).decode()
        return self.page.evaluate(DROP, {"name": name, "data": data})

    def test_a_dropped_picture_is_explained_at_once(self):
        page = self.page
        expect(page.locator(".sample").first).to_be_visible()
        print(f"first map {self.drop('husky.png'):.0f} ms after the drop", file=sys.stderr)
        expect(page.locator(".panel .screen").first).to_be_visible()
        self.finish()
        expect(page.locator(".predictions li").first).to_contain_text("Siberian husky")
        expect(page.locator(".panel").nth(1).locator(".alternative")).to_contain_text("Evidence for Siberian husky")
        self.shot("picture")
        self.check_access("a picture")

    def test_a_sample_is_one_click(self):
        page = self.page
        self.shot("start")
        self.check_access("the start")
        expect(page.locator(".sample")).to_have_count(9)
        page.locator(".sample", has_text="cat.png").click()
        self.finish()
        expect(page.locator("h1")).to_have_text("cat.png")

    def test_the_model_that_comes_along_knows_a_sample(self):
        page = self.page
        page.locator("summary", has_text="Pictures").click()
        page.locator("details.fold.card").first.get_by_role("radio", name="scenes").check()
        page.locator(".sample", has_text="scene-1.png").click()
        self.finish()
        for label in ("fruit", "mammal", "vehicle"):
            expect(page.locator("main")).to_contain_text(label)
        self.shot("scenes")

    def test_only_models_and_methods_that_fit_are_offered(self):
        page = self.page
        page.locator("summary", has_text="Pictures").click()
        form = page.locator("details.fold.card").first
        expect(form.get_by_role("radio")).to_have_count(2)
        expect(form).to_contain_text("Not for pictures: voice (takes sounds).")
        expect(form.get_by_role("checkbox", name="Grad-CAM", exact=True)).to_be_checked()
        reasons = form.locator(".choice.unfit")
        for i in range(reasons.count()):
            expect(reasons.nth(i).get_by_role("checkbox")).to_be_disabled()
            self.assertGreater(len(reasons.nth(i).locator(".choice-note").inner_text()), 20)
        form.get_by_text("Parameters").click()
        expect(form.get_by_label("Layer", exact=True)).to_be_visible()
        self.shot("choices")
        self.check_access("the choices")

    def test_panels_are_linked(self):
        page = self.analyse(SAMPLES / "husky.png")
        first, second = page.locator(".screen").nth(0), page.locator(".screen").nth(1)
        box = self.box(first)
        page.mouse.move(box["x"] + 0.4 * box["width"], box["y"] + 0.4 * box["height"])
        # The value under the pointer in each panel, and where it is.
        expect(page.locator(".panel-value").nth(0)).to_contain_text(re.compile(r"\d+"))
        expect(page.locator(".panel-value").nth(1)).to_contain_text(re.compile(r"\d"))
        expect(page.locator(".toolbar .place")).to_contain_text(re.compile(r"x \d+, y \d+"))
        page.get_by_role("button", name="Zoom in").click()
        page.get_by_role("button", name="Zoom in").click()
        expect(page).to_have_url(re.compile(r"view="))
        self.drag(second, (0.5, 0.5), (0.3, 0.4))
        self.shot("picture-zoomed")
        # A link opens the same part again.
        url = page.url
        other = self.open(url[len(self.server.address):])
        self.finish(other)
        expect(other).to_have_url(url)
        page.get_by_role("button", name="Show all of it").click()
        expect(page).not_to_have_url(re.compile(r"view="))
        # How maps are shown.
        page.locator("summary", has_text="Display").click()
        shown = second.locator("canvas")
        last = self.drawn(shown)
        for change in (
            lambda: page.get_by_label("Overlay").fill("100"),
            lambda: page.get_by_label("Threshold").fill("60"),
            lambda: page.get_by_label("Colours").select_option("viridis"),
            lambda: page.get_by_label("Evidence boxes").click(),
            lambda: page.get_by_label("Sign").select_option("negative"),
        ):
            change()
            last = self.drawn(shown, other_than=last)

    def test_methods_and_labels_are_added(self):
        page = self.analyse(SAMPLES / "husky.png")
        page.locator(".adding summary").first.click()
        page.get_by_role("checkbox", name="HiResCAM").check()
        page.get_by_role("button", name="Add 1 method").click()
        expect(page.locator(".panel")).to_have_count(3)
        self.finish()
        page.locator("summary", has_text="Explain more labels").click()
        page.locator("details", has=page.get_by_text("Explain more labels")).get_by_label("Labels").select_option("top2")
        page.locator("details", has=page.get_by_text("Explain more labels")).get_by_role("button").click()
        expect(page.locator(".row-title")).to_have_count(2)
        self.finish()
        self.shot("labels")

    def test_maps_are_judged(self):
        page = self.analyse(SAMPLES / "husky.png")
        page.get_by_role("button", name="Judge the methods").click()
        expect(page.get_by_role("region", name="Faithfulness")).to_be_visible(timeout=4 * PATIENCE)
        expect(page.locator("table").first).to_contain_text("Grad-CAM")
        self.finish()
        self.shot("judged")
        self.check_access("judged maps")

    def test_long_work_shows_its_progress_and_is_cancelled(self):
        page = self.page
        page.locator("summary", has_text="Pictures").click()
        form = page.locator("details.fold.card").first
        form.get_by_role("checkbox", name="RISE").check()
        self.give(SAMPLES / "coffee.jpg")
        analysis = f"/v1/analyses/{self.identifier()}"
        # Whatever happens, the others' work does not wait for this.
        self.addCleanup(lambda: urllib.request.urlopen(
            urllib.request.Request(f"{self.server.address}{analysis}/cancel", method="POST")).close())
        expect(page.locator("main")).to_contain_text(re.compile(r"\d+ of \d+"))
        self.shot("progress")
        page.get_by_role("button", name="Cancel").click()
        expect(page.locator("[data-state=cancelled]")).to_have_text("Cancelled")
        # What was finished is still there, and it goes on from there.
        expect(page.locator(".panel")).to_have_count(2)
        self.shot("cancelled")
        page.get_by_role("button", name="Go on").click()
        expect(page.locator("[data-state=running], [data-state=queued]")).to_be_visible()
        page.locator("body").press("x")
        expect(page.locator("[data-state=cancelled]")).to_be_visible()

    def test_sixteen_bits_have_window_and_level(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        page = self.analyse(deep_picture(pathlib.Path(folder.name) / "deep.png"))
        screen = page.locator(".screen").first
        box = self.box(screen)
        page.mouse.move(box["x"] + box["width"] * 0.43, box["y"] + box["height"] * 0.43)
        expect(page.locator(".panel-value").first).to_contain_text("60")
        page.get_by_role("button", name="Levels", exact=True).click()
        preset = page.get_by_label("Preset")
        expect(preset).to_be_visible()
        width = page.get_by_label("Width (window)")
        before = width.input_value()
        self.drag(screen, (0.5, 0.5), (0.8, 0.6))
        expect(width).not_to_have_value(before)
        self.shot("levels")
        self.check_access("levels")

    def test_several_files_and_files_that_nobody_reads(self):
        page = self.page
        files = {name: (SAMPLES / name).read_bytes() for name in ("cat.png", "voice-real.wav")} | {"letter.txt": b"Dear sir"}
        self.give(*({"name": name, "mimeType": "", "buffer": data} for name, data in files.items()))
        expect(page.locator("body")).to_contain_text("letter.txt is neither a picture nor a sound that can be read.")
        self.shot("several")
        self.check_access("several files")
        page.get_by_role("button", name="Explain 2 files").click()
        expect(page.locator("#main")).to_contain_text("voice-real.wav")


class BrokenTests(PageTest):
    expected_failures = r"/(thumbnail|input)\.png$|/preview$|/report\.json$"

    def test_a_broken_picture_fails_in_one_line(self):
        page = self.page
        self.give({"name": "broken.png", "mimeType": "image/png", "buffer": (SAMPLES / "cat.png").read_bytes()[:5000]})
        expect(page.locator("[data-state=failed]")).to_be_visible()
        self.shot("failed")
        self.check_access("a failure")
