"""Where inputs come from: the same bytes by every way."""

import io
import pathlib
import re
import tarfile
import unittest

import pyarrow
import pyarrow.parquet as parquet
import support
from prism_distributed import sources
from prism_distributed.errors import RunError
from prism_distributed.run import Run


class SourceTest(support.Folder):
    def digests(self, output):
        return sorted({row["sha256"] for row in self.rows(output)})

    def files(self):
        return {path.name: path.read_bytes() for path in sorted(self.inputs.iterdir())}

    def test_all_sources_give_the_same_inputs(self):
        self.fill(23)
        self.explain("local", "folder")
        wanted = self.digests("folder")
        files = self.files()
        names, contents = list(files), list(files.values())
        for part, (start, end) in enumerate([(0, 9), (9, 23)]):
            table = pyarrow.table({"bytes": contents[start:end], "name": names[start:end]})
            parquet.write_table(table, self.folder / f"bytes-{part}.parquet", row_group_size=4)
            with tarfile.open(self.folder / f"web-{part:03}.tar", "w") as archive:
                for name in names[start:end]:
                    for suffix, data in ((".png", files[name]), (".cls", b"1")):
                        member = tarfile.TarInfo(name[:-4] + suffix)
                        member.size = len(data)
                        archive.addfile(member, io.BytesIO(data))
        addresses = [f"in/{name}" for name in names[:11]] + [str(self.inputs / name) for name in names[11:]]
        parquet.write_table(pyarrow.table({"path": addresses}), self.folder / "addresses.parquet")
        cases = {
            "bytes": str(self.folder / "bytes-{0..1}.parquet"),
            "addresses": str(self.folder / "addresses.parquet"),
            "web": str(self.folder / "web-{000..001}.tar"),
            "web-star": str(self.folder / "web-*.tar"),
        }
        for name, source in cases.items():
            with self.subTest(name):
                status, _, err = self.explain("local", name, source=source)
                self.assertEqual(status, 0, err)
                self.assertEqual(self.digests(name), wanted)
        self.assertEqual(self.rows("bytes")[0]["address"], "bytes-0.parquet#0000000000")
        self.assertEqual(self.rows("web")[0]["address"], "web-000.tar#000.png")

    def test_a_column_may_name_rows_and_doubles_are_one_input(self):
        table = pyarrow.table({"picture": [{"bytes": b"a"}, {"bytes": b"b"}, {"bytes": b"a"}], "id": ["x", "y", "x"]})
        parquet.write_table(table, self.folder / "p.parquet")
        source = str(self.folder / "p.parquet")
        self.assertIn("is not clear", self.explain("local", "out", source=source)[2])
        status, _, err = self.explain("local", "out", "--bytes-column", "picture", "--address-column", "id", source=source)
        self.assertEqual(status, 0, err)
        self.assertEqual([row["address"] for row in self.rows("out")], ["x", "x", "y", "y"])
        # The same command goes on, although the columns were found and not named.
        self.assertIn("no column", self.explain("local", "other", "--bytes-column", "nope", source=source)[2])

    def test_inputs_that_share_an_address_and_differ_are_refused(self):
        table = pyarrow.table({"bytes": [b"a", b"b", b"c"], "path": ["1.png", "2.png", "1.png"]})
        parquet.write_table(table, self.folder / "rows.parquet")
        for part, name in (("a", "x"), ("b", "y")):
            (self.folder / part).mkdir()
            (self.folder / part / "1.png").write_bytes(name.encode())
            parquet.write_table(pyarrow.table({"path": ["1.png"]}), self.folder / part / f"{name}.parquet")
        with tarfile.open(self.folder / "web.tar", "w") as archive:
            for data in (b"first", b"second"):
                member = tarfile.TarInfo("1.png")
                member.size = len(data)
                archive.addfile(member, io.BytesIO(data))
        cases = {
            "rows.parquet": ("row 0 of", "row 2 of"),
            "{0..1}.parquet": ("0.parquet", "1.parquet"),
            "web.tar": ("the member at byte 512 of", "the member at byte 1536 of"),
        }
        (self.folder / "a/x.parquet").rename(self.folder / "a/0.parquet")
        (self.folder / "b/y.parquet").rename(self.folder / "b/1.parquet")
        for name, places in cases.items():
            with self.subTest(name):
                if name == "{0..1}.parquet":
                    paths = [str(self.folder / "a/0.parquet"), str(self.folder / "b/1.parquet")]
                    source = sources.Parquet(paths, None, None)
                    with self.assertRaises(RunError) as raised:
                        Run.plan(str(self.folder / "out"), source, {"model": {"kind": "image"}}, {}, "none", False, 5)
                    err = str(raised.exception)
                else:
                    status, _, err = self.explain("local", "out", source=str(self.folder / name))
                    self.assertEqual(status, 1)
                    self.assertNotIn("Traceback", err)
                for place in ("1.png and differ", *places):
                    self.assertIn(place, err)
                self.assertFalse((self.folder / "out/manifest.json").exists())

    def test_the_extensions_are_those_that_prism_reads(self):
        media = support.TOOLS.parents[1] / "Sources/PrismMedia"
        for kind, path in (("image", "Pictures/PictureFormat.swift"), ("audio", "Sounds/SoundFormat.swift")):
            text = (media / path).read_text(encoding="utf-8")
            listed = text[text.index("var extensions") : text.index("allExtensions")]
            self.assertEqual(sources.EXTENSIONS[kind], set(re.findall(r'"(\w+)"', listed)))

    def test_folders_are_walked_without_hidden_files_and_other_kinds(self):
        for name in ("b/x.png", "b.png", "a/deep/y.JPG", ".hidden/z.png", "c/.z.png", "c/notes.txt"):
            path = self.inputs / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(name.encode())
        source = sources.Folder(str(self.inputs))
        self.assertEqual(sorted(e["address"] for e in source.entries("image")), ["a/deep/y.JPG", "b.png", "b/x.png"])
        status, _, err = self.explain("local", "out")
        self.assertEqual(status, 0, err)
        # Bytes of UTF-8 decide the order.
        self.assertEqual([row["address"] for row in self.rows("out")][::2], ["a/deep/y.JPG", "b.png", "b/x.png"])

    def test_links_are_followed_and_a_folder_is_visited_once(self):
        real = self.folder / "real"
        (real / "deep").mkdir(parents=True)
        for path in (real / "a.png", real / "deep/b.png", self.inputs / "z.png"):
            path.write_bytes(path.name.encode())
        links = {"2023": real, "2024": real, "loop": self.inputs, "self.png": "self.png", "nowhere.png": "/nowhere/x.png"}
        for name, target in links.items():
            (self.inputs / name).symlink_to(target)
        (self.inputs / "one.png").symlink_to(real / "a.png")
        (real / "deep/up").symlink_to(self.folder)
        source = sources.Folder(str(self.inputs))
        self.assertEqual([e["address"] for e in source.entries("image")], ["2023/a.png", "2023/deep/b.png", "one.png", "z.png"])
        (note,) = source.notes()
        self.assertIn("2 files that are not pictures are left out", note)
        status, _, err = self.explain("local", "out")
        self.assertEqual(status, 0, err)
        self.assertEqual(len(self.rows("out")), 8)

    def test_files_that_are_left_out_are_named(self):
        self.fill(2)
        status, _, err = self.explain("local", "none", "--quiet")
        self.assertEqual((status, err), (0, ""))
        (self.inputs / "IM0001").write_bytes(b"x")
        self.explain("local", "one", "--quiet")
        status, _, err = self.explain("local", "other", "--quiet")
        self.assertEqual(
            err, f"prism_distributed: {self.inputs}: 1 file that is not pictures is left out: {self.inputs}/IM0001\n"
        )
        for number in range(6):
            (self.inputs / f"{number}.heic").write_bytes(b"x")
        shown = ", ".join(f"{self.inputs}/{number}.heic" for number in range(5))
        _, _, err = self.explain("plan", "many")
        self.assertIn(f"7 files that are not pictures are left out: {shown} …\n", err)
        # It is said when the inputs are listed, and with nothing else to explain too.
        self.assertNotIn("left out", self.explain("plan", "many")[2])
        for number in range(2):
            (self.inputs / f"{number:03}.png").unlink()
        status, _, err = self.explain("local", "nothing")
        self.assertEqual((status, err.count("\n")), (1, 2))
        self.assertIn("there are no inputs", err)

    def test_damaged_parquet_files_are_told_in_a_line(self):
        whole = self.folder / "p.parquet"
        parquet.write_table(pyarrow.table({"bytes": [b"a"] * 50, "id": [f"row {n}" for n in range(50)]}), whole)
        data = whole.read_bytes()
        damaged = self.folder / "damaged.parquet"
        for name, contents in {"cut": data[:-20], "empty": b"", "overwritten": data[:4] + b"\xff" * (len(data) // 2) + data[-400:]}.items():
            with self.subTest(name):
                damaged.write_bytes(contents)
                status, _, err = self.explain("plan", "out", "--address-column", "id", "--bytes-column", "bytes", source=str(damaged))
                self.assertEqual((status, err.count("\n")), (1, 1), err)
                self.assertIn("damaged.parquet cannot be read", err)

    def test_numbers_name_rows_with_bytes_and_are_no_addresses_without(self):
        table = self.folder / "p.parquet"
        parquet.write_table(pyarrow.table({"bytes": [b"a", b"b", b"c"], "id": [9, 10, 11], "share": [0.5, 1.5, 2.5]}), table)
        status, _, err = self.explain("local", "out", "--bytes-column", "bytes", "--address-column", "id", source=str(table))
        self.assertEqual(status, 0, err)
        self.assertEqual([row["address"] for row in self.rows("out")][::2], ["10", "11", "9"])
        for number, columns in enumerate((["id"], ["share"], ["share", "--bytes-column", "bytes"])):
            status, _, err = self.explain("local", f"other-{number}", "--address-column", *columns, source=str(table))
            self.assertEqual((status, err.count("\n")), (1, 1), err)
            self.assertIn(f"the column {columns[0]} has values of the type", err)

    def test_a_name_that_is_no_text_is_told(self):
        self.fill(2)
        with open(bytes(self.inputs) + b"/\xff.png", "wb") as file:
            file.write(b"x")
        status, _, err = self.explain("local", "out")
        self.assertEqual(status, 1)
        self.assertIn("is no UTF-8", err)

    def test_made_up_pictures_are_pngs_of_their_number(self):
        from zlib import decompress

        source = sources.Synthetic(3, 20)
        first, again, other = (source.read({"address": f"synthetic-{n:09}.png"}) for n in (1, 1, 2))
        self.assertEqual(first, again)
        self.assertNotEqual(first, other)
        start = first.index(b"IDAT") + 4
        size = int.from_bytes(first[start - 8 : start - 4], "big")
        self.assertEqual(len(decompress(first[start : start + size])), 20 * (1 + 60))

    def test_unknown_sources_are_refused(self):
        (self.folder / "x.txt").write_text("x")
        with self.assertRaises(RunError):
            sources.from_argument(str(self.folder / "x.txt"))
        pathlib.Path(self.folder / "x.tar").write_bytes(b"no tar file")
        self.assertIn("no tar file", self.explain("local", "out", source=str(self.folder / "x.tar"))[2])


if __name__ == "__main__":
    unittest.main()
