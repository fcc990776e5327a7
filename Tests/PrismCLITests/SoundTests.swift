import Prism
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

private let sample = Repository.samples + "voice-synthetic.wav"

@Suite("sounds on the command line")
struct SoundTests {
  private func folder() -> String {
    FileManager.default.temporaryDirectory.path + "/prism-\(UUID().uuidString)"
  }

  @Test("an explanation names the evidence, and its sounds add up to the window")
  func explanation() throws {
    let folder = folder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let outcome = Outcome(
      "explain", sample, "--model", SmallModel.voice, "--method", "gradcam,kernelshap",
      "--samples", "200", "--target", "0", "--format", "png,npy,json,wav", "--output", folder)
    #expect(outcome.status == .done, "\(outcome.diagnostics)")
    let names = ["gradcam", "kernelshap"].flatMap { method in
      ["png", "npy", "kept.wav", "removed.wav"].map { "voice-synthetic.\(method).\($0)" }
    }
    let found = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
    #expect(found == (names + ["voice-synthetic.json"]).sorted())

    let text = String(
      decoding: try Files.read(folder + "/voice-synthetic.json"), as: UTF8.self)
    let document = try JSONReader.parse(text)
    let sound = try #require(document["sound"])
    #expect(sound["seconds"] == .number(2) && sound["sampleRate"] == .integer(8000))
    let windows = try #require(sound["windows"]?.elements)
    #expect(windows.count == 7)

    let model = try Model(contentsOf: SmallModel.voice)
    let hearing = try model.listen(to: try Sound(contentsOf: sample))
    let window = hearing.strongest(for: hearing.prediction.entries[0])
    for explanation in try #require(document["explanations"]?.elements) {
      let evidence = try #require(explanation["evidence"])
      let interval = try #require(evidence["window"]?.numbers)
      #expect(interval == [window.start, window.end])
      for region in evidence["regions"]?.elements ?? [] {
        let seconds = try #require(region["seconds"]?.numbers)
        let hertz = try #require(region["hertz"]?.numbers)
        #expect(interval[0] <= seconds[0] && seconds[0] < seconds[1] && seconds[1] <= interval[1])
        #expect(100 <= hertz[0] && hertz[0] < hertz[1] && hertz[1] <= 3600)
      }
      let parts = try ["kept", "removed"].map { name in
        guard case .string(let file) = evidence[name]?["file"] else { return [Float]() }
        return try Sound(contentsOf: folder + "/" + file).samples
      }
      try #require(parts.allSatisfy { $0.count == 4000 })
      // Each part is rounded to 16 bits.
      let worst = window.sound.samples.indices.map {
        abs(parts[0][$0] + parts[1][$0] - window.sound.samples[$0])
      }.max()
      #expect(try #require(worst) <= 1.1 / 32768)
    }
  }

  @Test(
    "the default model tells the samples apart, and its evidence convinces it more than the rest",
    arguments: [("voice-real", "real"), ("voice-synthetic", "fake")])
  func defaultModel(name: String, label: String) throws {
    let model = try Model(contentsOf: Repository.weights + "voice.safetensors")
    #expect(model.file.mapping.count <= 6_000_000)
    let hearing = try model.listen(to: try Sound(contentsOf: Repository.samples + "\(name).wav"))
    #expect(hearing.prediction.top.label == label)
    let explained = try #require(
      try model.explain(
        hearing, with: LIME(samples: 500, segmenter: .grid(rows: 8, columns: 10)),
        targets: [hearing.prediction.top]
      ).first)
    let kept = try #require(
      try model.probability(of: hearing.prediction.top, in: explained.kept))
    let removed = try #require(
      try model.probability(of: hearing.prediction.top, in: explained.removed))
    #expect(kept > removed, "\(kept) with the evidence alone, \(removed) without it")
  }

  @Test("classifying prints every window of a long sound")
  func classification() {
    let outcome = Outcome("classify", sample, "--model", SmallModel.voice)
    #expect(outcome.status == .done)
    let windows = outcome.output.split(separator: "\n").filter {
      $0.contains(" to ") && $0.contains(" s  ")
    }
    #expect(windows.count == 7)
    #expect(windows.first?.contains("0.00 to 0.50 s") == true)
    #expect(windows.last?.contains("1.50 to 2.00 s") == true)
  }

  @Test("what does not fit the kind of input is refused with the reason")
  func kinds() {
    let husky = Repository.samples + "husky.png"
    let output = folder()
    Outcome("classify", husky, "--model", SmallModel.voice)
      .expectFailure("not a sound", "WAV")
    Outcome("explain", husky, "--model", SmallModel.binary, "--output", output, "--format", "wav")
      .expectFailure("--format wav", "takes pictures")
    Outcome(
      "explain", sample, "--model", SmallModel.voice, "--output", output, "--method", "lime",
      "--segments", "slic"
    ).expectFailure("slic", "grid:RxC")
    Outcome("classify", sample, "--model", SmallModel.binary).expectFailure("not a picture")
    #expect(!FileManager.default.fileExists(atPath: output))
  }
}

extension JSON {
  fileprivate var elements: [JSON]? {
    if case .array(let elements) = self { elements } else { nil }
  }

  fileprivate var numbers: [Double]? {
    elements?.compactMap { element in
      switch element {
      case .number(let value): value
      case .integer(let value): Double(value)
      default: nil
      }
    }
  }
}
