"""Fingers instead of a mouse: tapping, dragging and pinching linked panels."""

import re

from browser import SAMPLES, SHOTS, PageTest, expect


class TouchTests(PageTest):
    def setUp(self):
        super().setUp()
        self.page.context.close()
        self.page = self.open(width=360, height=740, has_touch=True, is_mobile=True)
        self.fingers = self.page.context.new_cdp_session(self.page)

    def touch(self, kind: str, *places: tuple) -> None:
        points = [{"x": x, "y": y, "id": i} for i, (x, y) in enumerate(places)]
        self.fingers.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    def glide(self, *ways: tuple, steps: int = 8) -> None:
        """Moves fingers, each from one place to another."""
        at = lambda share: [tuple(a + (b - a) * share for a, b in zip(*way)) for way in ways]
        self.touch("touchStart", *at(0))
        for i in range(1, steps + 1):
            self.touch("touchMove", *at(i / steps))
            self.page.wait_for_timeout(20)
        self.touch("touchEnd")

    def screen(self, index: int):
        """A panel in the middle of the window, and the places of its shares."""
        screen = self.page.locator(".screen").nth(index)
        screen.evaluate("e => e.scrollIntoView({ block: 'center' })")
        box = self.box(screen)
        return lambda x, y: (box["x"] + x * box["width"], box["y"] + y * box["height"])

    def seen(self, index: int, other_than: str | None = None) -> str:
        return self.drawn(self.page.locator(".screen canvas").nth(index), other_than)

    def show_all(self, page) -> None:
        """Taps the button; a browser may take a tap right after a glide for the end of that."""
        for timeout in (3000, 3000, 30000):
            page.get_by_role("button", name="Show all of it").tap()
            try:
                return expect(page).not_to_have_url(re.compile(r"view="), timeout=timeout)
            except AssertionError:
                if timeout > 3000:
                    raise

    def test_panels_are_tapped_pinched_and_dragged(self):
        page = self.analyse(SAMPLES / "husky.png")
        self.check_width(page)
        at = self.screen(1)
        page.touchscreen.tap(*at(0.5, 0.4))
        # The place stays marked in all panels when the finger has gone.
        for i in range(2):
            expect(page.locator(".panel-value").nth(i)).to_contain_text(re.compile(r"\d"))
        expect(page.locator(".toolbar .place")).to_contain_text(re.compile(r"x \d+, y \d+"))
        self.shot("touch-tapped")
        # Two fingers zoom, in both panels.
        whole = self.seen(0)
        at = self.screen(1)
        self.glide((at(0.4, 0.5), at(0.15, 0.5)), (at(0.6, 0.5), at(0.85, 0.5)))
        expect(page).to_have_url(re.compile(r"view="))
        zoomed = self.seen(0, other_than=whole)
        factor = float(page.url.split("view=")[1].split("%2C")[2].split("&")[0])
        self.assertAlmostEqual(factor, 3.5, delta=0.8)
        self.shot("touch-zoomed")
        # One finger moves what is seen, and the page stays where it is.
        at, top = self.screen(1), page.evaluate("scrollY")
        self.glide((at(0.5, 0.5), at(0.3, 0.2)))
        self.seen(0, other_than=zoomed)
        self.assertEqual(page.evaluate("scrollY"), top)
        self.show_all(page)
        # What is not zoomed lets the page scroll.
        at, top = self.screen(0), page.evaluate("scrollY")
        self.glide((at(0.5, 0.9), at(0.5, 0.1)))
        page.wait_for_function("top => scrollY > top + 20", arg=top)
        self.check_access("touched panels")

    def test_a_picture_is_painted_with_a_finger(self):
        page = self.analyse(SAMPLES / "husky.png")
        page.get_by_role("button", name="Paint", exact=True).tap()
        expect(page.locator(".whatif-row").first).to_be_visible()
        before = self.seen(0)
        at, top = self.screen(0), page.evaluate("scrollY")
        with page.expect_response(re.compile(":predict$")):
            self.glide((at(0.3, 0.4), at(0.6, 0.6)))
        self.assertEqual(page.evaluate("scrollY"), top)
        self.seen(0, other_than=before)
        # The picture stays in sight between the tools and the numbers.
        box, numbers = self.box(page.locator(".screen").nth(0)), self.box(page.locator(".whatif-place"))
        self.assertGreater(numbers["y"] - box["y"], 0.8 * box["height"])
        self.check_width(page)
        page.screenshot(path=SHOTS / "touch-painted.png")

    def test_a_sound_is_marked_with_a_finger(self):
        page = self.analyse(SAMPLES / "voice-synthetic.wav")
        strip = page.locator("canvas.strip")
        strip.evaluate("e => e.scrollIntoView({ block: 'center' })")
        box = self.box(strip)
        at = lambda x: (box["x"] + x * box["width"], box["y"] + 0.5 * box["height"])
        self.glide((at(0.2), at(0.6)))
        self.assertAlmostEqual(float(page.locator("[data-field=start]").input_value()), 0.4, delta=0.03)
        self.assertAlmostEqual(float(page.locator("[data-field=end]").input_value()), 1.2, delta=0.03)
        self.shot("touch-sound")
        self.check_width(page)
