import HTTPTypes
import Prism
import PrismPage
import Testing

@testable import PrismServer

@Suite("who may ask, and what protects browsers")
struct GatekeeperTests {
  @Test(
    "hosts and origins",
    arguments: [
      ("127.0.0.1:8000", [], 200), ("localhost", [], 200), ("[::1]:8000", [], 200),
      ("evil.example:8000", [], 421), ("", [], 421),
      ("127.0.0.1:8000", [("Origin", "http://127.0.0.1:8000")], 200),
      ("127.0.0.1:8000", [("Origin", "http://127.0.0.1:9000")], 403),
      ("127.0.0.1:8000", [("Origin", "null")], 403),
      ("127.0.0.1:8000", [("Origin", "https://good.example")], 200),
      ("127.0.0.1:8000", [("Sec-Fetch-Site", "cross-site")], 403),
      (
        "127.0.0.1:8000", [("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", "navigate")], 200
      ),
    ] as [(String, [(String, String)], Int)])
  func origins(host: String, headers: [(String, String)], status: Int) async throws {
    let server = try TestServer { $0.origins = ["https://good.example"] }
    let answer = try await server(.get, "/v1/models", headers: headers, host: host)
    #expect(answer.status.code == status)
    let allowed = answer.headers[.accessControlAllowOrigin]
    #expect(allowed == (headers.first?.1 == "https://good.example" ? "https://good.example" : nil))
  }

  @Test(
    "the page is sent in a smaller form to those who read it",
    arguments: [
      (nil, false), ("", false), ("br", false), ("gzip;q=0, br", false), ("xgzip", false),
      ("gzip", true), ("deflate, GZIP ; q=0.5", true), ("gzip, deflate, br, zstd", true),
    ] as [(String?, Bool)])
  func small(accepted: String?, isSmall: Bool) async throws {
    let server = try TestServer { $0.origins = ["https://good.example"] }
    let headers =
      (accepted.map { [("Accept-Encoding", $0)] } ?? []) + [("Origin", "https://good.example")]
    let answer = try await server(.get, "/views.js", headers: headers)
    #expect(answer.headers[.contentEncoding] == (isSmall ? "gzip" : nil))
    #expect(answer.body.starts(with: [0x1F, 0x8B]) == isSmall)
    #expect(answer.headers[values: .vary] == ["Accept-Encoding", "Origin"])
    let whole = try await server(.get, "/views.js")
    #expect(whole.headers[.contentEncoding] == nil && whole.text.hasPrefix("//"))
    #expect(isSmall ? answer.body.count < whole.body.count / 2 : answer.body == whole.body)
    let tag = answer.headers[.eTag] ?? ""
    #expect((tag != whole.headers[.eTag]) == isSmall)
    let again = try await server(.get, "/views.js", headers: headers + [("If-None-Match", tag)])
    #expect(again.status == .notModified && again.body.isEmpty)
  }

  @Test("the token is asked for by everything but the page and health")
  func token() async throws {
    let token = "a-long-enough-token"
    let server = try TestServer { $0.token = SHA256.hexadecimalDigest(of: Array(token.utf8)) }
    for (path, header, status) in [
      ("/v1/models", nil, 401), ("/v1/models", "Bearer \(token)", 200),
      ("/v1/models", "Bearer \(token)x", 401), ("/v1/models", token, 401),
      ("/metrics", nil, 401), ("/v1/analyses", nil, 401), ("/", nil, 200),
      ("/v2/health/ready", nil, 200), ("/openapi.json", nil, 200),
    ] as [(String, String?, Int)] {
      let answer = try await server(
        .get, path, headers: header.map { [("Authorization", $0)] } ?? [], host: "far.example")
      #expect(answer.status.code == status, "\(path) \(header ?? "")")
    }
    for file in Page.files {
      let answer = try await server(.get, "/\(file.name)", host: "far.example")
      #expect(answer.status == .ok, "\(file.name)")
    }
    for path in ["//v1/models", "/%761/models", "/v1", "/v2", "/v2/models/softmax/ready"] {
      let answer = try await server(.get, path, host: "far.example")
      #expect(answer.status == .unauthorized, "\(path)")
    }
    #expect(Gatekeeper.areEqual("abc", "abc"))
    #expect(!Gatekeeper.areEqual("abc", "abd") && !Gatekeeper.areEqual("abc", "ab"))
  }

  @Test(
    "every answer has the headers that keep browsers strict", arguments: ["/", "/v1/x", "/docs"])
  func headers(path: String) async throws {
    let answer = try await TestServer()(.get, path)
    func header(_ name: String) -> String? { HTTPField.Name(name).flatMap { answer.headers[$0] } }
    #expect(header("X-Content-Type-Options") == "nosniff")
    #expect(header("X-Frame-Options") == "DENY")
    let policy = header("Content-Security-Policy") ?? ""
    #expect(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"))
    #expect(!policy.contains("unsafe"))
  }

  @Test("a body beyond the limit is refused, announced or not")
  func limits() async throws {
    let server = try TestServer { $0.limits = Limits([.bytes: 1000]) }
    let bytes = [UInt8](repeating: 65, count: 1001)
    #expect(try await server.analyse(bytes).status == .contentTooLarge)
    let announced = try await server.analyse([], headers: [("Content-Length", "999999999999")])
    #expect(announced.status == .contentTooLarge)
  }

  @Test("samples are listed and had by name alone")
  func samples() async throws {
    let server = try TestServer()
    let samples = try await server(.get, "/v1/samples").json["samples"]?.elements ?? []
    #expect(
      samples.contains { $0["name"] == .string("husky.png") && $0["type"] == .string("image") })
    #expect(samples.contains { $0["type"] == .string("audio") })
    for sample in samples {
      let answer = try await server(.get, sample["url"]?.string ?? "")
      #expect(answer.status == .ok && answer.headers[.contentDisposition] != nil)
    }
    for path in ["ATTRIBUTION.md", "..%2FPackage.swift", "%2e%2e%2fREADME.md"] {
      #expect(try await server(.get, "/v1/samples/\(path)").status == .notFound)
    }
  }
}
