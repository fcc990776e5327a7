import Prism
import PrismSmallModels
import PrismTestSupport
import Testing

@testable import PrismCLI

@Suite("concepts and examples on the command line", .serialized)
struct ConceptCommandTests {
  private static let model = SmallModel.softmax

  /// Runs with folders of a concept, of random pictures and of inputs.
  private static func withPictures(_ body: (String) throws -> Void) throws {
    try Repository.withFolder { folder in
      try SmallPictures.write(12, isRed: true, to: folder + "/red")
      try SmallPictures.write(30, isRed: false, to: folder + "/any", seed: 2)
      try SmallPictures.write(11, isRed: false, to: folder + "/inputs", seed: 3)
      try body(folder)
    }
  }

  private static func test(_ folder: String, _ options: String...) -> Outcome {
    Outcome(
      [
        "concepts", folder + "/inputs", "--model", model, "--positive", folder + "/red",
        "--random", folder + "/any",
      ] + options)
  }

  @Test("a concept is tested, with the same document for one thread and two")
  func tcav() throws {
    try Self.withPictures { folder in
      let first = Self.test(
        folder, "--json", "--threads", "1", "--runs", "4", "--targets", "0,3", "--layers",
        "features.18,features.4", "--output", folder + "/out")
      #expect(first.status == .done && first.diagnostics == "", "\(first.diagnostics)")
      let again = Self.test(
        folder, "--json", "--threads", "2", "--runs", "4", "--targets", "0,3", "--layers",
        "features.18,features.4")
      #expect(first.output == again.output)
      let document = try JSONReader.parse(first.output)
      #expect(try JSONSchema(named: "concepts.json").problems(of: document) == [])
      let tests = try #require(document["tests"]?.elements)
      #expect(tests.map { $0["layer"]?.string }.count == 4)
      #expect(document["examples"] == .integer(12) && document["random"] == .integer(30))
      for test in tests {
        #expect(test["scores"]?.elements.count == 4 && test["inputs"] == .integer(11))
        let score = try #require(test["score"]?.double)
        #expect((0...1).contains(score))
        // Red pictures are told from most others by a network with random weights, too.
        #expect(test["accuracy"]?.double ?? 0 > 0.75)
        if let p = test["p"]?.double, let corrected = test["correctedP"]?.double {
          #expect(abs(corrected - min(4 * p, 1)) < 1e-12)
        }
      }
      #expect(
        try JSONReader.parse(
          String(decoding: Files.read(folder + "/out/concepts.json"), as: UTF8.self)) == document)
      let csv = String(decoding: try Files.read(folder + "/out/concepts.csv"), as: UTF8.self)
      #expect(csv.split(separator: "\n").count == 5)
      let text = Self.test(folder, "--pooled").output
      for part in ["verdict", "Welch", "accuracy"] { #expect(text.contains(part), "\(text)") }
    }
  }

  @Test("wrong folders, layers and labels are one line each; what cannot be read is left out")
  func errors() throws {
    try Self.withPictures { folder in
      try SmallPictures.write(2, isRed: true, to: folder + "/two")
      func run(_ positive: String, _ options: String...) -> Outcome {
        Outcome(
          [
            "concepts", folder + "/inputs", "--model", Self.model, "--positive",
            "\(folder)/\(positive)", "--random", folder + "/any",
          ] + options)
      }
      run("two").expectFailure("2 files can be used", "a concept needs at least 10")
      run("none").expectFailure("none")
      run("red", "--layer", "features.99").expectFailure("no layer called features.99")
      run("red", "--target", "nobody").expectFailure("no label nobody")
      run("red", "--runs", "1").expectFailure("runs")
      run("red", "--penalty", "0").expectFailure("penalty")
      try Folder.make(folder + "/empty")
      run("empty").expectFailure("holds no pictures")
      try AtomicFile.write("no picture", to: folder + "/red/broken.png")
      let broken = run("red", "--runs", "2")
      #expect(broken.status == .someInputsFailed && broken.output.contains("12 examples"))
      #expect(broken.diagnostics.contains("broken.png"))
      for options in [
        ["--model", "m"], ["--model", "m", "--discover", "3"], ["--model", "m", "--data", folder],
        ["--model", "m", "--discover", "3", "--data", "d", "--positive", "p"],
        ["--model", "m", "--positive", "p", "--random", "r"],
      ] {
        #expect(Outcome(["concepts"] + options).status == .wrongUsage)
      }
    }
  }

  @Test("concepts are found, with a page of their crops and maps")
  func discovery() throws {
    try Self.withPictures { folder in
      func run(_ threads: String) -> Outcome {
        Outcome(
          "concepts", "--discover", "3", "--data", folder + "/any", "--model", Self.model,
          "--targets", "top2", "--json", "--threads", threads, "--output", folder + "/out")
      }
      let first = run("1")
      #expect(first.status == .done, "\(first.diagnostics)")
      #expect(first.output == run("2").output)
      let document = try JSONReader.parse(first.output)
      #expect(try JSONSchema(named: "discovery.json").problems(of: document) == [])
      let concepts = try #require(document["concepts"]?.elements)
      #expect(concepts.count == 3)
      let importance = try concepts.map {
        try #require($0["importance"]?.elements.first?.double)
      }
      #expect(importance == importance.sorted(by: >))
      let page = String(decoding: try Files.read(folder + "/out/concepts.html"), as: UTF8.self)
      #expect(page.contains("Concept 3") && page.contains("data:image/png;base64,"))
      Outcome(
        "concepts", "--discover", "99", "--data", folder + "/any", "--model", Self.model
      ).expectFailure("the number of concepts")
    }
  }

  @Test("sounds have concepts and examples as pictures have")
  func sounds() throws {
    try Repository.withFolder { folder in
      for (kind, sample) in [("real", "voice-real"), ("fake", "voice-synthetic")] {
        try Folder.make("\(folder)/data/\(kind)")
        let sound = try Sound(contentsOf: "\(Repository.samples)\(sample).wav")
        let length = sound.rate / 2
        for number in 0..<10 {
          let start = number * length / 4
          let part = try Sound(
            rate: sound.rate, samples: Array(sound.samples[start..<start + length]))
          try part.write(to: "\(folder)/data/\(kind)/\(number).wav")
        }
      }
      let test = Outcome(
        "concepts", folder + "/data/fake", "--model", SmallModel.voice, "--positive",
        folder + "/data/real", "--random", folder + "/data/fake", "--runs", "2", "--json")
      #expect(test.status == .done, "\(test.diagnostics)")
      let found = Outcome(
        "concepts", "--discover", "2", "--data", folder + "/data/real", "--model",
        SmallModel.voice, "--output", folder + "/out", "--json")
      #expect(found.status == .done, "\(found.diagnostics)")
      let rows = try JSONReader.parse(found.output)["concepts"]?.elements.first?["crops"]?
        .elements.first?["rows"]?.elements.map(\.double)
      #expect(rows?.first == 0)
      let near = Outcome(
        "examples", folder + "/data/real/3.wav", "--model", SmallModel.voice, "--data",
        folder + "/data", "--split", "all", "--json", "--output", folder + "/out")
      #expect(near.status == .done, "\(near.diagnostics)")
      let input = try JSONReader.parse(near.output)["inputs"]?.elements.first
      let first = input?["nearest"]?.elements.first
      #expect(first?["path"]?.string?.hasSuffix("real/3.wav") == true)
      #expect(first?["labels"]?.elements == [.string("real")])
    }
  }

  @Test("the nearest examples and those that stand for each label, with a page")
  func examples() throws {
    try Self.withPictures { folder in
      try Folder.make(folder + "/data")
      try SmallPictures.write(12, isRed: true, to: folder + "/data/red")
      try SmallPictures.write(20, isRed: false, to: folder + "/data/other", seed: 2)
      func run(_ options: String...) -> Outcome {
        Outcome(
          [
            "examples", folder + "/red/00.png", folder + "/inputs/04.png", "--model", Self.model,
            "--data", folder + "/data", "--split", "all",
          ] + options)
      }
      let first = run("--json", "--threads", "1", "--output", folder + "/out", "--count", "4")
      #expect(first.status == .done, "\(first.diagnostics)")
      #expect(first.output == run("--json", "--threads", "2", "--count", "4").output)
      let document = try JSONReader.parse(first.output)
      #expect(try JSONSchema(named: "examples.json").problems(of: document) == [])
      let inputs = try #require(document["inputs"]?.elements)
      let nearest = inputs.map { $0["nearest"]?.elements ?? [] }
      #expect(nearest.map(\.count) == [4, 4])
      #expect(nearest[0].allSatisfy { $0["labels"]?.elements == [.string("red")] })
      #expect(nearest[0][0]["distance"]?.double ?? 1 < 1e-6)
      for found in nearest {
        let distances = found.compactMap { $0["distance"]?.double }
        #expect(distances.count == 4 && distances == distances.sorted())
      }
      #expect(nearest[1].contains { $0["labels"]?.elements == [.string("other")] })
      let prototypes = try #require(document["prototypes"]?.elements)
      #expect(prototypes.map { $0["label"]?.string } == ["other", "red"])
      #expect(prototypes.allSatisfy { $0["chosen"]?.elements.count == 3 })
      let page = String(decoding: try Files.read(folder + "/out/examples.html"), as: UTF8.self)
      #expect(page.contains("Prototypes of 12 examples"))
      #expect(run().output.contains("is itself among the examples"))
      #expect(run("--distance", "euclidean").status == .done)
      // Files right in a folder have the model's labels.
      let plain = Outcome("examples", "--model", Self.model, "--data", folder + "/any", "--json")
      #expect(try JSONReader.parse(plain.output)["labelsArePredicted"] == .bool(true))
      run("--layer", "nowhere").expectFailure("no layer called nowhere")
      Outcome(
        "examples", folder + "/none.png", "--model", Self.model, "--data", folder + "/nothing"
      ).expectFailure("nothing")
      #expect(
        Outcome("examples", "--model", "m", "--data", "d", "--prototypes", "0").status
          == .wrongUsage)
    }
  }
}
