"""Several models: what each can, and two of them on one input."""

import re
import tempfile

from browser import SAMPLES, PageTest, expect


class ModelTests(PageTest):
    def setUp(self):
        super().setUp()
        self.serve(graphs=("frequency", "plain"))

    def choices(self, page=None):
        page = page or self.page
        page.locator("summary", has_text="Pictures").click()
        return page.locator("details.fold.card").first

    def test_a_method_that_does_not_fit_says_why(self):
        form = self.choices()
        expect(form.get_by_role("radio")).to_have_count(4)
        expect(form).to_contain_text("Not for pictures: voice (takes sounds).")
        form.get_by_role("checkbox", name="Guided backpropagation").check()
        form.get_by_role("checkbox", name="Saliency").check()
        form.get_by_role("radio", name="frequency").check()
        # The new model's form takes over what fits it.
        guided = form.get_by_role("checkbox", name="Guided backpropagation")
        expect(guided).to_be_disabled()
        expect(guided).not_to_be_checked()
        expect(form.locator(".choice.unfit")).to_contain_text(["the network has no rectifiers to guide"])
        expect(form.get_by_role("checkbox", name="Saliency")).to_be_checked()
        # A model that says nothing of itself is told by what it takes.
        expect(form.locator(".choice", has=self.page.get_by_role("radio", name="frequency")).locator(".choice-note")) \
            .to_have_text(re.compile(r"^Input \d+×\d+, 5 labels\.$"))
        self.shot("unfit-method")
        self.check_access("a method that does not fit")
        self.analyse(SAMPLES / "cat.png")
        expect(self.page.locator(".progress")).not_to_contain_text("Guided")
        # Nor can it be added afterwards.
        self.page.locator(".adding summary").first.click()
        expect(self.page.locator(".adding").get_by_role("checkbox", name="Guided backpropagation")).to_be_disabled()
        expect(self.page.locator(".adding")).to_contain_text("the network has no rectifiers to guide")

    def test_two_models_on_one_input(self):
        page = self.analyse(SAMPLES / "husky.png")
        page.get_by_role("link", name="Compare with").click()
        model = page.get_by_label("the same input for the model")
        # A model of sounds is none for this.
        expect(model.locator("option")).to_have_text(["frequency", "plain", "scenes"])
        model.select_option("plain")
        page.get_by_role("button", name="Explain and compare").click()
        expect(page.locator(".beside > section")).to_have_count(2)
        expect(page.locator(".beside > section").nth(0)).to_contain_text("dogs · Siberian husky")
        expect(page.locator(".beside > section").nth(1)).to_contain_text("plain · class")
        expect(page.locator(".beside .screen")).to_have_count(4)
        # The columns say which model they are of, as the input is the same.
        heads = page.locator("main table").first.get_by_role("columnheader")
        expect(heads).to_have_text(["Label", "dogs", "plain", re.compile("^Difference")])
        first, other = page.locator(".beside .screen").nth(1), page.locator(".beside .screen").nth(3)
        before = self.drawn(other.locator("canvas"))
        page.get_by_role("button", name="Zoom in").click()
        self.drawn(other.locator("canvas"), other_than=before)
        box = self.box(first)
        page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.5 * box["height"])
        expect(page.locator(".beside .panel-value").nth(1)).to_contain_text(re.compile(r"\d"))
        expect(page.locator(".beside .panel-value").nth(3)).to_contain_text(re.compile(r"\d"))
        self.shot("two-models")
        self.check_access("two models")
        for name, options in (("narrow", {"width": 360, "height": 740}), ("dark", {"color_scheme": "dark"})):
            other = self.open(page.url[len(self.server.address):], **options)
            expect(other.locator(".beside .screen")).to_have_count(4)
            expect(other.locator("main table").first).to_be_visible()
            self.check_width(other)
            self.shot(f"two-models-{name}", other)
            self.check_access(f"two models, {name}", other)

    def test_two_analyses(self):
        page = self.page
        # A sound is nothing to be shown beside a picture.
        for name in ("voice-real.wav", "husky.png", "cat.png"):
            self.analyse(SAMPLES / name)
            last = self.identifier()
            page.goto(self.server.address + "/")
        page.goto(f"{self.server.address}/#/compare/{last}")
        expect(page.locator("main .card")).to_have_count(1)
        page.locator("main .card-link").click()
        expect(page.locator(".beside > section").nth(1)).to_contain_text("dogs · Siberian husky")
        expect(page.locator("main table").first.get_by_role("columnheader")) \
            .to_have_text(["Label", "cat.png", "husky.png", re.compile("^Difference")])
        expect(page.locator("main table td").nth(2)).to_have_text(re.compile(r"^[+−][\d.]+$"))
        self.shot("two-analyses")
        self.check_access("two analyses")

    def test_an_address_that_changes_before_the_models_are_known(self):
        page = self.page
        self.analyse(SAMPLES / "husky.png")
        last = self.identifier()
        held = []
        page.route(re.compile("/model_list/"), lambda route: held.append(route))
        page.reload()
        page.evaluate(f"location.hash = '#/compare/{last}'")
        page.wait_for_timeout(200)
        held[0].continue_()
        expect(page.locator("main h1")).to_contain_text("husky.png")


class EmptyTests(PageTest):
    def test_a_server_without_samples(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.serve("--samples", folder.name)
        page = self.page
        expect(page.locator(".recent")).to_contain_text("No analyses yet")
        expect(page.get_by_text("No model has seen them")).to_be_hidden()
        expect(page.get_by_role("heading", name="Or try one of these")).to_be_hidden()
        self.shot("no-samples")
        self.check_access("no samples")

    def test_what_is_known_already_says_so(self):
        self.serve()
        page = self.analyse(SAMPLES / "husky.png")
        line = page.locator(".progress li")
        expect(line).to_contain_text(re.compile(r"(under 1|[1-9]\d*) ms, 1 evaluation"))
        page.goto(self.server.address + "/")
        self.analyse(SAMPLES / "husky.png")
        expect(page.locator("[data-state=done]")).to_have_text("Done · known already")
        expect(line).to_contain_text("known already")
        expect(line).not_to_contain_text("evaluation")
