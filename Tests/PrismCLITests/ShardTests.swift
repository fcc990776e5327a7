import Prism
import PrismReport
import PrismSmallModels
import PrismTestSupport
import Testing

@testable import PrismCLI

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

@Suite("shards of a run")
struct ShardTests {
  /// A folder of pictures, one of them broken, in an order that is not that of their bytes.
  private func pictures(in folder: String) throws -> String {
    let root = folder + "/pictures"
    try FileManager.default.createDirectory(
      atPath: root + "/b", withIntermediateDirectories: true)
    for (number, name) in ["é.png", "z.png", "B.png", "b/1.png", "b/2.png", "a.png"].enumerated() {
      try Image(width: 40, height: 30, filledWith: RGB(200, UInt8(40 * number), 90))
        .write(to: "\(root)/\(name)")
    }
    try AtomicFile.write("no picture", to: root + "/c.png")
    try AtomicFile.write("a text", to: root + "/notes.txt")
    return root
  }

  private func shard(
    _ root: String, _ output: String, of count: Int = 3, _ index: Int?, _ more: String...
  ) -> Outcome {
    Outcome(
      ["shard", root, "--model", SmallModel.softmax, "--output", output, "--of", "\(count)"]
        + (index.map { ["--index", "\($0)"] } ?? []) + more)
  }

  private func text(_ path: String) throws -> String {
    String(decoding: try Files.read(path), as: UTF8.self)
  }

  private func rows(_ output: String, _ shard: Int) throws -> [JSON] {
    try text("\(output)/shards/0000\(shard).jsonl").split(separator: "\n").map {
      try JSONReader.parse(String($0))
    }
  }

  /// All files of a run with their contents.
  private func files(_ output: String) throws -> [String: [UInt8]] {
    var files: [String: [UInt8]] = [:]
    for folder in ["", "/shards", "/done"] {
      for name in Repository.names(in: output + folder) {
        let path = "\(output)\(folder)/\(name)"
        if Folder.isFolder(path) == false { files["\(folder)/\(name)"] = try Files.read(path) }
      }
    }
    return files
  }

  @Test("names that look alike are inputs of their own, also one that begins with an accent")
  func alike() throws {
    try Repository.withFolder { folder in
      let names = ["\u{E9}.png", "e\u{301}.png", "\u{301}.png"]
      for (number, name) in names.enumerated() {
        try FileManager.default.createDirectory(
          atPath: folder + "/pictures", withIntermediateDirectories: true)
        try Image(width: 40, height: 30, filledWith: RGB(200, UInt8(40 * number), 90))
          .write(to: "\(folder)/pictures/\(name)")
      }
      let outcome = shard(folder + "/pictures", folder + "/out", of: 1, 0)
      #expect(outcome.status == .done, "\(outcome.diagnostics)")
      let lines = try text(folder + "/out/inputs.jsonl").split(separator: "\n")
      let addresses = try lines.compactMap { try JSONReader.parse(String($0))["address"]?.string }
      #expect(Set(addresses.map { Array($0.utf8) }) == Set(names.map { Array($0.utf8) }))
    }
  }

  @Test("every input is there once, in the order of its address, with the bits of prism explain")
  func whole() throws {
    try Repository.withFolder { folder in
      let root = try pictures(in: folder)
      let output = folder + "/run"
      let methods = ["--method", "gradcam,rise", "--samples", "50", "--target", "top2"]
      func run(_ index: Int?) -> Outcome {
        Outcome(
          ["shard", root, "--model", SmallModel.softmax, "--output", output, "--of", "3"]
            + (index.map { ["--index", "\($0)"] } ?? []) + methods)
      }
      #expect(run(nil).output == "0\n1\n2\n")
      for index in 0..<3 { #expect(run(index).status == .done) }
      #expect(run(nil).output == "")

      let list = try text(output + "/inputs.jsonl").split(separator: "\n").map {
        try JSONReader.parse(String($0))
      }
      let addresses = list.compactMap { $0["address"]?.string }
      #expect(
        addresses == ["B.png", "a.png", "b/1.png", "b/2.png", "c.png", "z.png", "é.png"])
      #expect(list.map { $0["shard"]?.double } == [0, 0, 0, 1, 1, 1, 2])
      let all = try (0..<3).flatMap { try rows(output, $0) }
      let expected = addresses.filter { $0 != "c.png" }
        .flatMap { address in Array(repeating: address, count: 4) }
      #expect(all.map { $0["address"]?.string } == expected)

      for address in Set(expected) {
        let written = folder + "/explained"
        #expect(
          Outcome(
            ["explain", "\(root)/\(address)", "--model", SmallModel.softmax, "--output", written]
              + methods
          ).status == .done)
        let document = try JSONReader.parse(text("\(written)/\(FileStem.stem(of: address)).json"))
        let shard = try #require(addresses.firstIndex(of: address)) / 3
        let maps = try Files.read("\(output)/shards/0000\(shard).maps")
        let own = try rows(output, shard).filter { $0["address"]?.string == address }
        for (row, entry) in zip(own, try #require(document["explanations"]?.elements)) {
          #expect(row["method"] == entry["method"] && row["label"] == entry["target"]?["label"])
          #expect(row["sha256"] == document["input"]?["sha256"])
          #expect(row["prediction"] == document["predictions"]?.elements.first?["label"])
          #expect(row["diagnostics"]?["target"] == entry["target"])
          let file = try #require(entry["files"]?["npy"]?.string)
          let npy = try Files.read("\(written)/\(file)")
          let offset = Int(try #require(row["offset"]?.double))
          let count = Int(try #require(row["bytes"]?.double))
          #expect(Array(maps[offset..<offset + count]) == Array(npy.suffix(count)))
          let size = try #require(row["height"]?.double) * (try #require(row["width"]?.double))
          #expect(count == 4 * Int(size))
        }
      }
    }
  }

  @Test("what is done is named with its digests, and what failed with its reason")
  func record() throws {
    try Repository.withFolder { folder in
      let root = try pictures(in: folder)
      let outcome = shard(root, folder + "/run", 1)
      #expect(outcome.status == .done)
      #expect(outcome.diagnostics.contains("c.png: not a picture"))
      let done = try JSONReader.parse(text(folder + "/run/done/00001.json"))
      #expect(done["inputs"] == .integer(3) && done["rows"] == .integer(2))
      let failed = try #require(done["failed"]?.elements)
      #expect(failed.count == 1 && failed[0]["address"] == .string("c.png"))
      #expect(failed[0]["attempts"] == .integer(1))
      for (name, digest) in [("jsonl", done["sha256"]), ("maps", done["maps"]?["sha256"])] {
        let bytes = try Files.read("\(folder)/run/shards/00001.\(name)")
        #expect(digest == .string(SHA256.hexadecimalDigest(of: bytes)), "\(name)")
      }
      let manifest = try JSONReader.parse(text(folder + "/run/manifest.json"))
      let list = try Files.read(folder + "/run/inputs.jsonl")
      #expect(manifest["list"] == .string(SHA256.hexadecimalDigest(of: list)))
      #expect(manifest["inputs"] == .integer(7) && manifest["shards"] == .integer(3))
      #expect(manifest["request"]?["methods"]?.elements == [["name": .string("gradcam")]])
    }
  }

  @Test("another attempt writes the same bytes, and what is done is left as it is")
  func again() throws {
    try Repository.withFolder { folder in
      let root = try pictures(in: folder)
      for output in ["/one", "/other"] {
        for index in 0..<3 {
          let threads = output == "/one" ? "1" : "3"
          #expect(shard(root, folder + output, index, "--threads", threads).status == .done)
        }
      }
      let (one, other) = (try files(folder + "/one"), try files(folder + "/other"))
      #expect(one == other && one.count == 12)

      // As if a process had been killed before its last word.
      try FileManager.default.removeItem(atPath: folder + "/one/done/00002.json")
      #expect(shard(root, folder + "/one", nil).output == "2\n")
      #expect(shard(root, folder + "/one", 2).status == .done)
      #expect(try files(folder + "/one") == other)
      // What is done is not looked at again, whatever became of the inputs.
      try FileManager.default.removeItem(atPath: root)
      #expect(shard(root, folder + "/one", 1).output == "shard 1: done before\n")
      #expect(try files(folder + "/one") == other)
    }
  }

  @Test("a run of other choices is not gone on with, and says what differs")
  func differences() throws {
    try Repository.withFolder { folder in
      let root = try pictures(in: folder)
      let output = folder + "/run"
      #expect(shard(root, output, nil).status == .done)
      shard(root, output, 0, "--seed", "1").expectFailure("the request")
      shard(root, output, 0, "--method", "lime").expectFailure("the request")
      shard(root, output, of: 4, 0).expectFailure("the number of shards (4)")
      shard(root, output, 0, "--maps", "float16").expectFailure("the maps")
      shard(root + "/b", output, 0).expectFailure("the folder of inputs")
      Outcome(
        "shard", root, "--model", SmallModel.sigmoid, "--output", output, "--of", "3", "--index",
        "0"
      ).expectFailure("the model")
      let path = output + "/manifest.json"
      let manifest = try text(path)
      let own = try Instructions.current
      #expect(manifest.contains("\"instructions\":\"\(own)\""))
      try AtomicFile.write(manifest.replacing(own, with: "x86_64 other"), to: path)
      shard(root, output, 0).expectFailure("the instruction set (\(own)", "PRISM_ISA")
      try AtomicFile.write(manifest, to: path)
      shard(root, output, 3).expectFailure("no shard 3")
      shard(root, output, -1).expectFailure("no shard -1")
      shard(root, output, of: 0, 0).expectFailure("--of is 0")
      // Nothing that was asked in another way has been done.
      #expect(shard(root, output, nil, "--batch", "2").output == "0\n1\n2\n")
    }
  }

  @Test("a shard of which nothing can be read is not done; one of bad inputs, or of none, is")
  func nothing() throws {
    try Repository.withFolder { folder in
      let root = try pictures(in: folder)
      let output = folder + "/run"
      #expect(shard(root, output, of: 9, nil).status == .done)
      try FileManager.default.moveItem(atPath: root, toPath: folder + "/away")
      shard(root, output, of: 9, 0).expectFailure("shard 0", "no such file")
      #expect(Repository.names(in: output + "/done") == [])
      #expect(Repository.names(in: output + "/shards") == [])
      try FileManager.default.moveItem(atPath: folder + "/away", toPath: root)
      #expect(shard(root, output, of: 9, 0).status == .done)
      #expect(shard(root, output, of: 9, 4).status == .done)
      #expect(shard(root, output, of: 9, 8).status == .done)
      #expect(shard(root, output, of: 9, nil).output == "1\n2\n3\n5\n6\n7\n")
      #expect(try rows(output, 8) == [])
    }
  }

  @Test("a folder without inputs, and a manifest that is damaged, are errors")
  func unusable() throws {
    try Repository.withFolder { folder in
      let root = try pictures(in: folder)
      shard(folder + "/nowhere", folder + "/a", nil).expectFailure("no folder")
      shard(root, folder + "/b", nil, "--method", "lime", "--segments", "x.npy")
        .expectFailure("names a file")
      #expect(shard(root, folder + "/run", nil).status == .done)
      let path = folder + "/run/manifest.json"
      let manifest = try text(path)
      for (part, damage) in [
        ("\"version\":1", "\"version\":2"), ("\"shards\":3", "\"shards\":-3"), ("float32", "x"),
        ("\"request\":{", "\"request\":[{"), ("{", ""),
      ] {
        try AtomicFile.write(manifest.replacing(part, with: damage), to: path)
        shard(root, folder + "/run", 0).expectFailure("manifest.json", "remove the folder")
      }
      try AtomicFile.write(manifest, to: path)
      try AtomicFile.write("[0,1,2]", to: folder + "/run/inputs.index.json")
      shard(root, folder + "/run", 0).expectFailure("inputs.index.json")
    }
  }

  @Test("an input at which processes have ended twice is recorded, and the others are explained")
  func poison() throws {
    try Repository.withFolder { folder in
      let root = try pictures(in: folder)
      let output = folder + "/run"
      #expect(shard(root, output, nil).status == .done)
      let journal = output + "/shards/.00000.attempts"
      // One process has ended at the first two inputs, another at the second alone.
      try AtomicFile.write("+0\n+1\n-0\n+0\n+1\nbroken\n+", to: journal)
      let outcome = shard(root, output, 0)
      #expect(outcome.status == .done && outcome.diagnostics.contains("a.png: the process ended 2"))
      let done = try JSONReader.parse(text(output + "/done/00000.json"))
      #expect(done["failed"]?.elements.count == 1)
      #expect(done["failed"]?.elements.first?["attempts"] == .integer(2))
      #expect(try rows(output, 0).map { $0["address"]?.string } == ["B.png", "b/1.png"])
      #expect(!Folder.exists(journal))
    }
  }
}
