"""The parts that need no worker: requests, groups, bundles, pictures of maps, the simulation."""

import os
import pathlib
import struct
import subprocess
import sys
import unittest
import zipfile

import support
from prism_distributed import bundle, engine, progress, request, simulation, summary
from prism_distributed.errors import RunError
from prism_distributed.worker import WorkerOptions, find_program


class RequestTest(unittest.TestCase):
    def test_methods_have_their_choices_after_colons(self):
        asked = request.request("gradcam,lime:samples=500:segments=grid:8:confidence=0.9", targets="top3", seed=None)
        self.assertEqual(
            asked,
            {"methods": [{"name": "gradcam"}, {"name": "lime", "samples": 500, "segments": "grid:8", "confidence": 0.9}], "targets": "top3"},
        )

    def test_what_is_chosen_comes_before_the_file(self):
        given = {"methods": ["ig"], "seed": 3, "sound": {"channel": "left"}}
        self.assertEqual(request.request(None, given, seed=4), {"methods": ["ig"], "seed": 4, "sound": {"channel": "left"}})

    def test_what_is_no_choice_is_named(self):
        for text in ("lime:tree=1", "lime:samples=many", "", "gradcam,,lime"):
            with self.subTest(text), self.assertRaises(RunError):
                request.request(text)


class GroupTest(unittest.TestCase):
    def test_groups_keep_all_shards_and_leave_enough_for_everybody(self):
        for count, workers in ((1, 4), (100, 2), (5000, 3), (100_000, 1000)):
            groups = engine.grouped(list(range(count)), workers)
            self.assertEqual([shard for group in groups for shard in group], list(range(count)))
            self.assertLessEqual(max(map(len, groups)), 8)
            self.assertGreaterEqual(len(groups), min(count, 16 * workers))


class ProgressTest(unittest.TestCase):
    def test_times_are_for_people(self):
        told = [progress.duration(seconds) for seconds in (0.4, 42, 185, 3600, 7830, 90_000)]
        self.assertEqual(told, ["0 s", "42 s", "3 min 5 s", "1 h", "2 h 10 min", "1 d 1 h"])


class PictureTest(unittest.TestCase):
    def test_a_map_of_any_numbers_is_a_picture(self):
        for kind, letter in (("float32", "f"), ("float16", "e")):
            for values in ([0.0] * 6, [1.0, -2.0, 3.0, 0, 0, 0]):
                row = {"type": kind, "height": 2, "width": 3, "map": struct.pack(f"<6{letter}", *values)}
                self.assertTrue(summary.picture(row).startswith(b"\x89PNG"))


class BundleTest(support.Folder):
    def test_a_wheel_has_the_program_the_model_and_a_record(self):
        model = self.folder / "tiny.safetensors"
        model.write_bytes(b"weights")
        options = WorkerOptions(model=str(model), program=support.STAND_IN)
        path = bundle.wheel(options, str(self.folder / "dist"), str(self.folder / "staged"))
        place = self.folder / "installed"
        with zipfile.ZipFile(path) as archive:
            archive.extractall(place)
            modes = {entry.filename: entry.external_attr >> 16 for entry in archive.infolist()}
        self.assertEqual(modes["prism_distributed/bin/prism"] & 0o777, 0o755)
        self.assertEqual((place / "prism_distributed/weights/tiny.safetensors").read_bytes(), b"weights")
        record = (place / f"{os.path.basename(path).split('-py3')[0]}.dist-info/RECORD").read_text()
        self.assertEqual(len(record.splitlines()), len(modes))
        code = (
            "from prism_distributed.worker import WorkerOptions as W; import prism_distributed.worker as w;"
            "print(w.find_program(None), w.packaged('weights'))"
        )
        told = subprocess.run([sys.executable, "-c", code], cwd=place, capture_output=True, text=True, check=True).stdout.split()
        self.assertEqual([str(pathlib.Path(p).relative_to(place)) for p in told], ["prism_distributed/bin/prism", "prism_distributed/weights"])

    def test_a_program_that_an_archive_left_without_permission_runs_again(self):
        program = self.folder / "prism"
        program.write_text("#!/bin/sh\n")
        program.chmod(0o644)
        self.assertTrue(os.access(find_program(str(program)), os.X_OK))


class SimulationTest(unittest.TestCase):
    def test_without_faults_it_is_linear_but_for_the_start(self):
        cluster = simulation.Cluster(workers=10, start=0, shard=0, between_failures=None, spread=0)
        told = simulation.simulate([1.0] * 1000, 10, cluster)
        self.assertEqual((told.makespan, told.efficiency, told.failures, told.shards), (100, 1, 0, 100))

    def test_a_last_shard_that_is_alone_is_waited_for(self):
        cluster = simulation.Cluster(workers=10, start=0, shard=0, between_failures=None, spread=0)
        told = simulation.simulate([1.0] * 1010, 10, cluster)
        self.assertEqual(told.makespan, 110)

    def test_what_fails_is_done_again_and_counted(self):
        cluster = simulation.Cluster(workers=4, start=1, shard=0.1, between_failures=50, recovery=2, spread=0)
        told = simulation.simulate([1.0] * 2000, 5, cluster, seed=1)
        self.assertGreater(told.failures, 10)
        self.assertGreater(told.lost, 0)
        self.assertLess(told.efficiency, 1)
        self.assertGreaterEqual(told.makespan * 4, told.work + told.lost)

    def test_costs_name_the_first_bottleneck(self):
        costs = simulation.Costs(seconds=0.02, stored=200_000, read=100_000, listed=60, listing=1e-5, driver=0.005)
        self.assertEqual(costs.table(10**6, 100, 128, bandwidth=1e10)["first bottleneck"], "workers")
        self.assertEqual(costs.table(10**6, 10_000, 128, bandwidth=1e9)["first bottleneck"], "storage")


if __name__ == "__main__":
    unittest.main()
