internal import Prism

/// What is wrong with data, as lines.
enum DataSetFindings {
  /// The places that are shown of each finding unless all are asked for.
  static let shown = 5

  /// A line for every kind of finding and one for each of its first places.
  static func lines(_ findings: [DataSet.Finding], limit: Int = shown) -> [String] {
    findings.flatMap { finding in
      let items = finding.items.prefix(limit).map { item in
        "  \(item.path)" + (item.reason.map { ": \($0)" } ?? "")
      }
      let isWhole = finding.items.count <= limit
      return [finding.summary + (isWhole ? ":" : ", such as:")] + items
    }
  }

  /// The same as JSON.
  static func document(_ findings: [DataSet.Finding]) -> JSON {
    .array(
      findings.map { finding in
        [
          "kind": .string(finding.kind.rawValue),
          "effect": .string(finding.effect.rawValue),
          "count": .integer(finding.items.count),
          "items": .array(
            finding.items.map { item in
              [
                "path": .string(item.path),
                "reason": item.reason.map(JSON.string) ?? .null,
              ]
            }),
        ]
      })
  }
}
