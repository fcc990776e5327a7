import Foundation
import HTTPTypes
import Hummingbird
import Prism
import PrismTestSupport
import Testing

@testable import PrismServer

@Suite("the description of the interface")
struct DescriptionTests {
  private func members(_ value: JSON?) -> [JSON.Member] {
    if case .object(let members)? = value { members } else { [] }
  }

  @Test("the document names the routes that there are, no more and no fewer")
  func routes() async throws {
    let server = try TestServer()
    let document = try await server(.get, "/openapi.json").json
    #expect(document["openapi"] == .string("3.1.0"))
    let described = members(document["paths"]).flatMap { path in
      members(path.value).map { "\($0.name.uppercased()) \(path.name)" }
    }
    let routes = server.service.router.routes.filter { $0.method != .head }.map { route in
      let path = route.path.description.split(separator: "/").map { part in
        part.hasPrefix(":") ? "{\(part.dropFirst())}" : String(part)
      }.joined(separator: "/")
      return "\(route.method.rawValue) /\(path)"
    }
    #expect(Set(described).count == described.count)
    #expect(Set(described) == Set(routes))
  }

  @Test("references lead somewhere, and answers are of the types that the document names")
  func references() async throws {
    let server = try TestServer()
    let answer = try await server(.get, "/openapi.json")
    let document = answer.json
    let parts = answer.text.components(separatedBy: "\"$ref\": \"#/").dropFirst()
    #expect(parts.count > 50)
    for part in parts {
      let path = part.prefix { $0 != "\"" }.split(separator: "/")
      let found = path.reduce(Optional(document)) { $0?[String($1)] }
      #expect(found != nil, "\(path)")
    }
    for path in members(document["paths"]) where !path.name.contains("{") {
      guard let get = path.value["get"] else { continue }
      let types = members(get["responses"]?["200"]?["content"]).map(\.name)
      let answer = try await server(.get, path.name)
      let type = answer.headers[.contentType]?.prefix { $0 != ";" }
      #expect(answer.status == .ok && types.contains(String(type ?? "")), "\(path.name)")
    }
  }

  @Test("the page for people tells of every operation and loads nothing from elsewhere")
  func documentation() async throws {
    let server = try TestServer()
    let page = try await server(.get, "/docs").text
    let document = try await server(.get, "/openapi.json").json
    for path in members(document["paths"]) {
      for operation in members(path.value) {
        #expect(page.contains("\(operation.name.uppercased()) \(path.name)"))
      }
    }
    #expect(!page.contains("http://") && !page.contains("https://") && !page.contains("<script"))
  }

  @Test("every file of the page is served, and names nothing elsewhere")
  func page() async throws {
    let server = try TestServer()
    let names = Repository.names(in: Repository.root + "Sources/PrismPage/Files")
    #expect(names.contains("index.html"))
    for name in names {
      let answer = try await server(.get, "/\(name)")
      #expect(answer.status == .ok, "\(name)")
      if name != "openapi.json" {
        // What a picture's elements are called is no address.
        let text = answer.text.replacing("http://www.w3.org/", with: "")
        #expect(!text.contains("http://") && !text.contains("https://"), "\(name)")
      }
    }
    #expect(try await server(.get, "/").body == server(.get, "/index.html").body)
  }

  @Test("a path that takes other methods says which")
  func methods() async throws {
    let server = try TestServer()
    for (method, path, allowed) in [
      (HTTPRequest.Method.delete, "/v1/models", "GET"),
      (.put, "/v1/analyses/x", "DELETE, GET, PATCH"), (.post, "/v1/analyses/x/report.pdf", "GET"),
    ] {
      let answer = try await server(method, path)
      #expect(answer.status == .methodNotAllowed && answer.headers[.allow] == allowed, "\(path)")
    }
    let head = try await server(.head, "/v1/models")
    #expect(head.status == .ok)
  }
}
