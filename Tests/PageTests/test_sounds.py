"""Listening, marking, and long recordings."""

import pathlib
import re
import tempfile

from browser import SAMPLES, PageTest, expect, recording

VOICE = SAMPLES / "voice-synthetic.wav"


class SoundTests(PageTest):
    def play_button(self):
        return self.page.locator("[data-action=play]")

    def seconds(self) -> float:
        return float(self.page.locator(".sound-time").inner_text().split(" s")[0])

    def test_a_sound_is_seen_and_heard(self):
        page = self.analyse(VOICE)
        expect(page.locator("canvas.strip")).to_be_visible()
        # Seconds and hertz of the place that is pointed at.
        screen = page.locator(".screen").nth(1)
        box = self.box(screen)
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        expect(page.locator(".toolbar .place")).to_have_text(re.compile(r"1\.\d\d s.*\d Hz|1\.\d\d s.*kHz"))
        # The cursor moves while it plays, in the strip and in all panels.
        self.play_button().click()
        expect(self.play_button()).to_have_attribute("data-playing", "sound")
        expect(page.locator(".sound-time")).not_to_have_text(re.compile(r"^0\.00 s"))
        before = self.seconds()
        page.wait_for_function(
            "before => parseFloat(document.querySelector('.sound-time').innerText) > before", arg=before)
        self.shot("sound-playing")
        self.play_button().click()
        expect(self.play_button()).to_have_attribute("data-playing", "")
        # It ends by itself.
        page.locator(".sound-position").evaluate("e => { e.value = 1.8; e.dispatchEvent(new Event('input')) }")
        page.keyboard.press("Escape")
        page.locator("body").press("k")
        expect(self.play_button()).to_have_attribute("data-playing", "sound")
        expect(self.play_button()).to_have_attribute("data-playing", "")
        self.assertAlmostEqual(self.seconds(), 2, delta=0.1)
        self.check_access("a sound")

    def test_a_rectangle_of_time_and_frequency_is_heard_alone(self):
        page = self.analyse(VOICE)
        page.get_by_role("button", name="Mark", exact=True).click()
        expect(page.locator(".views")).to_have_attribute("data-tool", "crosshair")
        self.drag(page.locator(".screen").nth(1), (0.4, 0.4), (0.8, 0.8))
        expect(page.locator("#status")).to_have_text(re.compile(r"^0\.\d+ s to 1\.\d+ s, \d+ Hz to [\d.]+ k?Hz"))
        expect(page.locator(".sound select").nth(1)).to_have_value("inside")
        start = float(page.locator("[data-field=start]").input_value())
        self.assertAlmostEqual(start, 0.8, delta=0.05)
        expect(self.play_button()).to_have_attribute("data-playing", "")
        # The numbers can be written, and what is marked can be repeated.
        page.locator("[data-field=end]").fill("1.0")
        page.locator("[data-field=end]").press("Enter")
        page.get_by_label("Repeat").check()
        self.play_button().click()
        page.wait_for_timeout(700)
        expect(self.play_button()).to_have_attribute("data-playing", "inside")
        self.assertTrue(start - 0.02 <= self.seconds() <= 1.02, "the repeated part was left")
        self.shot("sound-marked")
        self.play_button().click()
        page.locator("[data-action=clear-mark]").click()
        expect(page.locator("[data-field=start]")).to_have_value("")

    def test_a_time_is_marked_in_the_waveform_and_repeated(self):
        page = self.analyse(VOICE)
        self.drag(page.locator("canvas.strip"), (0.25, 0.5), (0.5, 0.5))
        self.assertAlmostEqual(float(page.locator("[data-field=start]").input_value()), 0.5, delta=0.02)
        self.assertAlmostEqual(float(page.locator("[data-field=end]").input_value()), 1.0, delta=0.02)
        expect(page.locator("[data-field=low]")).to_have_value("")

    def test_the_evidence_and_the_rest_are_played_equally_loud(self):
        page = self.analyse(VOICE)
        choice = page.locator(".sound select").nth(1)
        expect(choice.locator("optgroup")).to_have_count(2)
        gains = {}
        for kind in ("kept", "removed"):
            value = choice.locator(f"optgroup[label*=fake] option[value^={kind}]").get_attribute("value")
            choice.select_option(value)
            self.play_button().click()
            expect(self.play_button()).to_have_attribute("data-playing", kind)
            gains[kind] = page.locator(".sound-gain").inner_text()
            self.play_button().click()
        self.assertNotEqual(gains["kept"], gains["removed"])
        page.get_by_label("Equally loud").uncheck()
        self.play_button().click()
        expect(page.locator(".sound-gain")).to_have_text("")

    def test_a_long_recording_has_a_score_and_a_click_explains_a_window(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        voices = ("voice-real.wav", "voice-synthetic.wav")
        long = recording(pathlib.Path(folder.name) / "long.wav", *voices, 3.0, *voices, voices[0])
        page = self.analyse(long)
        strip = page.locator("canvas.strip")
        expect(page.locator(".sound-windows")).to_be_visible()
        self.shot("sound-long")
        address = self.ask(f"/v1/analyses/{self.identifier()}/report.json")
        windows = address.json()["sound"]["windows"]
        self.assertTrue(any(w["isSilent"] for w in windows))
        known = {e["window"][0] for e in address.json()["explanations"]}
        number, new = next(
            (i, w) for i, w in enumerate(windows) if not w["isSilent"] and w["seconds"][0] not in known
        )
        box = self.box(strip)
        middle = sum(new["seconds"]) / 2
        page.mouse.click(box["x"] + middle / 13 * box["width"], box["y"] + 30)
        expect(page.locator(".sound-window")).to_have_text(re.compile(rf"^{new['seconds'][0]:.2f} s to "))
        expect(page.locator("[data-action=explain-window]")).to_be_hidden()
        expect(page.locator(".panel .screen").nth(1)).to_be_visible()
        found = self.ask(f"/v1/analyses/{self.identifier()}/report.json").json()["explanations"]
        self.assertEqual({e["window"][0] for e in found}, known | {new["seconds"][0]})
        # With keys: another window, silence says so.
        slider = page.locator("[data-action=window]")
        silent = next(i for i, w in enumerate(windows) if w["isSilent"])
        slider.focus()
        for _ in range(abs(silent - number)):
            page.keyboard.press("ArrowRight" if silent > number else "ArrowLeft")
        expect(page.locator(".sound-window")).to_contain_text("silence")
        expect(page.locator("[data-action=explain-window]")).to_be_hidden()
        self.shot("sound-window")
        self.check_access("a long recording")


class SignalTests(PageTest):
    """The page's own arithmetic, in the browser."""

    def test_parts_add_up_and_hold_what_they_should(self):
        found = self.page.evaluate(
            """async () => {
              const { divided, wavFile, readWAV } = await import("/sound-signal.js");
              const rate = 8000, samples = new Float32Array(rate);
              for (let i = 0; i < rate; i += 1) {
                samples[i] = 0.4 * Math.sin(2 * Math.PI * 500 * i / rate) + 0.3 * Math.sin(2 * Math.PI * 2500 * i / rate);
              }
              const { inside, outside } = divided(samples, rate, [{ start: 0.25, end: 0.75, low: 300, high: 1000 }]);
              const level = (s, from, to) => Math.sqrt(s.slice(from, to).reduce((a, x) => a + x * x, 0) / (to - from));
              let gap = 0;
              for (let i = 0; i < rate; i += 1) { gap = Math.max(gap, Math.abs(inside[i] + outside[i] - samples[i])); }
              const all = divided(samples, rate, [{ start: -1, end: 2, low: 0, high: 4000 }]).inside;
              let whole = 0;
              for (let i = 0; i < rate; i += 1) { whole = Math.max(whole, Math.abs(all[i] - samples[i])); }
              const again = readWAV(wavFile(samples, rate));
              return {
                gap, whole, middle: level(inside, 3000, 5000), before: level(inside, 0, 1500), rest: level(outside, 3000, 5000),
                same: again.rate === rate && again.samples.every((x, i) => x === samples[i]),
              };
            }"""
        )
        self.assertLess(found["gap"], 1e-6)
        self.assertLess(found["whole"], 1e-5)
        self.assertAlmostEqual(found["middle"], 0.4 / 2**0.5, delta=0.003)
        self.assertLess(found["before"], 1e-4)
        self.assertAlmostEqual(found["rest"], 0.3 / 2**0.5, delta=0.003)
        self.assertTrue(found["same"])

    def test_loudness_is_that_of_the_recommendation(self):
        # BS.1770-4: a sine of 997 Hz at full scale in one channel has -3.01 LKFS; EBU Tech 3341: silence is left out.
        found = self.page.evaluate(
            """async () => {
              const { loudness, equalLoudness } = await import("/sound-signal.js");
              const tone = (rate, level, seconds, silence = 0) => Float32Array.from(
                { length: rate * (seconds + silence) },
                (_, i) => (i < rate * seconds ? level * Math.sin(2 * Math.PI * 997 * i / rate) : 0));
              const loud = { samples: tone(48000, 0.5, 2), rate: 48000 };
              const quiet = { samples: tone(48000, 0.01, 2), rate: 48000 };
              const gains = equalLoudness([loud, quiet]);
              const peaky = { samples: tone(48000, 0.001, 2), rate: 48000 };
              peaky.samples[1000] = 0.9;
              const limited = equalLoudness([loud, peaky]);
              return {
                full: [8000, 44100, 48000].map((rate) => loudness(tone(rate, 1, 2), rate)),
                gated: loudness(tone(48000, 0.1, 4, 8), 48000), silence: loudness(new Float32Array(48000), 48000),
                levels: [loud, quiet].map((s, i) => loudness(s.samples.map((x) => x * gains[i]), s.rate)),
                peak: 0.9 * limited[1],
              };
            }"""
        )
        for level in found["full"]:
            self.assertAlmostEqual(level, -3.01, delta=0.15)
        self.assertAlmostEqual(found["full"][2], -3.01, delta=0.02)
        self.assertAlmostEqual(found["gated"], -23.01, delta=0.3)
        self.assertEqual(found["silence"], float("-inf"))
        self.assertAlmostEqual(found["levels"][0], found["levels"][1], delta=0.01)
        self.assertLessEqual(found["peak"], 0.9801)

    def test_axes_are_those_of_the_server(self):
        page = self.analyse(VOICE)
        document = self.ask(f"/v1/analyses/{self.identifier(page)}/report.json").json()
        region = next(e for e in document["explanations"] if e["evidence"]["regions"])["evidence"]["regions"][0]
        model = next(
            m for m in self.ask("/v1/classification_models/model_list/").json()["models"] if m["name"] == "voice"
        )
        # The ends of evidence lie between pixels of the map, 160 by 160. The server rounds hertz to 3 digits, so by up to 5 Hz
        # above 1 kHz, where a pixel is about 30 Hz.
        places = page.evaluate(
            """async ({ audio, region }) => {
              const { soundAxes } = await import("/sound-signal.js");
              const axes = soundAxes(audio, [0, 2], 160, 160);
              return {
                x: region.seconds.map(axes.fromSeconds), y: region.hertz.map(axes.fromHertz),
                back: region.hertz.map((hz) => axes.y(axes.fromHertz(hz))), seconds: region.seconds.map((s) => axes.x(axes.fromSeconds(s))),
              };
            }""",
            {"audio": model["audio"], "region": region},
        )
        for value in places["y"]:
            self.assertAlmostEqual(value, round(value), delta=0.2)
        for value, seconds in zip(places["x"], region["seconds"]):
            if 0 < seconds < 2:
                self.assertAlmostEqual(value, round(value), delta=0.06)
        for value, hertz in zip(places["back"], region["hertz"]):
            self.assertAlmostEqual(value, hertz, delta=0.01 * hertz)
        for value, seconds in zip(places["seconds"], region["seconds"]):
            self.assertAlmostEqual(value, seconds, delta=1e-6)
