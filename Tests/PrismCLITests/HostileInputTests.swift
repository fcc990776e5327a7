import Prism
import PrismFiles
import PrismKernels
import PrismReport
import PrismTestSupport
import PrismSmallModels
import Testing

@testable import PrismCLI

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Inputs that were made to take all memory or all time, each as small as it was.
@Suite("hostile inputs", .serialized)
struct HostileInputTests {
  private let picture = Repository.samples + "husky.png"

  /// The contents of a `.npy` file of whole numbers, `[H, W]`.
  private func labels(_ values: [Int32], height: Int, width: Int) -> [UInt8] {
    var header = "{'descr': '<i4', 'fortran_order': False, 'shape': (\(height), \(width)), }"
    header += String(repeating: " ", count: 117 - header.utf8.count) + "\n"
    let bytes = values.flatMap { value in
      withUnsafeBytes(of: value.littleEndian) { Array($0) }
    }
    return [0x93] + Array("NUMPY".utf8) + [1, 0, 118, 0] + Array(header.utf8) + bytes
  }

  @Test(
    "a segment for every pixel is refused before any method begins",
    arguments: ["lime", "kernelshap"])
  func segments(_ method: String) throws {
    try Repository.withFolder { folder in
      let size = try Model(contentsOf: SmallModel.softmax).card.input.image
      let path = folder + "/every-pixel.npy"
      let count = size.height * size.width
      try AtomicFile.write(
        labels((0..<Int32(count)).map { $0 }, height: size.height, width: size.width), to: path)
      func explain(_ segments: String, _ more: String...) -> Outcome {
        Outcome(
          [
            "explain", picture, "--model", SmallModel.softmax, "--method", method, "--samples",
            "20",
            "--segments", segments, "--output", folder + "/out",
          ] + more)
      }
      explain(path, "--limit", "segments=\(count - 1)").expectFailure(
        "every-pixel.npy: \(count) segments are more than the limit of", "--limit segments=N")
      explain("grid:9223372036854775807x3").expectFailure("segments are more than the limit")
      explain("slic:1000000000").expectFailure("segments are more than the limit")
    }
  }

  @Test("a table of 40 000 labels is refused, and so is one whose rows by labels are too many")
  func labels() throws {
    try Repository.withFolder { folder in
      let path = folder + "/ml.csv"
      func write(_ count: Int) throws {
        let rows = (0..<count).map { "a\($0).png,l\($0)\n" }
        try AtomicFile.write("path,labels\n" + rows.joined(), to: path)
      }
      try write(40_000)
      Outcome("dataset", path).expectFailure("40000 labels are more than the limit of 16384")
      try write(100)
      Outcome("dataset", path, "--limit", "elements=9999").expectFailure(
        "10000 elements are more than the limit of 9999")
      #expect(Outcome("dataset", path, "--names-only").status == .done)
    }
  }

  @Test("a card with an input of 16384² is refused before anything is made of that size")
  func card() throws {
    try Repository.withFolder { folder in
      var card = try SafetensorsFile(contentsOf: SmallModel.softmax).card()
      guard case .image(var image) = card.input else { return }
      (image.height, image.width) = (16384, 16384)
      card.input = .image(image)
      let path = folder + "/big.safetensors"
      try SafetensorsWriter(card: card).write(to: path)
      Outcome("classify", picture, "--model", path).expectFailure(
        "268435456 pixels are more than the limit of 100000000", "--limit pixels=N")
      (image.height, image.width) = (9000, 9000)
      card.input = .image(image)
      // All tensors are there, so that only the size of what is computed refuses it.
      let file = try SafetensorsFile(contentsOf: SmallModel.softmax)
      var writer = SafetensorsWriter(card: card)
      for entry in file.entries { writer.add(entry.name, try file.tensor(entry.name)) }
      try writer.write(to: path)
      Outcome("classify", picture, "--model", path, "--limit", "memory=1000000000").expectFailure(
        "more than the limit of")
    }
  }

  @Test("a request that needs more memory than the limit is refused before it computes")
  func memory() throws {
    try Repository.withFolder { folder in
      Outcome(
        "explain", picture, "--model", SmallModel.softmax, "--method", "saliency", "--limit",
        "memory=1000", "--output", folder
      ).expectFailure("the request", "bytes are more than the limit of 1000")
      let model = try Model(contentsOf: SmallModel.softmax)
      let (few, many) = (try model.memory(batch: 1), try model.memory(batch: 16))
      #expect(few > 0 && few <= many)
      #expect(try model.memory(for: [.saliency]) > model.memory(for: [.gradcam]))
      #expect(try model.memory(for: [.rise]) == model.memory())
    }
  }

  @Test("a file without an end, and a sparse one, end the one input")
  func endless() throws {
    try Repository.withFolder { folder in
      let outcome = Outcome(
        "classify", "/dev/zero", picture, "--model", SmallModel.softmax, "--limit",
        "bytes=10000000")
      #expect(outcome.status == .someInputsFailed)
      #expect(outcome.diagnostics.hasPrefix("prism: /dev/zero: "))
      #expect(outcome.diagnostics.contains("more than the limit of 10000000"))
      #expect(outcome.output.contains("\(picture):"))
    }
  }

  @Test("an unknown limit is wrong usage, and every command that reads knows the option")
  func usage() {
    let commands = [
      ["explain", "a.png", "--model", "m"], ["classify", "a.png", "--model", "m"],
      ["compare", "a.png", "--model", "m"], ["models"], ["layers", "m"], ["dataset", "d"],
      ["evaluate", "--model", "m", "--data", "d"],
      ["train", "--base", "m", "--data", "d", "--output", "o"],
    ]
    for command in commands {
      let outcome = Outcome(command + ["--limit", "megapixels=3"])
      #expect(outcome.status == .wrongUsage, "\(command[0]): \(outcome.diagnostics)")
      for name in Limits.Name.allCases {
        #expect(outcome.diagnostics.contains(name.rawValue), "\(command[0])")
      }
    }
  }

  @Test("names of files end at 255 bytes, whatever the names of inputs and labels are")
  func names() throws {
    try Repository.withFolder { folder in
      let long = String(repeating: "é", count: 120)
      let inputs = [folder + "/\(long)a.png", folder + "/\(long)b.png"]
      let bytes = try Files.read(picture)
      for input in inputs { try AtomicFile.write(bytes, to: input) }
      let outcome = Outcome(
        ["explain"] + inputs + [
          "--model", SmallModel.softmax, "--method", "gradcam", "--target", "top3", "--output",
          folder + "/out",
        ])
      #expect(outcome.status == .done, "\(outcome.diagnostics)")
      let names = Repository.names(in: folder + "/out")
      #expect(names.count == 2 * (1 + 3 * 2) && names.allSatisfy { $0.utf8.count <= 255 })
    }
    var unique = UniqueNames()
    let label = String(repeating: "字", count: 500)
    let first = unique.name(for: label + "a")
    let second = unique.name(for: label + "b")
    #expect(first != second && first.utf8.count <= 80 && second.utf8.count <= 84)
    // One character of any length.
    let marks = "a" + String(repeating: "\u{301}", count: 5000)
    #expect(FileStem.readable(marks).utf8.count <= 80)
  }

  @Test(
    "whichever write fails, the results of an input are all new or all as they were, and the status tells"
  )
  func writes() throws {
    try Repository.withFolder { folder in
      let output = folder + "/out"
      func explain(_ seed: Int) -> Outcome {
        Outcome(
          "explain", picture, "--model", SmallModel.softmax, "--method", "rise", "--samples", "3",
          "--seed", "\(seed)", "--output", output)
      }
      func contents() throws -> [String: String] {
        let names = Repository.names(in: output)
        let digests = try names.map { name in
          SHA256.hexadecimalDigest(of: try Files.read("\(output)/\(name)"))
        }
        return Dictionary(uniqueKeysWithValues: zip(names, digests))
      }
      #expect(explain(1).status == .done)
      let before = try contents()
      for call in 1...100 {
        let fault = WriteFault(atCall: call)
        let outcome = WriteFault.$current.withValue(fault) { explain(2) }
        if fault.isWaiting {
          #expect(outcome.status == .done && call > 20)
          #expect(try contents() != before)
          #expect(Repository.names(in: output).count == 3)
          return
        }
        outcome.expectFailure("cannot be written: No space left on device")
        #expect(try contents() == before, "call \(call)")
      }
      Issue.record("the calls have no end")
    }
  }

  @Test(
    "memory that is refused ends the one input, not the batch",
    arguments: [
      ["classify"],
      ["explain", "--method", "gradcam,lime", "--segments", "grid:2x2", "--samples", "8"],
    ])
  func refusedMemory(_ command: [String]) throws {
    try Repository.withFolder { folder in
      let output = command[0] == "explain" ? ["--output", "\(folder)/out"] : []
      var (whole, parts) = (0, 0)
      for request in 1... {
        let budget = MemoryBudget(refusing: request)
        let outcome = MemoryBudget.$current.withValue(budget) {
          Outcome(
            command + [picture, Repository.samples + "coffee.jpg", "--model", SmallModel.softmax]
              + output)
        }
        guard !budget.isWaiting else {
          #expect(outcome.status == .done)
          break
        }
        #expect(outcome.diagnostics.contains("there is not enough memory"), "request \(request)")
        // The first requests are made when the model is opened, before there is an input.
        if outcome.status == .someInputsFailed { parts += 1 } else { whole += 1 }
        #expect(outcome.status == .someInputsFailed || outcome.status == .failed)
        #expect(
          (outcome.status == .someInputsFailed) == outcome.output.contains("\(Repository.samples)"))
      }
      #expect(whole > 0 && parts > 0)
    }
  }

  @Test("work that takes too long ends the one input, and what was finished is kept")
  func time() {
    let (finished, status) = inTime(["a", "b"])
    #expect(finished == ["a part of a", "b"] && status == .someInputsFailed)
    // A part of the only input is more than nothing.
    let (part, ending) = inTime(["a"])
    #expect(part == ["a part of a"] && ending == .someInputsFailed)
  }

  /// What is finished, and how the process ends, where `a` takes too long.
  private func inTime(_ paths: [String]) -> (finished: [String], status: Status) {
    let inputs = InputList(paths, kind: .pictures, isRecursive: false)
    var finished: [String] = []
    let status = Limits.$current.withValue(Limits([.time: 1])) {
      Batch(Console(output: { _ in }, diagnostics: { _ in })).forEach(inputs) { input, _, running in
        guard input == "a" else { return input }
        running.keep("a part of a")
        while true { try running.work.did(1) }
      } finish: { _, value in
        finished.append(value)
      }
    }
    return (finished, status)
  }

  @Test(
    "combining marks in an argument cost no more than other text",
    arguments: [
      ["classify"], ["explain", "--target"], ["explain", "--method"], ["explain", "--segments"],
      ["dataset"],
    ])
  func marks(_ command: [String]) {
    let marks = "a" + String(repeating: "\u{301}\u{323}", count: 250_000)
    let outcome = Outcome(command + [marks, "--model", SmallModel.softmax])
    #expect(outcome.status == .wrongUsage)
    #expect(outcome.diagnostics.contains("combining marks"))
  }

  @Test("links that multiply or lead in circles end")
  func links() throws {
    try Repository.withFolder { folder in
      // Every folder has two links to the next: 2⁴⁰ paths.
      for depth in 0..<40 {
        try FileManager.default.createDirectory(
          atPath: "\(folder)/\(depth)", withIntermediateDirectories: true)
        for name in ["a", "b"] {
          try FileManager.default.createSymbolicLink(
            atPath: "\(folder)/\(depth)/\(name)",
            withDestinationPath: "../\((depth + 1) % 40)")
        }
      }
      try AtomicFile.write(try Files.read(picture), to: "\(folder)/39/x.png")
      let list = InputList([folder], kind: .pictures, isRecursive: true)
      #expect(list.files.count == 1 && list.failures.isEmpty)
      #expect(Outcome("dataset", folder, "--names-only").status != .wrongUsage)
    }
  }
}
