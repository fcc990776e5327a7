import PrismFiles
import PrismReport
import PrismTestSupport
import PrismSmallModels
import Synchronization
import Testing

@testable import Prism
@testable import PrismCLI

@Suite("the console")
struct ConsoleTests {
  private final class Paper: Sendable {
    let text = Mutex("")
  }

  @Test(
    "what a terminal would obey is escaped, what people write is not",
    arguments: [
      ("a\u{1B}[31mred", "a\\u{1b}[31mred"), ("two\nlines", "two\\u{a}lines"),
      ("gnp.\u{202E}exe", "gnp.\\u{202e}exe"), ("\u{2066}x\u{2069}", "\\u{2066}x\\u{2069}"),
      ("日本語 العربية ü → 👩\u{200D}🔬", "日本語 العربية ü → 👩\u{200D}🔬"), ("\u{9B}K", "\\u{9b}K"),
    ])
  func escapes(_ text: String, expected: String) {
    let paper = Paper()
    let console = Console(
      output: { text in paper.text.withLock { $0 += text } },
      diagnostics: { text in paper.text.withLock { $0 += text } })
    console.print(text)
    console.report(text)
    #expect(paper.text.withLock { $0 } == "\(expected)\n\(expected)\n")
  }

  @Test("documents stay documents")
  func documents() throws {
    let paper = Paper()
    let console = Console(output: { text in paper.text.withLock { $0 += text } })
    let document: JSON = ["name": .string("a\u{202E}b\u{E0001}c\n\u{7F}é")]
    console.print(document)
    let text = paper.text.withLock { $0 }
    #expect(text.contains("a\\u202eb\\udb40\\udc01c\\n\\u007fé"))
    #expect(try JSONReader.parse(text) == document)
  }

  @Test(
    "results that cannot be written are an error, and one line unless the reader has gone",
    arguments: [(28, "prism: the results cannot be written"), (32, "")])
  func failure(_ number: Int32, message: String) {
    let paper = Paper()
    let status = PrismCommand.run(
      ["--help"],
      console: Console(
        output: { _ in throw OutputError(number: number) },
        diagnostics: { text in paper.text.withLock { $0 += text } }))
    #expect(status == .failed)
    let text = paper.text.withLock { $0 }
    #expect(message.isEmpty ? text.isEmpty : text.hasPrefix(message))
  }
}

@Suite("names that people write")
struct NameTests {
  @Test(
    "methods by name or title, in any case",
    arguments: [
      ("gradcam", ExplanationMethod.gradcam), ("Grad-CAM", .gradcam),
      ("GRADCAM++", .gradcamPlusPlus),
      ("Grad-CAM++", .gradcamPlusPlus), ("LIME", .lime),
      ("Guided_Backprop", .guidedBackpropagation),
      ("integrated gradients", .integratedGradients), ("SHAP", .partitionSHAP),
    ])
  func methods(_ name: String, method: ExplanationMethod) {
    #expect(ExplanationMethod(named: name) == method)
  }

  @Test("every title names its method, and nothing names two")
  func titles() {
    for method in ExplanationMethod.allCases {
      #expect(ExplanationMethod(named: method.explainer().title) == method)
      #expect(ExplanationMethod(named: method.rawValue.uppercased()) == method)
    }
    #expect(ExplanationMethod(named: "") == nil && ExplanationMethod(named: "grad") == nil)
  }

  @Test("a negative number is told what is wrong with it")
  func negative() throws {
    try Repository.withFolder { folder in
      let picture = folder + "/a.png"
      try Image(width: 4, height: 3, filledWith: RGB(1, 2, 3)).write(to: picture)
      let start = ["explain", picture, "--model", SmallModel.softmax, "--method", "lime"]
      for samples in [["--samples", "-5"], ["--samples=-5"]] {
        let end = ["--output", folder + "/out"]
        Outcome(start + samples + end).expectFailure("--samples is -5")
      }
      let threads = Outcome(start + ["--threads", "-1"])
      #expect(threads.status == .wrongUsage && threads.diagnostics.contains("--threads is -1"))
    }
  }
}

@Suite("labels that people write")
struct TargetTests {
  private func prediction(_ labels: [String]) throws -> Prediction {
    // Made from JSON-free parts: the numbers do not matter here.
    Prediction(
      logits: labels.indices.map(Double.init), labels: labels, output: .softmax)
  }

  @Test("in any case where only one is meant; otherwise the candidates are named")
  func cases() throws {
    let prediction = try prediction(["Siberian husky", "Pug", "pug", "Cat, wild", "TOP"])
    func labels(_ target: String) throws -> [String] {
      try Target.entries(target, of: prediction).map(\.label)
    }
    #expect(try labels("siberian HUSKY") == ["Siberian husky"])
    #expect(try labels("pug") == ["pug"])
    #expect(try labels("Pug") == ["Pug"])
    #expect(try labels("cat, wild") == ["Cat, wild"])
    #expect(try labels("pug,SIBERIAN husky") == ["pug", "Siberian husky"])
    #expect(try labels("Top2") == ["TOP", "Cat, wild"])
    #expect(try labels("ALL").count == 5)
    do {
      _ = try labels("PUG")
      Issue.record("PUG may be both")
    } catch {
      #expect("\(error)".contains("Pug or pug"))
    }
  }

  @Test("a label that the model has twice is never guessed")
  func twice() throws {
    let prediction = try prediction(["crane", "heron", "crane"])
    do {
      _ = try Target.entries("heron,crane", of: prediction)
      Issue.record("crane may be both")
    } catch {
      #expect(
        "\(error)".contains("2 labels crane; give the index of the one that is meant: 0 or 2"))
    }
    #expect(try Target.entries("2", of: prediction).map(\.index) == [2])
    #expect(try Target.entries("all", of: prediction).count == 3)
  }
}
