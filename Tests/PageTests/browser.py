"""A server, a browser, and what the tests of the page share.

The server is the debug build (or PRISM_SERVER) on a free port with an empty data folder and the weights of the checkout (or
PRISM_WEIGHTS). With PRISM_PAGE the page's files come from that folder instead of the program, so that a change to them can be
tried without a build. Screenshots and the server's log go to
out/page.
"""

import atexit
import contextlib
import functools
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
import urllib.request
import wave

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page, expect, sync_playwright

ROOT = pathlib.Path(__file__).resolve().parents[2]
SAMPLES = ROOT / "Samples"
SHOTS = ROOT / "out" / "page"
# What comes from a server that works comes soon; a machine that does much else is given more time.
PATIENCE = 30_000
TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".html": "text/html"}
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

expect.set_options(timeout=PATIENCE)


class Server:
    """A process of prism-server, which ends with the tests.

    `graphs` names small models of the fixtures that it has besides those of the checkout; `folder` is where it runs.
    """

    def __init__(self, *options: str, graphs: tuple[str, ...] = (), folder: pathlib.Path = ROOT):
        program = os.environ.get("PRISM_SERVER", str(ROOT / ".build" / "debug" / "prism-server"))
        self.data = tempfile.mkdtemp(prefix="prism-page-")
        self.folder = folder
        self.command = [program, "--data", self.data, "--weights", self.weights(graphs), *options]
        self.start("0")
        atexit.register(self.close)

    def weights(self, graphs: tuple[str, ...]) -> str:
        usual = os.environ.get("PRISM_WEIGHTS", str(ROOT / "Weights"))
        if not graphs:
            return usual
        weights = pathlib.Path(self.data) / "weights"
        weights.mkdir()
        files = [pathlib.Path(usual) / f"{name}.safetensors" for name in ("dogs", "voice")]
        for file in files + [ROOT / "Tests" / "Fixtures" / "graphs" / f"{name}.safetensors" for name in graphs]:
            (weights / file.name).symlink_to(file.resolve())
        return str(weights)

    def start(self, port: str) -> None:
        with open(SHOTS / "server.log", "a") as log:
            self.process = subprocess.Popen(
                [*self.command, "--port", port], stdout=subprocess.PIPE, stderr=log, text=True, cwd=self.folder
            )
        line = self.process.stdout.readline()
        if "http://" not in line:
            sys.exit("the server did not start; is it built? (swift build)")
        self.address = "http://" + line.split("http://")[1].strip().rstrip("/")

    def stop(self, kills: bool = False) -> None:
        (self.process.kill if kills else self.process.terminate)()
        self.process.wait()
        self.process.stdout.close()

    def close(self) -> None:
        if self.process.poll() is None:
            self.stop()
        shutil.rmtree(self.data, ignore_errors=True)


class Shared:
    """One server and one browser for all tests."""

    server: Server | None = None
    browser = None

    @classmethod
    def begin(cls) -> None:
        if cls.server is not None:
            return
        chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
        if chromium is None:
            sys.exit("the tests of the page need Chromium: Tools/setup.sh installs it")
        SHOTS.mkdir(parents=True, exist_ok=True)
        cls.server = Server()
        driver = sync_playwright().start()
        cls.browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        atexit.register(lambda: (cls.browser.close(), driver.stop()))

    @classmethod
    @functools.cache
    def headers(cls) -> dict:
        """The headers of the page that keep browsers strict."""
        with urllib.request.urlopen(cls.server.address + "/") as answer:
            return {key: answer.headers[key] for key in ("Content-Security-Policy", "X-Content-Type-Options")}


class PageTest(unittest.TestCase):
    """A test with a page of its own, which may neither complain nor ask another host."""

    # The answers that may be failures, as a pattern of addresses; what the browser says about them is not looked at. An input
    # that nobody can read has no small picture.
    expected_failures = r"/thumbnail\.png$"
    # Whether the server may be away.
    may_be_offline = False

    def setUp(self) -> None:
        Shared.begin()
        self.server = Shared.server
        self.complaints: list[str] = []
        self.page = self.open()

    def tearDown(self) -> None:
        result = self._outcome.result
        if any(test is self for test, _ in result.failures + result.errors):
            self.shot(f"failed-{self._testMethodName}")
        self.assertEqual(self.complaints, [], "the page complained")

    def serve(self, *options: str, **settings) -> None:
        """Goes on with a server of the test's own."""
        self.page.context.close()
        self.server = Server(*options, **settings)
        self.addCleanup(self.server.close)
        self.page = self.open()

    def open(self, path: str = "/", width: int = 1280, height: int = 900, **options) -> Page:
        context: BrowserContext = Shared.browser.new_context(
            viewport={"width": width, "height": height}, locale=options.pop("locale", "en-GB"), **options
        )
        context.set_default_timeout(PATIENCE)
        if "PRISM_PAGE" in os.environ:
            context.route(self.server.address + "/**", self.take_file)
        self.addCleanup(context.close)
        page = context.new_page()
        page.on("console", self.check_message)
        page.on("pageerror", lambda error: self.complaints.append(f"{error}"))
        page.on("request", self.check_request)
        page.on("response", self.check_response)
        page.goto(self.server.address + path)
        return page

    def take_file(self, route) -> None:
        """Answers with a file of a folder, and with the headers of the server."""
        name = route.request.url[len(self.server.address) + 1 :].split("?")[0].split("#")[0] or "index.html"
        file = pathlib.Path(os.environ["PRISM_PAGE"]) / name
        if "/" in name or file.suffix not in TYPES or not file.exists():
            return route.fallback()
        route.fulfill(body=file.read_bytes(), headers={**Shared.headers(), "content-type": TYPES[file.suffix]})

    def check_request(self, request) -> None:
        if not request.url.startswith((self.server.address, "blob:", "data:")):
            self.complaints.append(f"the page asked for {request.url}")

    def check_response(self, response) -> None:
        if response.status >= 400 and not re.search(self.expected_failures, response.url):
            self.complaints.append(f"{response.status} for {response.url}")

    def check_message(self, message) -> None:
        # What could not be loaded is judged by its answer.
        is_load = message.text.startswith("Failed to load resource") and (self.may_be_offline or "net::" not in message.text)
        is_problem = message.text.startswith("Problem:") and (self.may_be_offline or self.expected_failures != PageTest.expected_failures)
        if message.type in ("error", "warning") and not is_load and not is_problem:
            self.complaints.append(message.text)

    # What people do

    def give(self, *files, page: Page | None = None) -> None:
        """Chooses files: paths, or names with contents."""
        chosen = [file if isinstance(file, dict) else str(file) for file in files]
        (page or self.page).set_input_files("main input[type=file]:not([accept*=zip])", chosen)

    def analyse(self, file, page: Page | None = None) -> Page:
        """Gives a file and waits until it is explained."""
        page = page or self.page
        self.give(file, page=page)
        self.finish(page)
        return page

    def finish(self, page: Page | None = None) -> None:
        page = page or self.page
        expect(page.locator(".progress-head [data-state=done]")).to_be_visible()
        expect(page.locator(".panel .screen").nth(1)).to_be_visible()

    def box(self, locator) -> dict:
        """Where an element is on the screen, once it stays there."""
        locator.scroll_into_view_if_needed()
        last = None
        for _ in range(50):
            box = locator.bounding_box()
            if box is not None and box == last:
                return box
            last = box
            locator.page.wait_for_timeout(60)
        raise AssertionError("an element does not come to rest")

    def drag(self, locator, start: tuple, end: tuple, steps: int = 12, pause: int = 0) -> None:
        """Drags from one place of an element to another, in shares of its size."""
        mouse, box = locator.page.mouse, self.box(locator)
        at = lambda x, y: (box["x"] + x * box["width"], box["y"] + y * box["height"])
        mouse.move(*at(*start))
        mouse.down()
        for i in range(1, steps + 1):
            mouse.move(*at(*(a + (b - a) * i / steps for a, b in zip(start, end))))
            if pause:
                locator.page.wait_for_timeout(pause)
        mouse.up()

    # What is looked at

    def drawn(self, canvas, other_than: str | None = None) -> str:
        """What a canvas shows once it comes to rest; another thing than it did, where that is asked."""
        last = None
        for _ in range(PATIENCE // 60):
            shown = canvas.evaluate("c => c.toDataURL()")
            if shown == last and shown != other_than:
                return shown
            last = shown
            canvas.page.wait_for_timeout(60)
        raise AssertionError("a panel does not change" if last == other_than else "a panel does not come to rest")

    def shot(self, name: str, page: Page | None = None) -> None:
        (page or self.page).screenshot(path=SHOTS / f"{name}.png", full_page=True)

    def check_access(self, what: str, page: Page | None = None) -> None:
        """axe finds nothing."""
        found = Axe().run(page or self.page, options={"runOnly": RULES}).response["violations"]
        lines = [f"{v['id']}: {v['help']}: {[n['html'][:160] for n in v['nodes'][:3]]}" for v in found]
        self.assertEqual(lines, [], what)

    def check_width(self, page: Page) -> None:
        """Nothing is wider than the window."""
        wide = page.evaluate("() => document.documentElement.scrollWidth - innerWidth")
        self.assertLessEqual(wide, 0, "the page is wider than its window")

    def ask(self, path: str, **options):
        """Asks the server as the page does."""
        return self.page.request.fetch(self.server.address + path, **options)

    def identifier(self, page: Page | None = None) -> str:
        page = page or self.page
        expect(page).to_have_url(re.compile(r"#/analysis/[0-9a-f-]{36}"))
        return page.url.split("#/analysis/")[1][:36]


def recording(path: pathlib.Path, *parts: str | float) -> pathlib.Path:
    """A recording of samples by name, and of silence by seconds."""
    with contextlib.ExitStack() as stack:
        target = stack.enter_context(wave.open(str(path), "wb"))
        for part in parts:
            if isinstance(part, str):
                source = stack.enter_context(wave.open(str(SAMPLES / part)))
                if target.getnframes() == 0 and target.tell() == 0:
                    with contextlib.suppress(wave.Error):
                        target.setparams(source.getparams())
                target.writeframes(source.readframes(source.getnframes()))
            else:
                target.writeframes(bytes(int(2 * 8000 * part)))
    return path
