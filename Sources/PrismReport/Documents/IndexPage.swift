public import Prism

/// The page that leads to the comparisons of several inputs.
public struct IndexPage {
  /// A finished input.
  public struct Entry: Sendable {
    fileprivate let input: String
    fileprivate let label: String
    fileprivate let probability: Double
    /// The pages or the document of the input.
    fileprivate let links: [String]
    /// The figures, where they are written.
    fileprivate let pictures: [String]

    /// Takes what the page shows from an input's document.
    ///
    /// - Parameters:
    ///   - document: The document.
    ///   - name: The name of its file.
    public init(_ document: JSON, name: String) {
      input = document["input"]?["path"]?.string ?? name
      let top = document["predictions"]?.elements.first
      label = top?["label"]?.string ?? ""
      probability = top?["probability"]?.double ?? .nan
      let files = document["files"]?.elements.compactMap(\.string) ?? []
      let pages = files.filter { $0.hasSuffix(".html") }
      links = pages.isEmpty ? [name] : pages
      pictures = files.filter { $0.hasSuffix(".png") }
    }
  }

  /// The name of its file.
  public static let name = "index.html"

  private let model: String
  private let entries: [Entry]

  /// Makes the page.
  ///
  /// - Parameters:
  ///   - model: The name of the model.
  ///   - entries: The finished inputs.
  public init(model: String, entries: [Entry]) {
    self.model = model
    self.entries = entries
  }

  /// The page, which needs no other file but those it leads to.
  public var html: String {
    var page = """
      <!DOCTYPE html>
      <html lang="en">
      <head>
      <meta charset="utf-8">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <title>\(model.escapedForHTML)</title>
      <style>
      body { font: 15px/1.4 system-ui, sans-serif; color: #1b1f24; margin: 2rem; }
      h1 { font-size: 1.5rem; } a { color: inherit; } li { margin: 0 0 1.6rem; }
      ul { list-style: none; padding: 0; } img { max-width: 100%; width: 40rem; display: block; border: 1px solid #b4bac2; }
      .grey { color: #57606a; }
      </style>
      </head>
      <body>
      <main>
      <h1>Explanations of \(entries.count) inputs</h1>
      <p class="grey">\(model.escapedForHTML)</p>
      <ul>

      """
    for entry in entries {
      guard let first = entry.links.first else { continue }
      page += "<li><a href=\"\(first.percentEncoded)\">\(entry.input.escapedForHTML)</a> "
      page += "<span class=\"grey\">\(entry.label.escapedForHTML) "
      page += "\(NumberText.percent(entry.probability))</span>"
      for (index, picture) in entry.pictures.enumerated() {
        let link = index < entry.links.count ? entry.links[index] : first
        page += "<a href=\"\(link.percentEncoded)\"><img src=\"\(picture.percentEncoded)\" "
        page += "alt=\"\" loading=\"lazy\"></a>"
      }
      page += "</li>\n"
    }
    return page + "</ul>\n</main>\n</body>\n</html>\n"
  }
}

extension String {
  /// The text as the path of a link: everything but letters, digits and `-._~` of ASCII is encoded.
  fileprivate var percentEncoded: String {
    utf8.map { byte in
      let scalar = Unicode.Scalar(byte)
      let isPlain =
        scalar.isASCII
        && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar)
          || "-._~".unicodeScalars.contains(scalar))
      if isPlain { return String(scalar) }
      let digits = String(byte, radix: 16, uppercase: true)
      return "%" + (digits.count < 2 ? "0" : "") + digits
    }.joined()
  }
}
