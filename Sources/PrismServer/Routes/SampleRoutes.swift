internal import HTTPTypes
internal import Hummingbird
internal import Prism

/// Pictures and sounds to try.
struct SampleRoutes {
  let platform: Platform

  func add(to router: Router<PrismContext>) {
    router.get("v1/samples") { _, _ in Response.json(["samples": .array(names.map(json))]) }
    router.get("v1/samples/:name") { request, context in
      let name = try context.parameter("name")
      guard let folder = platform.configuration.samples, names.contains(name) else {
        throw Problem(.notFound, "there is no sample \(Text.quoted(name))")
      }
      let bytes = try Files.read("\(folder)/\(name)")
      return Response.bytes(bytes, type: "application/octet-stream").attached(as: name)
        .tagged(SHA256.hexadecimalDigest(of: bytes), for: request)
    }
  }

  /// The names of the files in the folder that are read; figures of explanations are none.
  private var names: [String] {
    guard let folder = platform.configuration.samples else { return [] }
    return ((try? Folder.names(in: folder)) ?? []).filter { name in
      (MediaFormat(fileName: name)?.isRead ?? false) && name.split(separator: ".").count == 2
    }
  }

  private func json(_ name: String) -> JSON {
    [
      "name": .string(name),
      "type": .string(MediaFormat(fileName: name)?.kind == .sound ? "audio" : "image"),
      "url": .string("/v1/samples/" + (name.addingPercentEncoded)),
    ]
  }
}

extension String {
  /// The text as a part of a path.
  var addingPercentEncoded: String {
    utf8.map { byte in
      let scalar = Unicode.Scalar(byte)
      let isPlain =
        scalar.isASCII
        && (scalar.properties.isAlphabetic || "0123456789-._~".unicodeScalars.contains(scalar))
      let digits = String(byte, radix: 16, uppercase: true)
      return isPlain ? String(scalar) : "%" + (digits.count < 2 ? "0" : "") + digits
    }.joined()
  }
}
