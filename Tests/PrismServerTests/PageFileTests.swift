import Foundation
import Prism
import PrismTestSupport
import Testing

@testable import PrismFiles
import PrismPage

@Suite("the files of the page")
struct PageFileTests {
  private let texts: [String: String] = Dictionary(
    uniqueKeysWithValues: Page.files.map { ($0.name, String(decoding: $0.contents, as: UTF8.self)) }
  )

  private var scripts: [(name: String, text: String)] {
    texts.filter { $0.key.hasSuffix(".js") }.map { ($0.key, $0.value) }
  }

  /// The texts of a language: every name with what stands behind it.
  private func language(_ name: String) throws -> [String: String] {
    let text = try #require(texts["texts-\(name).js"])
    let pairs = text.matches(of: /\n {2}"([^"]+)":\s*((?:"(?:[^"\\]|\\.)*"[\s+]*)+),/)
    return Dictionary(
      pairs.map { (String($0.1), String($0.2)) }, uniquingKeysWith: { _, last in last })
  }

  private func places(_ text: String) -> Set<String> {
    Set(text.matches(of: /\{(\w+)\}/).map { String($0.1) })
  }

  @Test("every language has the same texts with the same places")
  func languages() throws {
    let (english, german) = (try language("en"), try language("de"))
    #expect(english.count > 300)
    #expect(Set(english.keys).symmetricDifference(german.keys).sorted() == [])
    for (name, text) in english {
      #expect(places(text) == places(german[name] ?? ""), "\(name)")
      #expect(german[name]?.count ?? 0 > 2, "\(name)")
    }
    let listed = try #require(texts["texts-languages.js"])
    for file in texts.keys where file.hasPrefix("texts-") && file != "texts-languages.js" {
      #expect(listed.contains("\(file.dropFirst(6).dropLast(3)):"), "\(file)")
    }
  }

  @Test("every text that is named is there")
  func named() throws {
    let english = try language("en")
    for script in scripts where !script.name.hasPrefix("texts") {
      for match in script.text.matches(of: /\b(?:t|maybe)\(\s*"([^"]+)"/) {
        #expect(english[String(match.1)] != nil, "\(script.name): \(match.1)")
      }
    }
  }

  @Test("every method, what is chosen for it, and its composites have their place and words")
  func methods() throws {
    let english = try language("en")
    let choices = try #require(texts["choices.js"])
    for method in ExplanationMethod.allCases {
      #expect(english["method.\(method.rawValue)"] != nil, "\(method.rawValue)")
      #expect(choices.contains("\"\(method.rawValue)\""), "\(method.rawValue)")
    }
    for choice in ExplanationMethod.Choice.allCases where choice != .seed {
      #expect(choices.contains("\n  \(choice.rawValue): {"), "\(choice.rawValue)")
      #expect(english["parameter.\(choice.rawValue)"] != nil, "\(choice.rawValue)")
    }
    for composite in LRP.Composite.allCases {
      #expect(choices.contains("\"\(composite.rawValue)\""), "\(composite.rawValue)")
      #expect(english["composite.\(composite.rawValue)"] != nil, "\(composite.rawValue)")
    }
    for draws in ExplanationMethod.Draws.allCases {
      #expect(choices.contains("\"\(draws.rawValue)\""), "\(draws.rawValue)")
      #expect(english["draws.\(draws.rawValue)"] != nil, "\(draws.rawValue)")
    }
  }

  @Test("what a file names is there, and nothing comes from elsewhere")
  func references() throws {
    for script in scripts {
      for match in script.text.matches(of: /(?:from|import\()\s*"\/([^"]+)"/) {
        #expect(texts[String(match.1)] != nil, "\(script.name): \(match.1)")
      }
    }
    let page = try #require(texts["index.html"])
    for match in page.matches(of: /(?:src|href)="\/([^"]+)"/) where match.1 != "docs" {
      #expect(texts[String(match.1)] != nil, "\(match.1)")
    }
    for (name, text) in texts where name != "openapi.json" {
      #expect(!text.replacing("http://www.w3.org/", with: "").contains("http"), "\(name)")
    }
    #expect(!page.contains("style=") && !page.contains("<style") && !page.contains("onclick"))
    #expect(page.matches(of: /<script(?! type="module" src="\/)/).isEmpty)
  }

  @Test(
    "all of the page weighs less than 120 kB as it is sent, in any language",
    arguments: ["en", "de"])
  func weight(language: String) throws {
    let languages = ["texts-en.js", "texts-de.js"].filter { $0 != "texts-\(language).js" }
    let bytes = try Page.files
      .filter { $0.name != "openapi.json" && !languages.contains($0.name) }
      .reduce(0) { try $0 + #require(GZIP.compressed($1.contents)).count }
    #expect(bytes < 120_000 && bytes > 30_000)
  }
}
