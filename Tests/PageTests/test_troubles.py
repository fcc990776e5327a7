"""A server that has too much to do, fails, goes away and comes back."""

import json
import re
import urllib.request

from browser import SAMPLES, PageTest, expect

AWAY = "The server does not answer"


class BusyTests(PageTest):
    expected_failures = r"/thumbnail\.png$|/v1/analyses(\?|/[0-9a-f-]+/(methods|resume)$|$)"

    def setUp(self):
        super().setUp()
        self.serve("--queue", "1")
        self.long = []

    def fill(self) -> None:
        """Gives the server work until it takes no more."""
        while True:
            try:
                self.long.append(self.begin(seed=len(self.long)))
            except urllib.error.HTTPError as error:
                error.close()
                self.assertEqual(error.code, 429)
                return

    def begin(self, seed: int) -> str:
        asked = {"model": "dogs", "methods": [{"name": "rise", "samples": 100_000}], "seed": seed}
        request = urllib.request.Request(
            f"{self.server.address}/v1/analyses?name=long", (SAMPLES / "cat.png").read_bytes(),
            {"Content-Type": "application/octet-stream", "Prism-Request": json.dumps(asked)}, method="POST")
        with urllib.request.urlopen(request) as answer:
            return json.loads(answer.read())["id"]

    def free(self) -> None:
        """Takes the work back."""
        while self.long:
            urllib.request.urlopen(urllib.request.Request(
                f"{self.server.address}/v1/analyses/{self.long.pop()}/cancel", method="POST")).close()

    def test_a_file_waits_until_the_server_takes_it(self):
        page = self.page
        self.fill()
        self.give(SAMPLES / "husky.png")
        # The picture is there, and what is waited for is said.
        expect(page.locator(".screen").first).to_be_visible()
        expect(page.locator(".progress-head")).to_contain_text(re.compile(r"The server has much to do; .* in \d+ s"))
        self.shot("busy")
        self.check_access("a busy server")
        self.free()
        self.finish()
        expect(page.locator("h1")).to_have_text("husky.png")

    def test_a_file_that_was_refused_is_sent_again(self):
        page = self.page
        # A server that is full again and again.
        full = lambda route: route.fallback() if route.request.method == "GET" else route.fulfill(
            status=429, headers={"Retry-After": "0.01", "Content-Type": "application/problem+json"},
            body=json.dumps({"detail": "the queue is full with 1 requests; try again soon"}))
        page.route("**/v1/analyses?*", full)
        self.give(SAMPLES / "husky.png")
        expect(page.locator("[data-state=failed]")).to_be_visible()
        expect(page.locator(".progress-head ~ .error")).to_contain_text("too much to do")
        self.shot("refused")
        self.check_access("a refusal")
        page.unroute("**/v1/analyses?*", full)
        page.get_by_role("button", name="Try again").click()
        self.finish()
        expect(page.locator(".predictions li").first).to_contain_text("Siberian husky")

    def test_methods_that_were_refused_stay_chosen(self):
        page = self.analyse(SAMPLES / "husky.png")
        self.fill()
        page.locator(".adding summary").first.click()
        page.get_by_role("checkbox", name="HiResCAM").check()
        add = page.get_by_role("button", name="Add 1 method")
        add.click()
        expect(page.locator("#banner")).to_contain_text("too much to do")
        self.shot("busy-methods")
        expect(page.get_by_role("checkbox", name="HiResCAM")).to_be_checked()
        expect(page.locator(".panel")).to_have_count(2)
        self.free()
        expect(add).to_be_enabled()
        add.click()
        expect(page.locator(".panel")).to_have_count(3)
        self.finish()

    def test_of_many_files_none_is_lost(self):
        page = self.page
        self.fill()
        names = ("cat.png", "husky.png", "coffee.jpg", "voice-real.wav")
        self.give(*(SAMPLES / name for name in names))
        page.get_by_role("button", name="Explain 4 files").click()
        expect(page.locator(".queue [role=status]")).to_contain_text("The server has much to do")
        expect(page.locator(".queue .card")).to_have_count(4)
        self.shot("busy-files")
        self.check_access("files that wait")
        self.free()
        expect(page.locator("main h1")).to_have_text("Saved", timeout=120_000)
        for name in names:
            expect(page.locator("main .card", has_text=name)).to_have_count(1)


class AwayTests(PageTest):
    may_be_offline = True

    def setUp(self):
        super().setUp()
        self.serve()

    def restart(self) -> None:
        self.server.start(self.server.address.rsplit(":", 1)[1])

    def test_what_is_asked_meanwhile_is_shown_when_the_server_is_back(self):
        page = self.page
        expect(page.locator(".sample").first).to_be_visible()
        self.server.stop()
        page.get_by_role("link", name="Saved").click()
        expect(page.locator("#banner")).to_contain_text(AWAY)
        self.shot("offline")
        self.check_access("offline")
        self.restart()
        expect(page.locator("#banner")).not_to_contain_text(AWAY)
        expect(page.locator(".saved")).to_contain_text("No analyses yet")
        page.goto(self.server.address + "/")
        self.analyse(SAMPLES / "cat.png")

    def test_an_answer_that_is_lost_begins_nothing_twice(self):
        page = self.page
        expect(page.locator(".sample").first).to_be_visible()
        lost = []

        def lose(route):
            if route.request.method != "POST" or lost:
                return route.fallback()
            lost.append(route.fetch().status)
            route.abort()

        page.route("**/v1/analyses?*", lose)
        self.give(SAMPLES / "husky.png")
        self.finish()
        self.assertEqual(lost, [202])
        self.assertEqual(len(json.loads(self.ask("/v1/analyses").text())["analyses"]), 1)

    def test_an_analysis_that_was_opened_meanwhile(self):
        page = self.analyse(SAMPLES / "cat.png")
        address = page.evaluate("location.hash")
        page.get_by_role("link", name="Saved").click()
        expect(page.locator("main .card img")).to_be_visible()
        self.server.stop()
        page.evaluate("address => { location.hash = address; }", address)
        expect(page.locator("#banner")).to_contain_text(AWAY)
        expect(page.locator("main")).to_contain_text(AWAY)
        self.shot("offline-analysis")
        self.check_access("an analysis, offline")
        self.restart()
        self.finish()
        expect(page.locator("h1")).to_have_text("cat.png")

    def test_notes_that_were_written_meanwhile(self):
        page = self.analyse(SAMPLES / "cat.png")
        address = f"/v1/analyses/{self.identifier()}"
        self.server.stop()
        page.get_by_label("Tags").fill("asleep")
        page.get_by_label("Notes", exact=True).fill("whiskers")
        expect(page.locator("aside [role=status]")).to_contain_text(AWAY)
        self.restart()
        expect(page.locator("aside [role=status]")).to_have_text("Saved")
        kept = json.loads(self.ask(address).text())
        self.assertEqual((kept["tags"], kept["notes"]), (["asleep"], "whiskers"))

    def test_a_file_that_was_given_meanwhile(self):
        page = self.page
        expect(page.locator(".sample").first).to_be_visible()
        self.server.stop()
        self.give(SAMPLES / "husky.png")
        expect(page.locator("#banner")).to_contain_text(AWAY)
        expect(page.locator("[data-state=failed]")).to_be_visible()
        # What was chosen is still to be seen.
        expect(page.locator(".screen").first).to_be_visible()
        self.shot("offline-file")
        self.check_access("a file, offline")
        self.restart()
        self.finish()
        expect(page.locator(".predictions li").first).to_contain_text("Siberian husky")

    def test_a_server_that_is_killed_while_it_explains(self):
        page = self.page
        page.locator("summary", has_text="Pictures").click()
        form = page.locator("details.fold.card").first
        form.get_by_role("checkbox", name="RISE").check()
        form.get_by_text("Parameters").click()
        form.get_by_role("group", name="RISE").get_by_label("Samples").fill("100000")
        self.give(SAMPLES / "husky.png")
        expect(page.locator("main")).to_contain_text(re.compile(r"\d+ of \d+"))
        expect(page.locator(".panel")).to_have_count(2)
        self.server.stop(kills=True)
        expect(page.locator("#banner")).to_contain_text(AWAY)
        # What was finished is still there.
        expect(page.locator(".panel")).to_have_count(2)
        self.shot("killed")
        self.check_access("a server that was killed")
        self.restart()
        expect(page.locator("[data-state=interrupted]")).to_have_text("Interrupted")
        expect(page.locator("#banner")).not_to_contain_text(AWAY)
        self.shot("interrupted")
        page.get_by_role("button", name="Go on").click()
        expect(page.locator("main")).to_contain_text(re.compile(r"\d+ of \d+"))
        page.get_by_role("button", name="Cancel").click()
        expect(page.locator("[data-state=cancelled]")).to_be_visible()
