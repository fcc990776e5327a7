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

  @Test("one label against another, whatever hyphens their names have")
  func contrasts() throws {
    let prediction = try prediction(["husky", "malamute", "semi-vs-truck", "Semi", "Cat, wild"])
    func contrast(_ target: String) throws -> Contrast? {
      let entries = try Target.entries(target, of: prediction)
      #expect(entries.count == 1)
      return entries[0].contrast
    }
    #expect(try contrast("husky-vs-malamute") == Contrast(0, against: 1))
    #expect(try contrast("MALAMUTE-VS-Husky") == Contrast(1, against: 0))
    #expect(try contrast("0-vs-cat, wild") == Contrast(0, against: 4))
    #expect(try contrast("top-vs-husky") == Contrast(4, against: 0))
    // A label is itself before it is a contrast.
    #expect(try contrast("semi-vs-truck") == nil)
    #expect(try contrast("semi-vs-truck-vs-husky") == Contrast(2, against: 0))
    #expect(try contrast("husky-vs-semi-vs-truck") == Contrast(0, against: 2))
    let several = try Target.entries("husky,husky-vs-malamute,2-vs-1", of: prediction)
    #expect(several.map(\.label) == ["husky", "husky-vs-malamute", "semi-vs-truck-vs-malamute"])
    #expect(Set(several.map(\.index)).count == 3 && several[1].index >= 5)
    // The logits are 0, 1, 2, 3 and 4.
    #expect(several[2].logit == 1 && abs(several[2].probability - 0.7310585786) < 1e-9)
    for (target, part) in [
      ("husky-vs-malamut", "did you mean malamute?"), ("husky-vs-HUSKY", "with itself"),
      ("husky-vs-top2", "one label on each side"), ("husky-vs-", "no label "),
      ("9-vs-husky", "the index 9"), ("-vs-", "no label"), ("husky-vs-a-vs-b", "-vs-"),
    ] {
      do {
        _ = try Target.entries(target, of: prediction)
        Issue.record("\(target) is understood")
      } catch {
        #expect("\(error)".contains(part), "\(target): \(error)")
      }
    }
    // Two ways to divide are no guess.
    let twice = Prediction(
      logits: [1, 2, 3, 4], labels: ["a", "a-vs-b", "b-vs-c", "c"], output: .softmax)
    do {
      _ = try Target.entries("a-vs-b-vs-c", of: twice)
      Issue.record("the text has two meanings")
    } catch {
      #expect("\(error)".contains("a-vs-b-vs-c may be"), "\(error)")
    }
    // The numbers of another prediction of the same model.
    let other = Prediction(
      logits: [5, 1, 0, 0, 0], labels: prediction.entries.map(\.label), output: .softmax)
    let moved = other.counterpart(of: several[1])
    #expect(moved.logit == 4 && moved.index == several[1].index)
    #expect(other.counterpart(of: several[0]) == other.entries[0])
  }

  @Test("a text of separators alone takes no time")
  func separators() throws {
    let prediction = try prediction(["husky", "malamute"])
    #expect(throws: TargetError.self) {
      try Target.entries(String(repeating: "-vs-", count: 2000), of: prediction)
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
