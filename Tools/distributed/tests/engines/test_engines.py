"""Ray and Spark with the stand-in: the same bytes as one process, and the whole way through their clusters on this machine."""

import os
import pathlib
import signal
import subprocess
import sys
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import support

ENGINES = ("ray", "spark")


class EngineTest(support.Folder):
    def test_engines_write_what_one_process_writes(self):
        self.fill(43, f007=b"BAD", f020=b"POISON")
        self.assertEqual(self.explain("local", "local", "--pictures", "--quiet")[0], 3)
        for engine in ENGINES:
            with self.subTest(engine):
                status, _, err = self.explain(engine, engine, "--workers", "2", "--pictures")
                self.assertEqual(status, 3, err)
                self.assertEqual(self.contents(engine), self.contents("local"))
                self.assertIn("43 of 43 inputs", err)

    def test_a_request_that_no_input_can_be_explained_by_is_stopped(self):
        self.fill(200)
        for engine in ENGINES:
            with self.subTest(engine), support.environment(STAND_IN_DELAY="0.2"):
                status, _, err = self.explain(engine, engine, "--workers", "2", "--targets", "zebra", "--quiet")
                self.assertEqual(status, 1, err)
                self.assertRegex(err, r"(?m)^prism_distributed: all of the first \d+ inputs failed.*: the model has no label zebra \(")
                self.assertNotIn("Traceback", err)
                self.assertTrue(self.run_of(engine).remaining())

    def test_the_program_and_the_model_are_sent(self):
        self.fill(11)
        model = self.folder / "m.safetensors"
        model.write_bytes(b"weights")
        for engine in ENGINES:
            with self.subTest(engine):
                output = self.folder / engine
                status, _, err = self.command(
                    engine, "--input", self.inputs, "--model", model, "--prism", support.STAND_IN, "--methods", "gradcam",
                    "--output", output, "--ship", "--workers", "2", "--shard-size", "3", "--quiet",
                )  # fmt: skip
                self.assertEqual(status, 0, err)
                # Whoever has not the model's contents is refused by the digest.
                self.assertEqual(len(self.rows(engine)), 11)

    def test_a_killed_driver_goes_on(self):
        self.fill(60)
        self.explain("local", "local", "--quiet")
        for engine in ENGINES:
            with self.subTest(engine):
                command = [
                    sys.executable, "-m", "prism_distributed", engine, "--input", str(self.inputs), "--model", "m", "--prism",
                    support.STAND_IN, "--methods", "gradcam,lime:samples=20", "--shard-size", "5", "--output",
                    str(self.folder / engine), "--workers", "2", "--quiet",
                ]  # fmt: skip
                slow = {**os.environ, "STAND_IN_DELAY": "0.2", "PYTHONPATH": str(support.TOOLS)}
                process = subprocess.Popen(command, env=slow, start_new_session=True, stderr=subprocess.DEVNULL)
                done = self.folder / engine / "done"
                while process.poll() is None and not (done.is_dir() and len(list(done.glob("*.json"))) >= 3):
                    time.sleep(0.05)
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                self.assertLess(len(list(done.glob("*.json"))), 12)
                status, _, err = self.explain(engine, engine, "--workers", "2")
                self.assertEqual(status, 0, err)
                self.assertIn("shards are done already", err)
                self.assertEqual(self.contents(engine), self.contents("local"))

    def test_killed_workers_are_started_again(self):
        self.fill(60)
        self.explain("local", "local", "--quiet")
        for engine in ENGINES:
            with self.subTest(engine), support.environment(STAND_IN_DELAY="0.2"):
                finished = threading.Event()
                killed = []

                def kill(finished=finished, killed=killed):
                    while not finished.wait(0.7):
                        killed.extend(kill_workers(str(self.folder)))

                killer = threading.Thread(target=kill)
                killer.start()
                try:
                    status, _, err = self.explain(engine, engine, "--workers", "2", "--quiet")
                finally:
                    finished.set()
                    killer.join()
                self.assertEqual(status, 0, err)
                self.assertGreater(len(killed), 0)
                self.assertEqual(self.contents(engine), self.contents("local"))

    def test_delta_has_every_shard_once(self):
        from deltalake import DeltaTable

        self.fill(23)
        self.explain("local", "out", "--quiet", "--delta")
        table = DeltaTable(str(self.folder / "out/shards"))
        self.assertEqual(table.to_pyarrow_table().num_rows, 46)
        self.assertEqual(self.command("delta", self.folder / "out")[1], "0 shards were added\n")
        run = self.run_of("out")
        os.unlink(run.done_path(2))
        self.explain("local", "out", "--quiet", "--delta")
        self.assertEqual(DeltaTable(str(self.folder / "out/shards")).to_pyarrow_table().num_rows, 46)


def kill_workers(_: str) -> list[int]:
    """Ends one of the stand-ins that descend from this process and had the time to start."""
    now = float(pathlib.Path("/proc/uptime").read_text().split()[0])
    children: dict[int, list[int]] = {}
    stand_ins = set()
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            status = (entry / "stat").read_text().rsplit(")", 1)[1].split()
            command = (entry / "cmdline").read_bytes()
        except (OSError, IndexError):
            continue
        children.setdefault(int(status[1]), []).append(int(entry.name))
        seconds = now - int(status[19]) / os.sysconf("SC_CLK_TCK")
        if support.STAND_IN.encode() in command and b"worker" in command and seconds > 2.5:
            stand_ins.add(int(entry.name))
    mine, found = [os.getpid()], []
    while mine:
        for child in children.get(mine.pop(), []):
            mine.append(child)
            if child in stand_ins:
                found.append(child)
    for number in found[:1]:
        try:
            os.kill(number, signal.SIGKILL)
        except ProcessLookupError:
            return []
    return found[:1]


if __name__ == "__main__":
    unittest.main()
