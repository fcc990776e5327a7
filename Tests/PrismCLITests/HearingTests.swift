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

/// The recordings of the default model's samples, put together in other ways.
private struct Recordings {
  let real: Sound
  let fake: Sound

  init() throws {
    real = try Sound(contentsOf: Repository.samples + "voice-real.wav")
    fake = try Sound(contentsOf: Repository.samples + "voice-synthetic.wav")
  }

  func sound(_ parts: [[Float]]) throws -> Sound {
    try Sound(rate: real.rate, samples: parts.flatMap { $0 })
  }

  var silence: [Float] { [Float](repeating: 0, count: fake.samples.count) }
}

private func voiceModel() throws -> Model {
  try Model(contentsOf: Repository.weights + "voice.safetensors")
}

@Suite("what is heard of recordings", .serialized)
struct HearingTests {
  @Test("silent windows have no vote", arguments: Verdict.allCases)
  func silence(verdict: Verdict) throws {
    let recordings = try Recordings()
    let sound = try recordings.sound([recordings.fake.samples, recordings.silence])
    let hearing = try voiceModel().listen(to: sound, verdict: verdict)
    #expect(hearing.windows.map(\.isSilent) == [false, false, true])
    #expect(hearing.prediction.top.label == "fake", "\(hearing.prediction)")
    #expect(hearing.judged?.hasSuffix("1 silent window has no vote") == true)
    #expect(hearing.warnings == [])
    let half = try recordings.sound([
      Array(recordings.fake.samples.prefix(recordings.fake.rate)), recordings.silence,
    ])
    let little = try voiceModel().listen(to: half, verdict: verdict)
    #expect(little.heard.count == 1)
    #expect(little.warnings.contains { $0.hasPrefix("only 1.00 s of it is sound") })
    #expect(throws: ModelError.self) {
      try hearing.windows(for: hearing.prediction.top, .starts([2]))
    }
    #expect(try hearing.windows(for: hearing.prediction.top, .all).count == 2)
  }

  @Test("a short insert in a long recording is named, whatever the mean says")
  func insert() throws {
    try Repository.withFolder { folder in
      let recordings = try Recordings()
      let real = [[Float]](repeating: recordings.real.samples, count: 6).flatMap { $0 }
      let sound = try recordings.sound([real, recordings.fake.samples, real])
      let model = try voiceModel()
      let hearing = try model.listen(to: sound)
      #expect(hearing.prediction.top.label == "real")
      let passage = try #require(hearing.passages.first { $0.label == "fake" })
      #expect((10...12).contains(passage.start) && (14...16).contains(passage.end))
      let path = folder + "/insert.wav"
      try sound.write(to: path)
      let outcome = Outcome(
        "explain", path, "--model", Repository.weights + "voice.safetensors", "--method",
        "gradcam", "--target", "fake", "--output", folder, "--format", "html")
      #expect(outcome.status == .done)
      let line = "fake from \(Text(passage.start)) to \(Text(passage.end)) s"
      #expect(outcome.output.contains(line), "\(outcome.output)")
      let page = try String(contentsOfFile: folder + "/insert.html", encoding: .utf8)
      #expect(page.contains(line))
      let document = try JSONReader.parse(
        String(contentsOfFile: folder + "/insert.json", encoding: .utf8))
      #expect(document["sound"]?["passages"]?.elements.isEmpty == false)
      #expect(try JSONSchema(named: "input.json").problems(of: document) == [])
      let most = Outcome(
        "classify", path, "--model", Repository.weights + "voice.safetensors", "--verdict",
        "maximum")
      #expect(most.output.split(separator: "\n").first?.contains("fake") == true)
    }
  }

  private func Text(_ seconds: Double) -> String {
    let hundredths = Int((seconds * 100).rounded())
    return "\(hundredths / 100).\(hundredths % 100 < 10 ? "0" : "")\(hundredths % 100)"
  }

  @Test("a window's explanation has the window's numbers: base value and sum give its logit")
  func windowNumbers() throws {
    try Repository.withFolder { folder in
      let recordings = try Recordings()
      let path = folder + "/real_then_fake.wav"
      try recordings.sound([recordings.real.samples, recordings.fake.samples]).write(to: path)
      let outcome = Outcome(
        "explain", path, "--model", Repository.weights + "voice.safetensors", "--method",
        "deeplift", "--target", "fake", "--output", folder, "--format", "npy,json")
      #expect(outcome.status == .done, "\(outcome.diagnostics)")
      let document = try JSONReader.parse(
        String(contentsOfFile: folder + "/real_then_fake.json", encoding: .utf8))
      let found = try #require(document["explanations"]?.elements.first)
      let base = try #require(found["baseValue"]?.double)
      let logit = try #require(found["target"]?["logit"]?.double)
      let sum = try #require(found["sum"]?.double)
      let map = try ArrayFile.tensor(contentsOf: folder + "/real_then_fake.deeplift.npy").sum
      #expect(found["window"]?.elements.compactMap(\.double) == [2, 4])
      #expect(abs(sum - map) < 1e-3 && abs(base + map - logit) < 1e-3)
      let model = try voiceModel()
      let hearing = try model.listen(to: Sound(contentsOf: path))
      #expect(logit == hearing.windows.last?.prediction?["fake"]?.logit)
      #expect(logit != hearing.prediction["fake"]?.logit)
      #expect(outcome.output.contains("2.00 to 4.00 s, probability"))
    }
  }

  @Test("of a sound that is shorter than a window, nothing lies behind its end")
  func short() throws {
    let recordings = try Recordings()
    let sound = try recordings.sound([Array(recordings.fake.samples.prefix(recordings.fake.rate))])
    let model = try voiceModel()
    let hearing = try model.listen(to: sound)
    #expect(hearing.isRepeated && hearing.windows.map(\.end) == [1])
    #expect(hearing.analysed.contains("repeated to fill"))
    for explanation in try model.explain(
      hearing, with: SmoothGrad(samples: 2), targets: [hearing.prediction.top])
    {
      #expect(explanation.regions.allSatisfy { $0.times.upperBound <= 1 && $0.repetition < 2 })
    }
  }

  @Test("rules of verdicts")
  func verdicts() throws {
    let model = try Model(contentsOf: SmallModel.voice)
    let sound = try Recordings().fake
    let mean = try model.listen(to: sound)
    #expect(mean.windows.count == 7)
    let logits = mean.windows.compactMap { $0.prediction?.entries[1].logit }
    #expect(mean.prediction.entries[1].logit == logits.reduce(0, +) / 7)
    let most = try model.listen(to: sound, verdict: .maximum).prediction
    #expect(most.entries[1].logit == logits.max())
    #expect(abs(most.entries[0].probability + most.entries[1].probability - 1) < 1e-12)
    let share = try model.listen(to: sound, verdict: .share).prediction
    #expect(share.entries[1].probability == Double(logits.count { $0 >= 0 }) / 7)
    #expect(share.entries[0].probability == Double(logits.count { $0 < 0 }) / 7)
  }

  @Test("what was heard, explained and compared is read from JSON as it was written")
  func coding() throws {
    let model = try Model(contentsOf: SmallModel.voice)
    let hearing = try model.listen(to: try Recordings().fake)
    func copy<Value: Codable>(_ value: Value) throws -> Value {
      try JSONDecoder().decode(Value.self, from: JSONEncoder().encode(value))
    }
    let read = try copy(hearing)
    #expect(read.sound == hearing.sound && read.prediction == hearing.prediction)
    #expect(read.windows.map(\.prediction) == hearing.windows.map(\.prediction))
    #expect(read.passages == hearing.passages && read.signal == hearing.signal)
    let explained = try #require(
      try model.explain(hearing, with: GradCAM(), targets: [hearing.prediction.top]).first)
    let other = try copy(explained)
    #expect(other.explanation == explained.explanation && other.regions == explained.regions)
    #expect(other.kept == explained.kept && other.removed == explained.removed)
    #expect(try other.overlay() == explained.overlay())
    let binary = try Model(contentsOf: SmallModel.binary)
    let image = try Image(contentsOf: Repository.samples + "cat.png")
    let comparison = try binary.compare(
      image, with: [GradCAM()], targets: [binary.predict(image).top])
    let back = try copy(comparison)
    #expect(back.image.pixels == image.pixels && back.explanations == comparison.explanations)
  }

  @Test("channels and damage are asked for by options, of sounds alone")
  func options() throws {
    try Repository.withFolder { folder in
      let recordings = try Recordings()
      let tone = recordings.fake.samples.map { Int16(max(-32768, min(32767, $0 * 32767))) }
      let path = folder + "/antiphase.wav"
      try Data(stereo(tone, tone.map { -max($0, -32767) })).write(to: URL(fileURLWithPath: path))
      let weights = Repository.weights + "voice.safetensors"
      Outcome("classify", path, "--model", weights).expectFailure("cancel", "--channel left")
      let left = Outcome("classify", path, "--model", weights, "--channel", "left")
      #expect(left.status == .done && left.output.contains("the first of its 2 channels"))
      let bytes = try Files.read(path)
      try Data(bytes.prefix(bytes.count / 2)).write(to: URL(fileURLWithPath: path))
      Outcome("classify", path, "--model", weights, "--channel", "left")
        .expectFailure("cut off", "--allow-damaged")
      let taken = Outcome(
        "classify", path, "--model", weights, "--channel", "left", "--allow-damaged")
      #expect(taken.status == .done && taken.output.contains("cut off"), "\(taken.diagnostics)")
      for option in [["--channel", "left"], ["--verdict", "share"], ["--allow-damaged"]] {
        Outcome(
          ["classify", Repository.samples + "cat.png", "--model", SmallModel.binary] + option
        ).expectFailure(option[0], "models that listen")
      }
    }
  }

  private func stereo(_ left: [Int16], _ right: [Int16]) -> [UInt8] {
    func little(_ value: Int, _ count: Int) -> [UInt8] {
      (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }
    let data = zip(left, right).flatMap { little(Int($0), 2) + little(Int($1), 2) }
    return Array("RIFF".utf8) + little(36 + data.count, 4) + Array("WAVEfmt ".utf8)
      + little(16, 4) + little(1, 2) + little(2, 2) + little(8000, 4) + little(32000, 4)
      + little(4, 2) + little(16, 2) + Array("data".utf8) + little(data.count, 4) + data
  }
}
