public import Prism

/// What a reader of results should know of a picture: what it is, what was done to it, and how much
/// of it was looked at.
public struct PictureFacts: Sendable {
  private let image: Image
  private let area: PictureArea

  /// Gathers the facts.
  ///
  /// - Parameters:
  ///   - image: The picture as it was read.
  ///   - model: The model that looks at it.
  public init(_ image: Image, for model: Model) {
    // What is told needs no pixels, but they are shared, not copied.
    self.image = image
    area = model.card.input.image.area(of: image)
  }

  /// What was done, a line each; nothing for a picture that was taken whole and as it is.
  public var lines: [String] {
    let box = area.box(width: image.width, height: image.height)
    guard box.width < image.width || box.height < image.height else { return image.origin.lines }
    return image.origin.lines + [
      "the model looks at the centre, \(box.width)×\(box.height) of \(image.width)×\(image.height) "
        + "pixels; what lies outside has no attribution"
    ]
  }

  /// The lines for a console, each with what it is about.
  public var summary: [String] { lines.map { "picture: \($0)" } }

  /// The lines as one, for figures; nothing where there is nothing to say.
  var note: [String] { lines.isEmpty ? [] : ["Input: " + lines.joined(separator: "; ") + "."] }

  var json: JSON {
    let box = area.box(width: image.width, height: image.height)
    let origin = image.origin
    return [
      "width": .integer(image.width),
      "height": .integer(image.height),
      "format": origin.format.map(JSON.string) ?? .null,
      "bitDepth": .integer(origin.bitDepth),
      "range": origin.range.map { .array([.number($0.lowerBound), .number($0.upperBound)]) }
        ?? .null,
      "seen": box.json,
      "notes": .array(origin.notes.map(JSON.string)),
    ]
  }
}

extension PictureBox {
  fileprivate var members: [JSON.Member] {
    [
      .init(name: "x", value: .integer(x)), .init(name: "y", value: .integer(y)),
      .init(name: "width", value: .integer(width)),
      .init(name: "height", value: .integer(height)),
    ]
  }

  var json: JSON { .object(members) }
}

extension PictureRegion {
  var json: JSON { .object(box.members + [.init(name: "share", value: .number(share))]) }

  /// Where the region is, in words.
  var line: String {
    "strongest region: columns \(box.x) to \(box.x + box.width), rows \(box.y) to "
      + "\(box.y + box.height) of the picture, "
      + "\(NumberText.percent(share)) of the positive attribution"
  }
}
