"""A server that asks for a token."""

import pathlib
import re
import tempfile

from browser import SAMPLES, PageTest, expect

TOKEN = "a token of more than 16 letters ü"


class TokenTests(PageTest):
    # Whoever has no token is refused.
    expected_failures = r"/v1/"

    def setUp(self):
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        path = pathlib.Path(folder.name) / "token"
        path.write_text(TOKEN + "\n")
        self.serve("--token-file", str(path))

    def check_message(self, message) -> None:
        if not message.text.startswith("Problem:"):
            super().check_message(message)

    def sign_in(self, page=None):
        page = page or self.page
        page.get_by_label("Token", exact=True).fill(TOKEN)
        page.get_by_role("button", name="Continue").click()
        expect(page.locator(".sample").first).to_be_visible()

    def test_a_wrong_and_a_right_token(self):
        page = self.page
        dialog = page.get_by_role("dialog")
        expect(dialog).to_contain_text("This server asks for a token")
        expect(dialog).not_to_contain_text("does not know")
        self.shot("token")
        self.check_access("the token")
        page.get_by_label("Token", exact=True).fill("another token than that of the server")
        page.keyboard.press("Enter")
        expect(dialog).to_contain_text("The server does not know this token.")
        self.shot("token-wrong")
        self.check_access("a wrong token")
        self.sign_in()
        expect(dialog).to_have_count(0)
        # From here on nothing is refused: pictures, maps, events, the small pictures and what is exported.
        self.expected_failures = PageTest.expected_failures
        self.analyse(SAMPLES / "husky.png")
        page.locator("summary", has_text="Export").click()
        with page.expect_download() as download:
            page.get_by_role("button", name=re.compile("^PDF")).click()
        self.assertTrue(pathlib.Path(download.value.path()).read_bytes().startswith(b"%PDF"))
        # It is known until the tab is closed, and not beyond.
        page.reload()
        self.finish()
        expect(dialog).to_have_count(0)
        page.get_by_role("link", name="Saved").click()
        expect(page.locator("main .card img")).to_be_visible()
        self.expected_failures = TokenTests.expected_failures
        other = self.open()
        expect(other.get_by_role("dialog")).to_be_visible()

    def test_sounds_are_heard_with_the_token(self):
        self.sign_in()
        self.expected_failures = PageTest.expected_failures
        page = self.analyse(SAMPLES / "voice-synthetic.wav")
        page.locator("[data-action=play]").click()
        expect(page.locator("[data-action=play]")).to_have_text("Pause")

    def test_whoever_closes_the_dialog_is_told(self):
        page = self.page
        page.get_by_label("Token", exact=True).fill("half a tok")
        page.keyboard.press("Escape")
        expect(page.locator("main")).to_contain_text("Nothing is shown without the server’s token.")
        self.shot("token-none")
        self.check_access("no token")
        page.get_by_role("button", name="Try again").click()
        self.sign_in()

    def test_a_narrow_window(self):
        page = self.open(width=360, height=740, color_scheme="dark")
        expect(page.get_by_role("dialog")).to_be_visible()
        self.check_width(page)
        self.shot("token-narrow", page)
        self.check_access("the token, narrow", page)
