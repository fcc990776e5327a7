internal import Prism

/// The page that leads to the comparisons of several inputs.
struct IndexPage {
  /// A finished input.
  struct Entry {
    let input: String
    let label: String
    let probability: Double
    /// The page or the document of the input.
    let link: String
    /// The figure, where it is written.
    let picture: String?

    /// Takes what the page shows from an input's document.
    init(stem: String, document: JSON, formats: [ComparisonFormat]) {
      input = document["input"]?.string ?? stem
      let top = document["predictions"]?.elements.first
      label = top?["label"]?.string ?? ""
      probability = top?["probability"]?.double ?? .nan
      let first = formats.contains(.html) ? "html" : formats.first?.rawValue ?? "json"
      link = "\(stem).\(first)"
      picture = formats.contains(.png) ? "\(stem).png" : nil
    }
  }

  let model: String
  let entries: [Entry]
  let failures: Int

  var html: String {
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
      <h1>Explanations of \(entries.count) pictures</h1>
      <p class="grey">\(model.escapedForHTML)\(failures > 0 ? "; \(failures) inputs failed" : "")</p>
      <ul>

      """
    for entry in entries {
      page += "<li><a href=\"\(entry.link.percentEncoded)\">\(entry.input.escapedForHTML)</a> "
      page +=
        "<span class=\"grey\">\(entry.label.escapedForHTML) \(percent(entry.probability))</span>"
      if let picture = entry.picture {
        page +=
          "<a href=\"\(entry.link.percentEncoded)\"><img src=\"\(picture.percentEncoded)\" alt=\"\" loading=\"lazy\"></a>"
      }
      page += "</li>\n"
    }
    return page + "</ul>\n</body>\n</html>\n"
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
