import Prism
import PrismTestSupport
import Testing

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// The code of the articles in `Prism.docc` is that of the files in `Snippets`, which are compiled
/// with the tests.
@Suite("articles")
struct SnippetTests {
  static let catalogue = Repository.root + "Sources/Prism/Prism.docc/"
  static let articles = Repository.names(in: catalogue).filter { $0.hasSuffix(".md") }

  /// The lines of a text without their indentation, so that code may stand inside a function.
  private func lines(_ text: some StringProtocol) -> String {
    text.split(separator: "\n").map { $0.trimmingPrefix { $0 == " " } }.joined(separator: "\n")
  }

  private func contents(_ path: String) throws -> String {
    let bytes = try #require(FileManager.default.contents(atPath: path))
    return String(decoding: bytes, as: UTF8.self)
  }

  @Test("every block of code is compiled word for word", arguments: articles)
  func isCompiled(_ article: String) throws {
    let folder = Repository.root + "Tests/PrismTests/Snippets/"
    let sources = try Repository.names(in: folder).map { lines(try contents(folder + $0)) }
    let blocks = try contents(Self.catalogue + article).components(separatedBy: "```swift\n")
      .dropFirst().map { $0.components(separatedBy: "\n```")[0] }
    for block in blocks where !block.hasPrefix(".") {
      #expect(sources.contains { $0.contains(lines(block)) }, "\(article): \(block)")
    }
  }

  @Test("there are articles, and all but the landing page show code")
  func articlesShowCode() throws {
    #expect(Self.articles.count >= 7)
    for article in Self.articles where article != "Prism.md" {
      // Of the library, or of the command.
      #expect(try contents(Self.catalogue + article).contains("```"), "\(article)")
    }
  }

  @Test("the code of the articles runs")
  func runs() async throws {
    let model = try Pictures.model()
    let image = try Pictures.picture(brightHalf: 1, seed: 99)
    let pictures = try [0, 1].map { try Pictures.picture(brightHalf: $0, seed: 77) }
    #expect(try predictMany(model, pictures).map(\.top.label) == ["left", "right"])
    try predictPainted(model, pictures)
    try Repository.withFolder { folder in
      try explainOne(model, image, to: folder + "/map.png")
      #expect(try Image(contentsOf: folder + "/map.png").width > 32)
    }
    let measured = try await measureMap(
      model, model.explained(image), model.predict(image).top,
      mask: Tensor([32, 32], repeating: 1))
    #expect(measured[.inside] == 1 && measured[.difference] != nil && measured[.infidelity] == nil)
    try await explainInTask(model, image, model.predict(image).top)
    #expect(try explainOwnClassifier(image).target.label == "right")
    #expect(try explainClosure(image).values.shape == [32, 32])
    let parts = try evaluateInParts(model, model.explained(image))
    #expect(parts.map { $0.shape[0] } == [250, 250] && parts[0] != parts[1])
    #expect(try Model(network: recordOwnNetwork(), card: model.card).labels == model.labels)
  }

  @Test("explanations by name, comparisons and an own method")
  func methods() throws {
    let model = try Pictures.model()
    let image = try Pictures.picture(brightHalf: 0, seed: 5)
    #expect(try explainByName(model, image).map(\.method) == ["lime", "lime"])
    let comparison = try compareMethods(model, image)
    #expect(comparison.judgements.count == 3)
    let own = try model.explain(image, with: SquaredGradient(), target: model.predict(image).top)
    #expect(own.method == "squared-gradient" && own.values.shape == [32, 32])
    #expect(own.values.minimum >= 0 && own.values.maximum > 0)
  }

  @Test("concepts and examples")
  func concepts() throws {
    let model = try Pictures.model()
    func inputs(_ half: Int, _ count: Int, seed: UInt64) throws -> [Tensor] {
      try (0..<count).map {
        model.input(for: try Pictures.picture(brightHalf: half, seed: seed + UInt64($0)))
      }
    }
    let (right, left) = (try inputs(1, 12, seed: 1), try inputs(0, 12, seed: 100))
    let target = try #require(try model.predict(Pictures.picture(brightHalf: 1, seed: 9))["right"])
    // What is bright on the right is what the label means.
    let score = try conceptScore(model, right, left, right + left, target)
    #expect(score.mean > 0.9 && score.isBetterThanChance)
    let found = try discoveredConcepts(model, Array(right.prefix(3) + left.prefix(3)), target)
    #expect(found.concepts.count == 2 && found.layer == "features")
    let (near, standing) = try nearestExamples(model, right + left)
    #expect(near[0].index == 0 && near.allSatisfy { $0.index < 12 } && standing.count == 3)
  }
}
