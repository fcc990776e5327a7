"""Painting over pictures and muting sounds while the probabilities change."""

import json
import re

from browser import SAMPLES, PageTest, expect


class WhatIfTests(PageTest):
    def setUp(self):
        super().setUp()
        self.answers: list[dict] = []
        self.page.on("response", self.keep)

    def keep(self, response) -> None:
        if response.url.endswith(":predict"):
            self.answers.append(response)

    def number(self, label: str) -> float:
        row = self.page.locator(".whatif-row", has=self.page.get_by_text(label, exact=True))
        text = row.locator(".whatif-value").inner_text()
        return float(re.sub(r"[^\d.]", "", text))

    def begin(self, tool: str, cursor: str) -> None:
        self.page.get_by_role("button", name=tool, exact=True).first.click()
        expect(self.page.locator(".views")).to_have_attribute("data-tool", cursor)

    def test_painting_over_a_picture_changes_the_probabilities(self):
        page = self.analyse(SAMPLES / "husky.png")
        expect(page.locator(".whatif-verdict")).to_have_text("Nothing is changed yet.")
        self.begin("Paint", "brush")
        expect(page.locator(".whatif-row").first).to_be_visible()
        # As it is, the same numbers to the last digit as the analysis has.
        report = self.ask(f"/v1/analyses/{self.identifier()}/report.json").json()
        logits = self.answers[0].json()["predictions"][0]["logits"]
        for entry in report["predictions"]:
            self.assertEqual(logits[entry["index"]], entry["logit"])
        first = report["predictions"][0]["label"]
        before = self.number(first)
        screen = page.locator(".screen").first
        page.locator("[data-field=size]").evaluate("e => { e.value = 40; e.dispatchEvent(new Event('input')) }")
        self.drag(screen, (0.3, 0.3), (0.7, 0.7), steps=20, pause=30)
        self.drag(screen, (0.7, 0.3), (0.3, 0.7), steps=20, pause=30)
        self.assertGreater(len(self.answers), 4, "the numbers did not change while painting")
        sent = [json.loads(answer.request.post_data) for answer in self.answers]
        self.assertEqual(len({body["parameters"]["sequence"] for body in sent}), 1)
        expect(page.locator(".whatif-change").first).not_to_have_text("")
        self.assertLess(self.number(first), before)
        self.shot("whatif-picture")
        self.check_access("painting")
        # Taking everything back gives the first numbers again.
        for _ in range(2):
            page.locator("[data-action=undo]").click()
        expect(page.locator("[data-action=undo]")).to_be_disabled()
        expect(page.locator("[data-action=reset]")).to_be_disabled()
        expect(page.locator(".whatif-verdict")).to_contain_text("Still")
        self.assertEqual(self.number(first), before)

    def test_covers_erasing_and_keys(self):
        page = self.analyse(SAMPLES / "cat.png")
        self.begin("Paint", "brush")
        sent = lambda: json.loads(self.answers[-1].request.post_data)["instances"][0]["b64"]
        for cover in ("blur", "mean", "grey"):
            page.locator("[data-field=cover]").select_option(cover)
            with page.expect_response(re.compile(":predict$")):
                page.locator("[data-action=stamp]").click()
            page.wait_for_timeout(50)
        grey = sent()
        page.locator("[data-action=erase]").click()
        with page.expect_response(re.compile(":predict$")):
            page.locator("[data-action=evidence]").click()
        page.wait_for_timeout(50)
        self.assertNotEqual(sent(), grey)
        page.locator("[data-action=reset]").click()
        expect(page.locator("[data-action=reset]")).to_be_disabled()

    def test_muting_a_rectangle_of_a_sound(self):
        page = self.analyse(SAMPLES / "voice-synthetic.wav")
        self.begin("Mute", "crosshair")
        expect(page.locator(".whatif-row").first).to_be_visible()
        report = self.ask(f"/v1/analyses/{self.identifier()}/report.json").json()
        logits = self.answers[0].json()["predictions"][0]["logits"]
        for entry in report["predictions"]:
            self.assertEqual(logits[entry["index"]], entry["logit"])
        self.drag(page.locator(".screen").first, (0.1, 0.1), (0.9, 0.95), steps=20, pause=30)
        expect(page.locator(".whatif-list li")).to_have_count(1)
        expect(page.locator(".whatif-change").first).not_to_have_text("")
        self.assertGreater(len(self.answers), 3)
        self.shot("whatif-sound")
        self.check_access("muting")
        # Numbers instead of dragging, and what is left can be heard.
        page.locator("[data-field=mute-high]").fill("800")
        page.locator("[data-action=add-mute]").click()
        expect(page.locator(".whatif-list li")).to_have_count(2)
        page.locator("[data-action=listen-muted]").click()
        page.locator("[data-action=evidence]").click()
        expect(page.locator(".whatif-list li")).to_have_count(3)
        page.locator(".whatif-list li button").first.click()
        expect(page.locator(".whatif-list li")).to_have_count(2)
        page.locator("[data-action=reset]").click()
        expect(page.locator(".whatif-list li")).to_have_count(0)
        expect(page.locator(".whatif-verdict")).to_contain_text("Still fake")
