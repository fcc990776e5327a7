internal import Prism

/// A readable page of an OpenAPI description.
struct DocumentationPage {
  private let description: JSON

  init(_ description: JSON) { self.description = description }

  /// The page.
  var html: String {
    let title = (description["info"]?["title"]?.string ?? "").escapedForHTML
    var lines = [
      #"<!doctype html><html lang="en"><head><meta charset="utf-8">"#,
      #"<meta name="viewport" content="width=device-width, initial-scale=1">"#,
      "<title>\(title)</title>",
      #"<link rel="stylesheet" href="/page.css"></head><body><main><h1>\#(title)</h1>"#,
    ]
    lines += paragraphs(description["info"]?["description"]?.string)
    lines.append(#"<p><a href="/openapi.json">openapi.json</a></p>"#)
    for path in members(description["paths"]) {
      for operation in members(path.value) where operation.name != "parameters" {
        lines += section(path.name, operation.name.uppercased(), operation.value)
      }
    }
    return lines.joined(separator: "\n") + "</main></body></html>\n"
  }

  private func section(_ path: String, _ method: String, _ operation: JSON) -> [String] {
    var lines = [
      "<h2><code>\(method) \(path.escapedForHTML)</code></h2>",
      "<p>\((operation["summary"]?.string ?? "").escapedForHTML)</p>",
    ]
    lines += paragraphs(operation["description"]?.string)
    let parameters = (operation["parameters"]?.elements ?? []).compactMap(resolved)
    if !parameters.isEmpty {
      lines.append("<table><tr><th>parameter</th><th>in</th><th></th></tr>")
      lines += parameters.map { parameter in
        "<tr><td><code>" + (parameter["name"]?.string ?? "").escapedForHTML + "</code></td><td>"
          + (parameter["in"]?.string ?? "").escapedForHTML + "</td><td>"
          + (parameter["description"]?.string ?? "").escapedForHTML + "</td></tr>"
      }
      lines.append("</table>")
    }
    for content in members(operation["requestBody"]?["content"]) {
      lines.append("<p>Body: <code>\(content.name.escapedForHTML)</code></p>")
      if let example = content.value["example"] {
        lines.append("<pre>\(example.formatted.escapedForHTML)</pre>")
      }
    }
    lines.append("<table><tr><th>status</th><th></th></tr>")
    for answer in members(operation["responses"]) {
      let text = (resolved(answer.value)?["description"]?.string ?? "").escapedForHTML
      lines.append("<tr><td>\(answer.name.escapedForHTML)</td><td>\(text)</td></tr>")
    }
    return lines + ["</table>"]
  }

  private func paragraphs(_ text: String?) -> [String] {
    (text ?? "").split(separator: "\n\n").map { "<p>\(String($0).escapedForHTML)</p>" }
  }

  private func members(_ value: JSON?) -> [JSON.Member] {
    if case .object(let members)? = value { members } else { [] }
  }

  /// What a reference leads to, or the value itself.
  private func resolved(_ value: JSON) -> JSON? {
    guard let reference = value["$ref"]?.string else { return value }
    return reference.split(separator: "/").dropFirst().reduce(Optional(description)) {
      place, name in
      place?[String(name)]
    }
  }
}
