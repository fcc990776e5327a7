internal import Hummingbird
internal import Prism
internal import PrismReport

/// Files as pictures that every browser shows, before anything is asked about them.
struct PreviewRoutes {
  let platform: Platform

  /// The longest side of a preview.
  private static let side = 1024

  func add(to router: Router<PrismContext>) {
    router.post("v1/preview") { request, context in
      let bytes = try await request.bytes(platform)
      guard !bytes.isEmpty else { throw Problem(.unprocessableContent, "the file is empty") }
      let png = try await platform.answer(context) {
        try ReportInput(bytes, name: "the file").picture(PictureReading())
          .reduced(to: Self.side).pngData()
      }
      return Response.bytes(png, type: "image/png")
    }
  }
}

extension Image {
  /// The picture, not larger than a square.
  ///
  /// - Parameter side: The square's side.
  /// - Returns: The picture itself where it is small enough.
  func reduced(to side: Int) -> Image {
    let longest = max(width, height)
    guard longest > side else { return self }
    return resized(
      width: max(1, width * side / longest), height: max(1, height * side / longest),
      method: .bilinearAntialias)
  }
}
