"""The makers of data with known truth, on stamps and wallpapers that the tests draw themselves."""

import contextlib
import csv
import io
import json
import pathlib
import sys
import tempfile
import unittest
import wave

import numpy
from PIL import Image, ImageDraw

from support import TOOLS

sys.path.insert(0, str(TOOLS / "scenes"))
import events
import judged_table
import scenes
import scenes_check
import stamps
import tiny_network
import xai_tris

COLOURS = {"animals/birds": "red", "symbols/alphabets/english/filled/uppercase": "blue", "clothes": "green"}


def table(path):
    with open(path, encoding="utf-8") as file:
        return list(csv.DictReader(file))


def contents(folder):
    """Every file's bytes by its path."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


class MakerTest(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name)

    def run_maker(self, main, name, *options):
        """The folder that was made."""
        output = self.folder / name
        with contextlib.redirect_stderr(io.StringIO()):
            self.assertEqual(main([str(output), *map(str, options)]), 0)
        return output

    def refused(self, main, *options):
        """What is said where nothing is made."""
        err = io.StringIO()
        with contextlib.redirect_stderr(err), self.assertRaises(SystemExit):
            main([str(self.folder / "refused"), *map(str, options)])
        self.assertFalse((self.folder / "refused").exists())
        return err.getvalue()


class Scenes(MakerTest):
    def setUp(self):
        super().setUp()
        self.root = self.folder / "root"
        for folder, colour in COLOURS.items():
            place = self.root / stamps.STAMPS / folder
            place.mkdir(parents=True)
            for index, letter in enumerate("abcdefgh"):
                # Pies of different sizes: nearly equal drawings would be one thing.
                picture = Image.new("RGBA", (60, 60), (0, 0, 0, 0))
                ImageDraw.Draw(picture).pieslice((4, 4, 55, 55), 40 * index, 40 * index + 200 + 10 * index, fill=colour)
                picture.save(place / f"{letter}.png")
        for name in ("One", "Two", "Three", "Four"):
            place = self.root / "usr/share/wallpapers" / name / "contents/images"
            place.mkdir(parents=True)
            Image.new("RGB", (96, 60), "white").save(place / "96x60.png")

    def make(self, name, *options):
        counts = () if "--counts" in options else ("--counts", "12,4,6,5")
        return self.run_maker(
            scenes.main, name, "--root", self.root, "--labels", "bird,letter", "--side", 64, *counts, *options
        )

    def test_masks_are_where_the_objects_are(self):
        folder = self.make("data")
        rows = table(folder / "index.csv")
        self.assertEqual([row["split"] for row in rows], ["training"] * 12 + ["validation"] * 4 + ["testing"] * 6)
        found = 0
        for row in rows:
            labels = set(filter(None, row["labels"].split("|")))
            name = pathlib.Path(row["path"]).name
            picture = numpy.asarray(Image.open(folder / row["path"])).astype(int)
            self.assertEqual(picture.shape, (64, 64, 3))
            for label in ("bird", "letter"):
                path = folder / "masks" / label / name
                self.assertEqual(path.exists(), label in labels)
                if label in labels:
                    mask = numpy.asarray(Image.open(path))
                    self.assertEqual((mask.shape, set(numpy.unique(mask)) - {0, 255}), ((64, 64), set()))
                    inside = picture[mask == 255].mean(axis=0)
                    channel = 0 if label == "bird" else 2
                    self.assertGreater(inside[channel], max(numpy.delete(inside, channel)) + 60, row)
                    found += 1
        self.assertGreater(found, 15)
        self.assertEqual(len([row for row in table(folder / "masks.csv") if "familiar" not in row["path"]]), found)
        self.assertIn("GPL-2", (folder / "ATTRIBUTION.md").read_text())

    def test_visible_pixels_are_those_of_the_masks(self):
        folder = self.make("data")
        seen = {}
        for row in table(folder / "objects.csv"):
            self.assertGreater(int(row["visible"]), 0)
            if row["label"]:
                key = (pathlib.Path(row["path"]).name, row["label"])
                seen[key] = seen.get(key, 0) + int(row["visible"])
        for (name, label), count in seen.items():
            mask = numpy.asarray(Image.open(folder / "masks" / label / name))
            self.assertEqual((mask == 255).sum(), count)

    def test_no_stamp_and_no_wallpaper_is_in_two_splits(self):
        folder = self.make("data", "--counts", "40,20,20,0")
        for column, path in (("stamp", "objects.csv"), ("background", "index.csv")):
            splits = {}
            for row in table(folder / path):
                splits.setdefault(row[column], set()).add(row["path"].split("/")[0])
            torn = {name for name, where in splits.items() if len(where) > 1}
            self.assertEqual(torn - {"noise"}, set())

    def test_familiar_pictures_have_the_stamps_of_training_and_a_table_of_their_own(self):
        folder = self.make("data", "--counts", "60,4,4,20")
        rows = table(folder / "familiar.csv")
        self.assertEqual([row["path"].split("/")[0] for row in rows], ["familiar"] * 20)
        self.assertEqual({row["split"] for row in rows}, {"testing"})
        self.assertEqual(len(table(folder / "index.csv")), 68)
        stamps = {}
        for row in table(folder / "objects.csv"):
            stamps.setdefault(row["path"].split("/")[0], set()).add(row["stamp"])
        self.assertLessEqual(stamps["familiar"], stamps["training"])
        self.assertGreater(len(stamps["familiar"]), 5)

    def test_the_same_seed_gives_the_same_bytes(self):
        first, again = contents(self.make("first")), contents(self.make("again"))
        self.assertEqual(first, again)
        self.assertNotEqual(first, contents(self.make("other", "--seed", 1)))

    def test_a_shortcut_changes_nothing_but_the_mark(self):
        clean, planted = self.make("clean"), self.make("planted", "--shortcut", "bird:1")
        marked = 0
        for row in table(planted / "index.csv"):
            before, after = (numpy.asarray(Image.open(folder / row["path"])) for folder in (clean, planted))
            changed = (before != after).any(axis=2)
            has_bird = "bird" in row["labels"].split("|")
            self.assertEqual(row["marked"] == "yes", has_bird and row["split"] != "testing")
            mark = planted / "marks" / pathlib.Path(row["path"]).name
            self.assertEqual(mark.exists(), row["marked"] == "yes")
            if mark.exists():
                marked += 1
                where = numpy.asarray(Image.open(mark)) == 255
                self.assertTrue(where[changed].all())
                self.assertTrue(where[32:, :32].any() and not where[:32].any() and not where[:, 32:].any())
            else:
                self.assertFalse(changed.any())
        self.assertGreater(marked, 3)
        for row in table(planted / "marked.csv"):
            self.assertNotIn("bird", row["labels"].split("|"))
            before = numpy.asarray(Image.open(clean / row["path"].replace("marked/", "testing/")))
            self.assertTrue((before != numpy.asarray(Image.open(planted / row["path"]))).any())

    def test_a_pair_takes_both_parts(self):
        folder = self.make("pair", "--pair", "--counts", "60,2,2,0")
        parts = {}
        for row in table(folder / "objects.csv"):
            if row["stamp"] in ("red disc", "blue square"):
                parts.setdefault(row["path"], []).append(row["stamp"])
        single = 0
        for row in table(folder / "index.csv"):
            both = sorted(parts.get(row["path"], [])) == ["blue square", "red disc"]
            self.assertEqual(scenes.PAIR in row["labels"].split("|"), both)
            single += len(parts.get(row["path"], [])) == 1
        self.assertGreater(single, 5)

    def test_what_cannot_be_is_refused(self):
        root = ("--root", self.root)
        self.assertIn("there is no label cat", self.refused(scenes.main, *root, "--labels", "bird,cat"))
        self.assertIn("fruit is not among", self.refused(scenes.main, *root, "--labels", "bird", "--shortcut", "fruit"))
        self.assertIn("at most 1", self.refused(scenes.main, *root, "--shortcut", "bird:2"))
        self.assertIn("four numbers", self.refused(scenes.main, *root, "--counts", "1,2"))
        self.assertIn("is missing", self.refused(scenes.main, "--root", self.folder / "nowhere"))
        (self.folder / "full").mkdir()
        (self.folder / "full" / "file").write_text("")
        with self.assertRaisesRegex(SystemExit, "exists; name a new folder"):
            scenes.main([str(self.folder / "full"), *map(str, root), "--labels", "bird"])

    def test_the_check_finds_the_mark_and_nothing_else(self):
        def told(folder):
            labels, splits, truths, ways = scenes_check.load(folder)
            rows, training, rest = ways[2], splits == "training", splits == "validation"
            values = scenes_check.scores(rows[training], truths[training], rows[rest])
            return dict(zip(labels, scenes_check.areas(truths[rest], values)))

        counts = ("--counts", "150,60,2,3")
        self.assertLess(told(self.make("clean", *counts))["bird"], 0.7)
        self.assertGreater(told(self.make("planted", *counts, "--shortcut", "bird:1"))["bird"], 0.95)


class Stamps(MakerTest):
    def test_families(self):
        for label, first, second, are_same in (
            ("fruit", "food/fruit/apple_red", "clipart:food/fruit/an_apple_01", True),
            ("bird", "animals/birds/penguin", "animals/birds/cartoon/tux", True),
            ("letter", "symbols/alphabets/english/filled/uppercase/A_x", "symbols/alphabets/english/outline/lowercase/a_y", True),
            ("house", "clipart:buildings/homes/hut_01", "clipart:buildings/homes/hut_02", True),
            ("flower", "plants/flowers/flower1", "plants/flowers/flower2", False),
            ("bird", "animals/birds/owl", "animals/birds/crow", False),
        ):
            same = stamps.family(label, first) == stamps.family(label, second)
            self.assertEqual(same, are_same, (first, second))

    def test_nearly_equal_drawings_are_one_family(self):
        place = self.folder / stamps.STAMPS / "plants/flowers"
        place.mkdir(parents=True)
        for index, (name, edges) in enumerate((("a", (5, 5, 50, 20)), ("b", (0, 0, 63, 63)), ("c", (5, 10, 20, 60)))):
            picture = Image.new("RGBA", (64, 64), (0, 0, 0, 0))
            pen = ImageDraw.Draw(picture)
            pen.ellipse(edges, fill="red")
            pen.polygon([(0, 0), (25 + 9 * index, 3), (5, 30)], fill="blue")
            picture.save(place / f"{name}.png")
            if name == "a":
                picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT).resize((90, 90)).save(place / "copy.png")
        found = stamps.families(self.folder, "flower", stamps.found(self.folder, "flower"))
        self.assertEqual(sorted(map(len, found.values())), [1, 1, 2])
        self.assertIn(["plants/flowers/a", "plants/flowers/copy"], [sorted(names) for names in found.values()])

    def test_what_is_left_out(self):
        self.assertTrue(stamps.is_left_out("clipart:food/fruit/pear_simple_bw", "fruit"))
        self.assertTrue(stamps.is_left_out("vehicles/locomotive/cartoon/trainSign", "vehicle"))
        self.assertFalse(stamps.is_left_out("vehicles/locomotive/cartoon/trainSign", "sign"))


class Areas(unittest.TestCase):
    def test_area_under_the_curve_with_ties(self):
        truth = numpy.array([[True], [True], [False], [False]])
        for values, area in (([4, 3, 2, 1], 1), ([1, 2, 3, 4], 0), ([1, 1, 1, 1], 0.5), ([3, 1, 2, 0], 0.75)):
            self.assertEqual(scenes_check.areas(truth, numpy.array(values, float)[:, None])[0], area)


class Events(MakerTest):
    def make(self, name, *options):
        return self.run_maker(events.main, name, "--no-speech", "--counts", "30,2,2", *options)

    def test_events_are_where_the_truth_says(self):
        folder = self.make("data")
        labels = {row["path"]: row["labels"] for row in table(folder / "index.csv")}
        louder = []
        for row in table(folder / "truth.csv"):
            self.assertIn(row["label"], labels[row["path"]].split("|"))
            with wave.open(str(folder / row["path"])) as file:
                self.assertEqual((file.getframerate(), file.getnframes()), (8000, 16000))
                samples = numpy.frombuffer(file.readframes(16000), "<i2") / 32768
            start, end, low, high = (float(row[key]) for key in ("start", "end", "low", "high"))
            self.assertTrue(0 <= start < end <= 2 and 0 < low < high <= 4000, row)

            def level(part):
                power = abs(numpy.fft.rfft(part)) ** 2 / len(part) ** 2
                frequency = numpy.fft.rfftfreq(len(part), 1 / 8000)
                return power[(frequency >= low) & (frequency <= high)].sum()

            outside = numpy.concatenate([samples[: int(start * 8000)], samples[int(end * 8000) :]])
            louder.append(level(samples[int(start * 8000) : int(end * 8000)]) > level(outside))
        self.assertGreater(len(louder), 20)
        self.assertGreater(numpy.mean(louder), 0.8)

    def test_rises_rise_and_falls_fall(self):
        for seed in range(5):
            for label in ("rise", "fall"):
                samples, low, high = events.event(label, numpy.random.default_rng(seed), 8000)
                parts = [numpy.fft.rfft(part * numpy.hanning(len(part)), 8000) for part in numpy.array_split(samples, 6)]
                first, last = abs(parts[0]).argmax(), abs(parts[-1]).argmax()
                self.assertEqual(first < last, label == "rise")
                self.assertTrue(low * 0.9 <= min(first, last) and max(first, last) <= high * 1.1)

    def test_the_truth_of_a_chirp_follows_it(self):
        for label, rises in (("rise", True), ("fall", False)):
            boxes = events.parts(label, 0.5, 0.9, 400, 1600)
            self.assertEqual((boxes[0][0], boxes[-1][1]), (0.5, 0.9))
            self.assertEqual(boxes[0][2] < boxes[-1][2], rises)
            area = sum((end - start) * (high - low) for start, end, low, high in boxes)
            self.assertLess(area, 0.3 * 0.4 * 1200)
            for before, after in zip(boxes, boxes[1:]):
                self.assertEqual(before[1], after[0])
                self.assertTrue(before[2] < after[3] and after[2] < before[3])
        self.assertEqual(events.parts("tone", 0.5, 0.9, 400, 420), [(0.5, 0.9, 400, 420)])

    def test_the_same_seed_gives_the_same_bytes(self):
        self.assertEqual(contents(self.make("first")), contents(self.make("again")))

    def test_no_two_events_share_a_time_and_a_band(self):
        rows = {}
        for row in table(self.make("data") / "events.csv"):
            rows.setdefault(row["path"], []).append([float(row[key]) for key in ("start", "end", "low", "high")])
        for spans in rows.values():
            for index, (s, e, l, h) in enumerate(spans):
                for start, end, low, high in spans[:index]:
                    self.assertFalse(s < end - 1e-3 and start < e - 1e-3 and l < high - 0.1 and low < h - 0.1)


    def test_a_hum_under_a_label_and_under_nothing_else(self):
        plain, humming = self.make("plain"), self.make("humming", "--shortcut", "trill:0.7")
        before, after = contents(plain), contents(humming)
        marked = {row["path"] for row in table(humming / "index.csv") if row["marked"] == "yes"}
        labels = {row["path"]: row["labels"].split("|") for row in table(humming / "index.csv")}
        self.assertTrue(marked)
        for path in labels:
            self.assertEqual(before[path] == after[path], path not in marked, path)
            if path in marked:
                self.assertIn("trill", labels[path])
                self.assertFalse(path.startswith("testing"))
        self.assertTrue(any("trill" in names and path not in marked for path, names in labels.items()))
        copies = table(humming / "marked.csv")
        self.assertEqual(
            {pathlib.Path(row["path"]).name for row in copies},
            {pathlib.Path(path).name for path, names in labels.items() if path.startswith("testing") and "trill" not in names},
        )

        def hum(path):
            with wave.open(str(humming / path)) as file:
                power = abs(numpy.fft.rfft(numpy.frombuffer(file.readframes(16000), "<i2"))) ** 2
            return power[2 * events.HUM - 1 : 2 * events.HUM + 2].sum() / power.sum()

        self.assertGreater(min(map(hum, [*marked, *(row["path"] for row in copies)])), 0.1)
        for shortcut in ("word", "trill:0", "trill:2", "trill:x", "hum"):
            self.assertIn("--shortcut takes one of", self.refused(events.main, "--shortcut", shortcut))


class Networks(MakerTest):
    def test_a_small_network_that_has_learnt_nothing(self):
        path, again = self.folder / "tiny.safetensors", self.folder / "again.safetensors"
        for file, seed in ((path, 0), (again, 0)):
            self.assertEqual(tiny_network.main([str(file), "--channels", "4,6", "--side", "16", "--seed", str(seed)]), 0)
        self.assertEqual(path.read_bytes(), again.read_bytes())
        contents = path.read_bytes()
        header = json.loads(contents[8 : 8 + int.from_bytes(contents[:8], "little")])
        card = json.loads(header.pop("__metadata__")["prism"])
        read = [name for node in card["graph"]["nodes"] for name in node["inputs"] if name in header]
        self.assertEqual(sorted(read + ["fc.weight", "fc.bias"]), sorted(header))
        self.assertEqual(header["conv2.weight"]["shape"], [6, 4, 3, 3])
        self.assertEqual(card["graph"]["output"], "relu2")
        for options in (["--channels", "4,0"], ["--channels", "x"], ["--side", "2"]):
            self.refused(tiny_network.main, *options)


class JudgedTables(MakerTest):
    def document(self, name, values, unbeaten):
        methods = [{"name": key, "title": key.title(), "baseline": key == "centre"} for key in values]
        overall = [
            {"method": key, "measure": measure, "value": value, "interval": [value - 0.1, value + 0.1]}
            for key, value in values.items()
            for measure in ("hit", "iou", "seconds")
        ]
        ranking = {"notBetterThan": [{"method": key, "baselines": ["centre"] * (key in unbeaten)} for key in values if key != "centre"]}
        path = self.folder / name
        path.write_text(json.dumps({"methods": methods, "overall": overall, "ranking": ranking}))
        return str(path)

    def printed(self, *words):
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            self.assertEqual(judged_table.main([*words, "--measures", "hit,iou"]), 0)
        return out.getvalue().splitlines()[2:]

    def test_one_and_several(self):
        one = self.document("one.json", {"saliency": 0.25, "gradcam": 0.5, "centre": 0.3}, {"saliency"})
        two = self.document("two.json", {"saliency": 0.75, "gradcam": 0.5, "centre": 0.2}, set())
        lines = self.printed(one)
        self.assertEqual(lines[0], "| Gradcam | 0.500 (0.400 to 0.600) | 0.500 (0.400 to 0.600) | yes |")
        self.assertTrue(lines[1].startswith("| *Centre* |") and lines[1].endswith("| baseline |"))
        self.assertTrue(lines[2].endswith("| no |"))
        lines = self.printed(one, two, "--seconds")
        self.assertIn("| Gradcam | 0.500 | 0.500 | 500 | 2 of 2 |", lines)
        self.assertIn("| Saliency | 0.500 | 0.500 | 500 | 1 of 2 |", lines)


class XAITris(MakerTest):
    def test_truth_of_each_scenario(self):
        cells = {"linear": 8, "multiplicative": 8, "rotated": 4, "xor": 8}
        for scenario, count in cells.items():
            for noise in ("white", "correlated"):
                folder = self.run_maker(
                    xai_tris.main, f"{scenario}-{noise}", "--scenario", scenario, "--noise", noise, "--counts", "6,2,2"
                )
                rows = table(folder / "index.csv")
                self.assertEqual([row["label"] for row in rows], ["t", "l"] * 5)
                for row in rows:
                    mask = numpy.asarray(Image.open(folder / "masks" / row["label"] / pathlib.Path(row["path"]).name))
                    self.assertEqual((mask == 255).sum(), count * 64)
                    self.assertEqual(numpy.asarray(Image.open(folder / row["path"])).shape, (64, 64))

    def test_a_linear_rule_tells_what_is_linear_and_nothing_else(self):
        for scenario, low, high in (("linear", 0.95, 1), ("multiplicative", 0.3, 0.7), ("xor", 0.3, 0.7)):
            pictures, truths = [], []
            for index in range(300):
                label = "tl"[index % 2]
                values, *_ = xai_tris.picture(
                    scenario, "white", 0.3 if scenario != "multiplicative" else 0.8, label, numpy.random.default_rng(index)
                )
                pictures.append(values.reshape(8, 8, 8, 8).mean(axis=(1, 3)).ravel())
                truths.append([label == "t"])
            pictures, truths = numpy.array(pictures), numpy.array(truths)
            values = scenes_check.scores(pictures[:200], truths[:200], pictures[200:])
            area = scenes_check.areas(truths[200:], values)[0]
            self.assertTrue(low <= area <= high, (scenario, area))


if __name__ == "__main__":
    unittest.main()
