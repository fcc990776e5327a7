public import Prism

/// A report for people with the pictures that are on it, which can also be shown by themselves.
public struct IllustratedReport: Sendable {
  /// The report.
  public internal(set) var page: Report
  /// The pictures by their names, which tell their places in the document.
  public private(set) var pictures: [(name: String, image: Image)] = []

  /// The longer side of a picture on the page.
  private static let side = 144
  /// The longer side of a picture by itself.
  private static let largestSide = 320

  init(title: String, subtitle: String) {
    page = Report(title: title, subtitle: subtitle, sections: [])
  }

  /// Keeps a picture, and makes it ready for the page.
  ///
  /// - Parameters:
  ///   - image: The picture, of any size.
  ///   - name: What it is called, without an extension.
  ///   - captions: What stands below it.
  /// - Returns: The picture as the page has it.
  mutating func thumbnail(
    _ image: Image, named name: String, captions: [String]
  ) -> Report.Thumbnail {
    let longer = max(image.width, image.height)
    pictures.append((name, longer > Self.largestSide ? image.fitting(Self.largestSide) : image))
    return Report.Thumbnail(image.fitting(Self.side), captions: captions)
  }
}

extension Image {
  /// The picture, enlarged or reduced so that its longer side is as long as that of a square.
  func fitting(_ side: Int) -> Image {
    let scale = Double(side) / Double(max(width, height))
    return resized(
      width: max(1, Int((Double(width) * scale).rounded())),
      height: max(1, Int((Double(height) * scale).rounded())), method: .bilinearAntialias)
  }
}
