"""Keys, narrow windows, dark colours and languages."""

import re

from browser import SAMPLES, PageTest, expect


class FrameTests(PageTest):
    def test_keys_are_listed_and_work(self):
        page = self.analyse(SAMPLES / "husky.png")
        page.locator("body").press("?")
        dialog = page.get_by_role("dialog")
        expect(dialog).to_contain_text("Show this list")
        self.shot("keys")
        self.check_access("the keys")
        page.keyboard.press("Escape")
        expect(dialog).to_have_count(0)
        # A map is read with arrows: the value is said.
        screen = page.locator(".screen").nth(1)
        screen.focus()
        for key in ("ArrowRight", "ArrowDown"):
            page.keyboard.press(key)
        expect(page.locator("#status")).to_have_text(re.compile(r"x \d+, y \d+: "))
        page.keyboard.press("Enter")
        expect(page.locator(".panel.large")).to_have_count(1)
        expect(page).to_have_url(re.compile("method="))
        page.locator("body").press("s")
        expect(page.locator("main h1")).to_have_text("Saved")
        page.locator("body").press("n")
        expect(page.locator("main h1")).to_contain_text("What does the prediction rest on?")

    def test_everything_is_reached_by_tab(self):
        page = self.analyse(SAMPLES / "voice-synthetic.wav")
        page.locator("#skip").focus()
        reached = set()
        for _ in range(90):
            reached.add(page.evaluate(
                "() => document.activeElement.dataset.action ?? document.activeElement.className"
                " ?? document.activeElement.tagName"))
            page.keyboard.press("Tab")
        for name in ("play", "mark", "mute", "evidence", "screen", "sound-position"):
            self.assertIn(name, reached)

    def test_a_narrow_window(self):
        for name, path in (("start", None), ("picture", "husky.png"), ("sound", "voice-synthetic.wav")):
            with self.subTest(name):
                page = self.open(width=360, height=740, has_touch=True)
                if path:
                    self.analyse(SAMPLES / path, page)
                else:
                    expect(page.locator(".sample").first).to_be_visible()
                page.wait_for_timeout(200)
                self.check_width(page)
                self.shot(f"narrow-{name}", page)
                self.check_access(name, page)
                page.context.close()
        page = self.open("/#/saved", width=360, height=740)
        expect(page.locator("main .card").first).to_be_visible()
        self.check_width(page)
        self.shot("narrow-saved", page)

    def test_dark_colours(self):
        for name, path in (("start", None), ("picture", "husky.png"), ("sound", "voice-synthetic.wav")):
            with self.subTest(name):
                page = self.open(color_scheme="dark")
                if path:
                    self.analyse(SAMPLES / path, page)
                    page.get_by_role("button", name=re.compile("^(Paint|Mute)$")).first.click()
                    expect(page.locator(".whatif-row").first).to_be_visible()
                else:
                    expect(page.locator(".sample").first).to_be_visible()
                self.shot(f"dark-{name}", page)
                self.check_access(name, page)
                page.context.close()

    def test_german(self):
        page = self.open(locale="de-DE")
        expect(page.locator("html")).to_have_attribute("lang", "de")
        self.check_width(page)
        self.analyse_german(page, "voice-synthetic.wav")
        expect(page.locator("[data-action=play]")).to_have_text("Abspielen")
        self.shot("german-sound", page)
        self.check_access("German", page)
        # What the methods themselves say of a map is the server's, and English.
        parts = page.locator("main :is(h1, h2, h3, button, label, summary, option, .alternative)").all_inner_texts()
        words = re.findall(r"[A-Za-zäöüß]+", " ".join(parts))
        for word in ("the", "and", "with", "of"):
            self.assertNotIn(word, words, f"{word} is left in the German page")

    def analyse_german(self, page, name: str) -> None:
        self.give(SAMPLES / name, page=page)
        expect(page.locator("[data-state=done]")).to_have_text(re.compile("^Fertig"))
        expect(page.locator(".panel .screen").nth(1)).to_be_visible()

    def test_the_page_is_its_own_and_light(self):
        asked = set()
        page = self.open()
        page.on("request", lambda r: asked.add(r.url))
        page.reload()
        self.analyse(SAMPLES / "voice-synthetic.wav", page)
        paths = {url[len(self.server.address) :] for url in asked if re.search(r"\.(js|css|svg)$|:\d+/$", url)}
        self.assertGreater(len(paths), 15)
        answers = [self.ask(path) for path in paths]
        # What goes over the line: the server sends it in a smaller form.
        self.assertLess(sum(int(answer.headers["content-length"]) for answer in answers), 150_000)
        for answer in answers:
            self.assertIn("script-src 'self'", answer.headers["content-security-policy"])
