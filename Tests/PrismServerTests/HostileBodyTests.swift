import HTTPTypes
import Prism
import PrismTestSupport
import Testing

@testable import PrismServer

/// Bodies that are made up, from good ones with bytes changed, cut and doubled; the same ones every
/// time.
@Suite("bodies that nobody vouches for")
struct HostileBodyTests {
  private static let form = Array(
    """
    --x\r\nContent-Disposition: form-data; name="request"\r\n\r\n\
    {"model": "softmax", "methods": ["gradcam"]}\r\n--x\r\n\
    Content-Disposition: form-data; name="file"; filename="husky.png"\r\n\r\nno picture\r\n--x--\r\n
    """.utf8)
  private static let end = Array("\r\n--x--\r\n".utf8)
  private static let json = Array(
    """
    {"file_b64": "AAAA", "file_name": "a", "tags": ["t"], "request": {"model": "softmax", "seed": 1,
    "methods": ["gradcam", {"name": "lime", "samples": 3, "segments": "slic:3"}], "targets": "top2"}}
    """.utf8)
  private static let tensor = Array(
    """
    {"id": "1", "inputs": [{"name": "input", "datatype": "FP32", "shape": [1, 2, 2, 3], "parameters":
    {"binary_data_size": 48}, "data": [[1, 2.5e-3], 3]}], "outputs": [{"name": "logits"}]}
    """.utf8)
  private static let pixels = Array(
    #"{"instances": [{"b64": "AAAA"}, [[[1, 2, 3], [4, 5, 255]]]], "parameters": {"method": "ig"}}"#
      .utf8)
  private static let study = Array(
    """
    --x\r\nContent-Disposition: form-data; name="request"\r\n\r\n\
    {"kind": "concept", "model": "softmax", "random": {"dataset": "d", "limit": 9}, "runs": 3, \
    "penalty": 0.1, "layers": "a,b", "inputs": {"analysis": "a"}}\r\n--x\r\n\
    Content-Disposition: form-data; name="positive"; filename="a.png"\r\n\r\nno picture\r\n--x--\r\n
    """.utf8)
  private static let report = Array(
    #"{"model": "softmax", "xai_methods": ["gradcam"], "file_type": "image", "file_b64": "AAAA"}"#
      .utf8)

  @Test(
    "no body makes the server fail",
    arguments: [
      ("/v1/analyses", form, "multipart/form-data; boundary=x", 0),
      ("/v1/analyses", json, "application/json", 1),
      ("/v2/models/softmax/infer", tensor, "application/json", 2),
      ("/v1/models/softmax:explain", pixels, "application/json", 3),
      ("/v1/classification_models/predict", report, "application/json", 4),
      ("/v1/studies", study, "multipart/form-data; boundary=x", 5),
    ])
  func mutations(path: String, body: [UInt8], type: String, seed: Int) async throws {
    let server = try TestServer { $0.mostSamples = 4 }
    var random = SeededRandom(seed: UInt64(seed))
    for number in 0..<150 {
      let body = random.changed(body)
      var headers = [("Content-Type", type)]
      if number % 7 == 0 {
        headers.append(("Inference-Header-Content-Length", "\(random.below(300) - 20)"))
      }
      let answer = try await server(.post, path, body, headers: headers)
      #expect(
        answer.status.code < 500 || answer.status.code == 503,
        "\(String(decoding: body, as: UTF8.self)): \(answer.text)")
      if answer.status.code >= 400 { #expect(answer.json["error"]?.string != nil) }
    }
  }

  @Test("a multipart body is read by its boundary alone")
  func multipart() throws {
    let parts = try Multipart(Self.form, type: "multipart/form-data; boundary=\"x\"").parts
    #expect(parts.map(\.name) == ["request", "file"])
    #expect(parts.last?.contents == Array("no picture".utf8))
    #expect(parts.last?.fileName == "husky.png")
    for type in ["multipart/form-data", "multipart/form-data; boundary=", "a; boundary=y"] {
      #expect(throws: Problem.self, "\(type)") { try Multipart(Self.form, type: type) }
    }
    // A boundary within a line belongs to the contents.
    let inner = Array("--x\r\nContent-Disposition: form-data; name=a\r\n\r\nu--x\r\n--x--".utf8)
    #expect(
      try Multipart(inner, type: "m; boundary=x")["a"]?.contents == Array("u--x".utf8))
  }

  @Test("a line that only begins like the boundary belongs to the contents")
  func longerLines() throws {
    let body = Array(
      "--x\r\nContent-Disposition: form-data; name=a\r\n\r\nu\r\n--xy\r\n-\r\n--x-- \r\n--x\r\nend"
        .utf8)
    let parts = try Multipart(body, type: "m; boundary=x").parts
    #expect(parts.map { String(decoding: $0.contents, as: UTF8.self) } == ["u\r\n--xy\r\n-"])
  }

  @Test("bodies that are almost boundaries cost no more than others")
  func almostBoundaries() throws {
    let boundary = String(repeating: "-", count: 67) + "x"
    let dashes = [UInt8](repeating: UInt8(ascii: "-"), count: 16 << 20)
    let lines = Array(repeating: Array("\n--\(boundary.dropLast())".utf8), count: 100_000)
    for body in [dashes, Array(lines.joined()), [UInt8](repeating: 0x0A, count: 4 << 20)] {
      #expect(throws: Problem.self) { try Multipart(body, type: "m; boundary=\(boundary)") }
    }
  }

  @Test(
    "a part's file name is read as it was written",
    arguments: [
      (#"filename="a;b.png""#, "a;b.png"), (#"filename="a\"b.png""#, #"a"b.png"#),
      (#"filename="a\\b.png""#, #"a\b.png"#), (#"filename="C:\x\a.png""#, #"C:\x\a.png"#),
      (#"filename=a.png ; size=3"#, "a.png"), (#"FileName = "a=b.png""#, "a=b.png"),
      (#"filename="""#, ""), (#"filename="x.png; a"#, #""x.png"#),
      (#"filename="fallback.png"; filename*=UTF-8''Gr%C3%B6%C3%9Fe%3B.png"#, "Größe;.png"),
      (#"filename*=utf-8'de'%E2%82%AC.png; filename="euro.png""#, "€.png"),
      (#"filename="a.png"; filename*=UTF-8''%FF"#, "a.png"),
      (#"filename="a.png"; filename*=koi8-r''%C1"#, "a.png"),
      (#"x="filename=no"; filename="yes""#, "yes"), (#"filename="1"; filename="2""#, "1"),
    ])
  func fileNames(written: String, name: String) throws {
    let header = "Content-Disposition: form-data; name=\"n;m\"; \(written)"
    let body = Array("--x\r\n\(header)\r\n\r\nu\r\n--x--".utf8)
    let part = try #require(try Multipart(body, type: "m; boundary=x").parts.first)
    #expect(part.fileName == name && part.name == "n;m")
    #expect(HeaderParameters(header)["none"] == nil && HeaderParameters("")["name"] == nil)
  }

  /// Marks in an order that Unicode's normal form changes: comparing so many would take minutes.
  private static let manyMarks = "a" + String(repeating: "\u{301}\u{323}", count: 250_000)

  @Test("combining marks cost no more than other text, in bodies, forms, headers and addresses")
  func marks() async throws {
    let server = try TestServer()
    let marks = Self.manyMarks
    for (type, body) in [
      ("application/json", #"{"file_b64": "AAAA", "name": "\#(marks)", "request": {}}"#),
      ("application/json", #"{"\#(marks)": 1}"#),
      (
        "multipart/form-data; boundary=x",
        "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"\(marks)\"\r\n\r\nu\r\n--x--"
      ),
      (
        "multipart/form-data; boundary=x",
        "--x\r\nContent-Disposition: form-data; name=\(marks.prefix(1))\(marks)\r\n\r\nu\r\n--x--"
      ),
    ] {
      let answer = try await server(
        .post, "/v1/analyses", Array(body.utf8), headers: [("Content-Type", type)])
      #expect((400..<500).contains(answer.status.code))
    }
    let name = "\r\n--x\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\n\(marks)\r\n--x--"
    let form = Self.form.prefix(Self.form.count - Self.end.count) + Array(name.utf8)
    let named = try await server(
      .post, "/v1/analyses", Array(form),
      headers: [("Content-Type", "multipart/form-data; boundary=x")])
    #expect((400..<500).contains(named.status.code))
    let header = try await server(.get, "/v1/models", headers: [("Origin", marks)])
    #expect(header.status == .badRequest)
    let address = try await server(
      .get, "/v1/analyses?query=" + String(repeating: "%CC%81%CC%A3", count: 100_000))
    #expect(address.status == .uriTooLong)
  }
}
