"""Runs in one process with the stand-in: rows, failures, restarts, resumes."""

import errno
import hashlib
import json
import os
import pathlib
import resource
import subprocess
import sys
import time
import unittest
import unittest.mock

import pyarrow
import pyarrow.parquet as parquet
import support
from prism_distributed import bundle, cli, lock
from prism_distributed.worker import WorkerOptions
from support import environment


class RunTest(support.Folder):
    def test_every_input_has_a_row_a_method_in_the_order_of_addresses(self):
        self.fill(12)
        status, _, err = self.explain("local", "out")
        self.assertEqual(status, 0, err)
        rows = self.rows("out")
        expected = [(f"{n:03}.png", method) for n in range(12) for method in ("gradcam", "lime")]
        self.assertEqual([(row["address"], row["method"]) for row in rows], expected)
        self.assertEqual({(row["height"], row["width"], row["type"], len(row["map"])) for row in rows}, {(8, 8, "float32", 256)})
        self.assertNotIn("seconds", json.loads(rows[0]["diagnostics"]))
        self.assertEqual(len({row["key"] for row in rows}), 12)
        self.assertEqual(self.run_of("out").verify(), [])
        self.assertIn("Explanations of 12 inputs", (self.folder / "out/summary.html").read_text())

    def test_shards_and_their_sizes_do_not_change_rows(self):
        self.fill(23)
        self.explain("local", "five")
        self.explain("local", "seven", "--shard-size", "7")
        self.assertEqual(self.rows("five"), self.rows("seven"))

    def test_the_same_run_again_writes_the_same_bytes(self):
        self.fill(12)
        self.explain("local", "one", "--pictures")
        self.explain("local", "two", "--pictures")
        self.assertEqual(self.contents("one"), self.contents("two"))

    def test_bad_inputs_are_recorded_and_do_not_stop_the_run(self):
        self.fill(9, f003=b"BAD", f005=b"RETRY", f007=b"LIE")
        status, _, err = self.explain("local", "out")
        self.assertEqual(status, 3, err)
        failed = [failure for record in self.run_of("out").done() for failure in record["failed"]]
        self.assertEqual(
            failed,
            [
                {"address": "003.png", "attempts": 1, "error": "003.png is no picture"},
                {"address": "005.png", "attempts": 2, "error": "busy"},
                {"address": "007.png", "attempts": 2, "error": "the worker was given other bytes"},
            ],
        )
        self.assertEqual(len(self.rows("out")), 12)

    def test_a_method_that_fails_alone_is_recorded_with_its_name(self):
        self.fill(6, f003=b"PART")
        status, _, err = self.explain("local", "out")
        self.assertEqual(status, 0, err)
        self.assertNotIn("failed", err)
        (failed,) = [f for record in self.run_of("out").done() for f in record["failed"]]
        self.assertEqual(failed, {"address": "003.png", "attempts": 1, "error": "too few samples", "method": "lime"})
        self.assertEqual(len(self.rows("out")), 11)
        page = (self.folder / "out/summary.html").read_text()
        self.assertIn("1 × a method failed", page)
        self.assertIn("lime: too few samples", page)

    def test_poison_is_told_from_its_company(self):
        self.fill(30, f004=b"POISON", f005=b"POISON", f029=b"BROKEN")
        status, _, err = self.explain("local", "out")
        self.assertEqual(status, 3, err)
        failed = {f["address"]: f["attempts"] for record in self.run_of("out").done() for f in record["failed"]}
        self.assertEqual(failed, {"004.png": 2, "005.png": 2, "029.png": 2})
        self.assertEqual(len({row["address"] for row in self.rows("out")}), 27)

    def test_a_worker_that_says_nothing_is_ended(self):
        self.fill(4, f001=b"HANG")
        status, _, err = self.explain("local", "out", "--patience", "2")
        self.assertEqual(status, 3, err)
        (failed,) = [f for record in self.run_of("out").done() for f in record["failed"]]
        self.assertEqual(failed, {"address": "001.png", "attempts": 2, "error": "the worker said nothing for 2 s"})

    def test_a_worker_that_is_killed_before_its_first_word_is_started_again(self):
        self.fill(6)
        with environment(STAND_IN_STUMBLE=str(self.folder / "stumbled")):
            status, _, err = self.explain("local", "out")
        self.assertEqual(status, 0, err)
        self.assertTrue((self.folder / "stumbled").exists())

    def test_an_input_that_went_away_is_a_failure(self):
        self.fill(6)
        self.explain("plan", "out")
        (self.inputs / "002.png").unlink()
        self.assertEqual(self.explain("local", "out")[0], 3)
        (failed,) = [f for record in self.run_of("out").done() for f in record["failed"]]
        self.assertEqual((failed["address"], failed["attempts"]), ("002.png", 2))

    def test_a_node_without_the_inputs_records_no_failures(self):
        self.fill(12)
        self.explain("plan", "out")
        self.inputs.rename(self.folder / "elsewhere")
        arguments = ["--output", self.folder / "out", "--index", 0, "--of", 1, "--model", "m", "--prism", support.STAND_IN]
        status, _, err = self.command("shards", *arguments)
        self.assertEqual(status, 1)
        self.assertIn("does not see", err)
        self.assertEqual(list((self.folder / "out/done").iterdir()), [])
        (self.folder / "elsewhere").rename(self.inputs)
        self.assertEqual(self.command("shards", *arguments)[0], 0)
        self.assertEqual(self.run_of("out").verify(), [])

    def test_shards_of_the_other_program_are_not_mixed_in(self):
        self.fill(12)
        self.explain("plan", "out")
        (self.folder / "out/done/00001.json").write_text('{"shard":1,"rows":10,"sha256":"","failed":[],"maps":{}}')
        self.assertIn("prism shard", self.explain("local", "out")[2])

    def test_a_resume_does_what_is_missing_alone(self):
        self.fill(12)
        self.explain("local", "whole")
        self.explain("local", "out")
        run = self.run_of("out")
        kept = os.stat(run.data_path(0)).st_mtime_ns
        os.unlink(run.done_path(1))
        pathlib.Path(run.data_path(1)).write_bytes(b"half")
        pathlib.Path(run.data_path(2) + ".abc.part").write_bytes(b"left by a killed attempt")
        # Inputs of finished shards are not looked at again.
        (self.inputs / "000.png").unlink()
        status, _, err = self.explain("local", "out")
        self.assertEqual(status, 0, err)
        self.assertIn("2 of 3 shards are done already", err)
        self.assertEqual(self.contents("out"), self.contents("whole"))
        self.assertEqual(os.stat(run.data_path(0)).st_mtime_ns, kept)

    def test_changed_data_are_found(self):
        self.fill(6)
        self.explain("local", "out")
        run = self.run_of("out")
        data = bytearray(pathlib.Path(run.data_path(1)).read_bytes())
        data[20] ^= 1
        pathlib.Path(run.data_path(1)).write_bytes(data)
        status, out, _ = self.command("verify", str(self.folder / "out"))
        self.assertEqual((status, out), (1, "shard 1: 00001.parquet is not what was written\n"))

    def test_damaged_notes_of_a_run_are_told_in_a_line(self):
        self.fill(6)
        self.explain("local", "out")
        for name, text in [
            ("done/00001.json", '{"shard":1,'), ("done/00001.json", "[]"), ("done/00001.json", '{"shard":1}'),
            ("inputs.index.json", "[0,"), ("manifest.json", "\xff"),
        ]:  # fmt: skip
            with self.subTest(name, text=text):
                path = self.folder / "out" / name
                whole = path.read_bytes()
                path.write_bytes(text.encode("latin-1"))
                if name == "inputs.index.json":
                    (self.folder / "out/done/00001.json").rename(self.folder / "kept")
                status, _, err = self.explain("local", "out")
                if name == "inputs.index.json":
                    (self.folder / "kept").rename(self.folder / "out/done/00001.json")
                path.write_bytes(whole)
                self.assertEqual(status, 1)
                self.assertNotIn("Traceback", err)
                self.assertIn(f"{name} is damaged", err.splitlines()[-1])

    def test_other_requests_inputs_models_and_versions_do_not_mix(self):
        self.fill(6)
        self.explain("local", "out")
        for more in (["--seed", "1"], ["--maps", "none"], ["--methods", "gradcam"]):
            status, _, err = self.explain("local", "out", *more)
            self.assertEqual(status, 1)
            self.assertIn("other choices", err)
        self.assertIn("other inputs", self.explain("local", "out", source=str(self.folder))[2])
        self.assertIn("model", self.explain("local", "out", "--model", "n")[2])
        with environment(STAND_IN_VERSION="0.0.2"):
            status, _, err = self.explain("local", "out")
        self.assertEqual(status, 1)
        self.assertIn("0.0.1", err)
        with environment(STAND_IN_INSTRUCTIONS="stone chisel"):
            status, _, err = self.explain("local", "out")
        self.assertEqual(status, 1)
        self.assertIn("the instruction set paper pencil", err)

    def test_a_run_is_gone_on_with_by_the_instruction_set_that_it_was_planned_on(self):
        self.fill(12)
        self.explain("local", "whole")
        self.explain("plan", "out")
        with environment(STAND_IN_INSTRUCTIONS="paper pen"):
            self.assertEqual(self.explain("local", "out")[0], 0)
            self.explain("local", "other")
        self.assertEqual(self.contents("out"), self.contents("whole"))
        self.assertNotEqual(self.contents("other"), self.contents("whole"))

    def test_answers_of_both_protocols_are_the_same_rows(self):
        self.fill(7)
        self.explain("local", "one", "--pictures")
        with environment(STAND_IN_PROTOCOL="2"):
            status, _, err = self.explain("local", "two", "--pictures")
        self.assertEqual(status, 0, err)
        self.assertEqual(self.contents("one"), self.contents("two"))

    def test_shards_without_inputs_are_done_too(self):
        # As prism shard plans them: in even parts, of which there may be more than inputs.
        self.fill(3)
        self.explain("plan", "out", "--shard-size", "1")
        lines = (self.folder / "out/inputs.jsonl").read_bytes().splitlines(keepends=True)
        index, entries = [0, 0], b""
        for number, line in zip((1, 3, 4), lines, strict=True):
            entries += json.dumps({**json.loads(line), "shard": number}).encode() + b"\n"
            index += [len(entries)] * (2 if number == 1 else 1)
        (self.folder / "out/inputs.jsonl").write_bytes(entries)
        (self.folder / "out/inputs.index.json").write_text(json.dumps(index))
        manifest = json.loads((self.folder / "out/manifest.json").read_text())
        (self.folder / "out/manifest.json").write_text(json.dumps({**manifest, "shards": 5}))
        status, _, err = self.explain("local", "out")
        self.assertEqual(status, 0, err)
        self.assertEqual([record["inputs"] for record in self.run_of("out").done()], [0, 1, 0, 1, 1])
        self.assertEqual([row["address"] for row in self.rows("out")][::2], ["000.png", "001.png", "002.png"])
        self.assertEqual(self.run_of("out").verify(), [])

    def test_what_cannot_begin_says_why_in_a_line(self):
        cases = {
            "--model missing": ["--model", "missing"],
            "--prism nowhere": ["--prism", "/nowhere/prism"],
            "--methods": ["--methods", "lime:tree=1"],
            "what the worker refuses": ["--methods", "nonsense"],
            "--input": ["--input", str(self.folder / "nothing")],
        }
        self.fill(1)
        for name, more in cases.items():
            with self.subTest(name):
                status, _, err = self.explain("local", "out", *more)
                self.assertEqual(status, 1)
                self.assertEqual(err.count("\n"), 1, err)
                self.assertNotIn("Traceback", err)
        with environment(STAND_IN_PROTOCOL="9"):
            self.assertIn("protocol 9", self.explain("local", "out")[2])

    def test_a_folder_with_the_name_of_the_model_is_not_the_model(self):
        self.fill(2)
        (self.folder / "m").mkdir()
        before = os.getcwd()
        self.addCleanup(os.chdir, before)
        self.explain("local", "out")
        os.chdir(self.folder)
        self.assertEqual(self.explain("local", "out")[0], 0)
        (self.folder / "m").rmdir()
        (self.folder / "m").write_bytes(b"notes")
        self.assertEqual(cli._worker(cli.parser().parse_args(["wheel", "--model", "m"])).model, "m")
        (self.folder / "w").mkdir()
        for name in ("w/m", "m"):
            (self.folder / f"{name}.safetensors").write_bytes(b"weights")
        worker = WorkerOptions(model="m", weights=str(self.folder / "w"), program=support.STAND_IN)
        self.assertEqual(bundle.model_file(worker), str(self.folder / "w/m.safetensors"))
        for path in ("m.safetensors", "./m.safetensors"):
            worker = cli._worker(cli.parser().parse_args(["wheel", "--model", path]))
            self.assertEqual(worker.model, str(self.folder / "m.safetensors"))
            self.assertEqual(bundle.model_file(worker), worker.model)

    def test_a_disk_without_room_is_told_in_a_line_and_leaves_no_parts(self):
        self.fill(60)
        self.explain("local", "whole", "--pictures", "--shard-size", "30")
        size = os.path.getsize(self.run_of("whole").data_path(0))
        self.assertGreater(size, 10000)
        for name, size, more in (("early", 1000, []), ("at the end", size - 100, []), ("small", 1000, ["--maps", "none"])):
            with self.subTest(name):
                self.explain("plan", name, "--pictures", "--shard-size", "30", *more)
                before = resource.getrlimit(resource.RLIMIT_FSIZE)
                resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
                try:
                    status, _, err = self.explain("local", name, "--pictures", "--shard-size", "30", "--quiet", *more)
                finally:
                    resource.setrlimit(resource.RLIMIT_FSIZE, before)
                self.assertEqual((status, err.count("\n")), (1, 1), err)
                self.assertRegex(err, r"/00000.parquet: File too large$")
                self.assertEqual(list((self.folder / name).rglob("*.part")), [])
        status, _, err = self.explain("local", "at the end", "--pictures", "--shard-size", "30")
        self.assertEqual(status, 0, err)
        self.assertEqual(self.contents("at the end"), self.contents("whole"))

    def test_a_folder_that_cannot_be_written_is_told_in_a_line(self):
        self.fill(2)
        (self.folder / "file").write_bytes(b"")
        status, _, err = self.explain("local", "file/out")
        self.assertEqual((status, err), (1, f"prism_distributed: {self.folder}/file/out: Not a directory\n"))
        self.explain("plan", "out")
        (self.folder / "out/shards").rmdir()
        status, _, err = self.explain("local", "out")
        self.assertEqual((status, err.count("\n")), (1, 1), err)
        self.assertRegex(err, "00000.parquet.*No such file or directory")

    def test_a_second_command_on_a_folder_is_refused_and_array_jobs_are_not(self):
        self.fill(12)
        self.explain("plan", "out")
        job = ["shards", "--output", self.folder / "out", "--index", 0, "--of", 2, "--model", "m", "--prism", support.STAND_IN]
        with lock.held(str(self.folder / "out")) as is_held:
            self.assertTrue(is_held)
            for again in (lambda: self.explain("local", "out"), lambda: self.command(*job)):
                status, _, err = again()
                self.assertEqual((status, err.count("\n")), (1, 1), err)
                self.assertIn("another command is at work there", err)
        with lock.held(str(self.folder / "out"), shared=True):
            self.assertIn("another command", self.explain("local", "out")[2])
            self.assertEqual(self.command(*job)[0], 0)
        self.assertEqual(self.explain("local", "out")[0], 0)

    def test_two_commands_at_once_leave_what_one_leaves(self):
        self.fill(40)
        self.explain("local", "whole")
        command = [
            sys.executable, "-m", "prism_distributed", "local", "--input", self.inputs, "--model", "m", "--prism", support.STAND_IN,
            "--methods", "gradcam,lime:samples=20", "--shard-size", "5", "--output", self.folder / "out", "--quiet",
        ]  # fmt: skip
        slow = {**os.environ, "STAND_IN_DELAY": "0.1", "PYTHONPATH": str(support.TOOLS)}
        first = subprocess.Popen(command, env=slow, stderr=subprocess.PIPE, text=True)
        while first.poll() is None and not (self.folder / "out/manifest.json").exists():
            time.sleep(0.02)
        status, _, err = self.explain("local", "out")
        self.assertEqual((status, err.count("\n")), (1, 1), err)
        self.assertEqual((first.communicate()[1], first.returncode), ("", 0))
        self.assertEqual(self.contents("out"), self.contents("whole"))

    def test_without_locks_what_others_have_begun_stays(self):
        self.fill(6)
        self.explain("plan", "out")
        part = self.folder / "out/shards/00000.parquet.abc.part"
        part.write_bytes(b"of another")
        with unittest.mock.patch("fcntl.flock", side_effect=OSError(errno.ENOLCK, "No locks available")):
            self.assertEqual(self.explain("local", "out")[0], 0)
        self.assertTrue(part.exists())
        self.assertEqual(self.explain("local", "out")[0], 0)
        self.assertFalse(part.exists())

    def test_a_request_that_no_input_can_be_explained_by_is_stopped(self):
        self.fill(40)
        status, _, err = self.explain("local", "out", "--targets", "zebra", "--quiet")
        self.assertEqual((status, err.count("\n")), (1, 1), err)
        self.assertIn("all of the first 20 inputs failed, and the run was stopped: the model has no label zebra", err)
        self.assertEqual(self.run_of("out").remaining(), [4, 5, 6, 7])
        # Whoever gives the same command again wants it.
        status, _, err = self.explain("local", "out", "--targets", "zebra")
        self.assertEqual(status, 1)
        self.assertIn("40 inputs failed", err)

    def test_inputs_that_fail_each_for_its_own_reason_do_not_stop_a_run(self):
        self.fill(40, **{f"f{number:03}": b"BAD" for number in range(30)})
        self.assertEqual(self.explain("local", "out")[0], 3)
        self.fill(30, **{f"f{number:03}": b"RETRY" for number in range(1, 30)})
        self.assertEqual(self.explain("local", "one explained")[0], 3)

    def test_an_empty_folder_is_no_run(self):
        self.assertIn("there are no inputs", self.explain("local", "out")[2])
        self.assertFalse((self.folder / "out/manifest.json").exists())

    def test_what_prism_shard_has_written_becomes_what_the_engines_write(self):
        self.fill(12, f003=b"PART", f007=b"BAD")
        for maps in ("float32", "none"):
            with self.subTest(maps):
                self.explain("local", maps, "--maps", maps)
                wanted = self.contents(maps)
                run = self.run_of(maps)
                for shard in (0, 2):
                    as_of_prism_shard(run, shard)
                self.assertNotEqual(self.contents(maps), wanted)
                status, out, _ = self.command("collect", self.folder / maps)
                self.assertEqual((status, out.splitlines()[0]), (0, "2 shards were collected"))
                self.assertEqual(self.contents(maps), wanted)
                self.assertEqual(self.command("collect", self.folder / maps)[1].splitlines()[0], "0 shards were collected")

    def test_changed_files_of_prism_shard_are_not_collected(self):
        self.fill(6)
        self.explain("local", "out")
        run = self.run_of("out")
        as_of_prism_shard(run, 1)
        pathlib.Path(run.path("shards/00001.maps")).write_bytes(b"others")
        status, _, err = self.command("collect", self.folder / "out")
        self.assertEqual(status, 1)
        self.assertIn("00001.maps is not what was written", err)
        self.assertFalse(os.path.exists(run.data_path(1)))

    def test_a_survey_is_of_the_inputs_whose_digests_come_first(self):
        self.fill(30)
        table = self.folder / "in.parquet"
        names = sorted(path.name for path in self.inputs.iterdir())
        parquet.write_table(
            pyarrow.table({"address": names, "bytes": [(self.inputs / name).read_bytes() for name in names]}), table
        )
        digests = sorted(hashlib.sha256((self.inputs / name).read_bytes()).hexdigest() for name in names)[:7]
        for output, source in (("folder", self.inputs), ("table", table)):
            with self.subTest(output):
                status, _, err = self.explain("local", output, "--survey", "7", source=str(source))
                self.assertEqual(status, 0, err)
                lines = (self.folder / output / "survey/inputs.csv").read_text().splitlines()[1:]
                found = [hashlib.sha256(pathlib.Path(line.split(",")[0]).read_bytes()).hexdigest() for line in lines]
                self.assertEqual(found, digests)
                page = (self.folder / output / "summary.html").read_text()
                self.assertIn("Look at first.", page)
                self.assertIn("<td>first</td><td class=\"number\">7</td>", page)

    def test_what_a_survey_does_not_take_of_the_run_is_said(self):
        self.fill(6)
        methods = ["--methods", "lime:samples=20:segments=grid:8:mask=mean:draws=published,gradcam"]
        status, _, err = self.explain("local", "out", "--survey", "5", "--targets", "top2", *methods)
        self.assertEqual(status, 0, err)
        self.assertIn("the survey is by lime without the run's draws, mask, segments, targets: prism survey", err)
        self.assertIn("by lime without the run&#x27;s draws, mask, segments, targets, ", (self.folder / "out/summary.html").read_text())
        _, _, err = self.explain("local", "plain", "--survey", "5", "--methods", "lime:samples=20:layer=x")
        self.assertNotIn("without the run", err)
        self.assertNotIn("without the run", (self.folder / "plain/summary.html").read_text())

    def test_array_jobs_share_a_plan(self):
        self.fill(22)
        self.explain("local", "whole")
        self.explain("plan", "out")
        for index in range(3):
            self.command("shards", "--output", self.folder / "out", "--index", index, "--of", 3, "--model", "m", "--prism", support.STAND_IN)
        self.assertEqual(self.contents("out"), self.contents("whole"))


def as_of_prism_shard(run, shard):
    """Turns a finished shard into what prism shard would have left in its place."""
    record, lines, maps = run.record(shard), [], b""
    for row in parquet.read_table(run.data_path(shard)).to_pylist():
        data = row.pop("map")
        row |= {"offset": data and len(maps), "bytes": data and len(data), "diagnostics": json.loads(row["diagnostics"])}
        maps += data or b""
        lines.append(json.dumps(row) + "\n")
    text = "".join(lines).encode()
    for ending, data in (("jsonl", text), ("maps", maps)):
        pathlib.Path(run.path("shards", f"{shard:05}.{ending}")).write_bytes(data)
    record |= {"sha256": hashlib.sha256(text).hexdigest(), "size": len(text) + len(maps)}
    record["maps"] = {"sha256": hashlib.sha256(maps).hexdigest(), "bytes": len(maps)}
    pathlib.Path(run.done_path(shard)).write_text(json.dumps(record))
    os.unlink(run.data_path(shard))


if __name__ == "__main__":
    unittest.main()
