import Hummingbird
import HTTPTypes
import Logging
import NIOCore
import NIOEmbedded
import Prism
import PrismReport
import PrismSmallModels
import PrismTestSupport

@testable import PrismServer

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// A server in memory, with small models and a data folder of its own.
final class TestServer: Sendable {
  let service: PrismService
  let folder: String
  private let responder: RouterResponder<PrismContext>

  /// - Parameters:
  ///   - folder: The data folder; `nil` for a new one.
  ///   - change: Changes how the server is set up.
  /// - Throws: Where the data folder cannot be made.
  init(folder: String? = nil, _ change: (inout ServerConfiguration) -> Void = { _ in }) throws {
    let folder =
      folder ?? FileManager.default.temporaryDirectory.path + "/prism-server-\(UUID().uuidString)"
    self.folder = folder
    _ = SmallModel.all
    var configuration = ServerConfiguration(
      catalogue: ModelCatalogue(explicit: SmallModel.folder, environment: [:], executable: nil),
      data: folder)
    configuration.samples = Repository.samples
    // Tasks of a suite wait for each other, on a busy machine for minutes: only what tests the
    // patience has a small one.
    configuration.patience = 3600
    configuration.uploadPatience = 3600
    configuration.idlePatience = 3600
    configuration.paintingPatience = 3600
    configuration.mostSamples = Sample.most
    change(&configuration)
    service = try PrismService(configuration)
    responder = service.router.buildResponder()
  }

  deinit { try? FileManager.default.removeItem(atPath: folder) }

  /// An answer whose body has been read.
  struct Answer: Sendable {
    let status: HTTPResponse.Status
    let headers: HTTPFields
    let body: [UInt8]

    var text: String { String(decoding: body, as: UTF8.self) }
    var json: JSON { (try? JSONReader.parse(text)) ?? .null }
  }

  /// Asks the server.
  func callAsFunction(
    _ method: HTTPRequest.Method, _ path: String, _ body: [UInt8] = [],
    headers: [(String, String)] = [], host: String = "127.0.0.1:8000"
  ) async throws -> Answer {
    var fields = HTTPFields()
    for (name, value) in headers {
      if let name = HTTPField.Name(name) { fields[name] = value }
    }
    let request = Request(
      head: HTTPRequest(
        method: method, scheme: "http", authority: host, path: path, headerFields: fields),
      body: RequestBody(buffer: ByteBuffer(bytes: body)))
    let context = PrismContext(
      source: ApplicationRequestContextSource(
        channel: NIOAsyncTestingChannel(), logger: Logger(label: "test")))
    let response = try await responder.respond(to: request, context: context)
    let collected = Collected()
    try await response.body.write(collected)
    return Answer(status: response.status, headers: response.headers, body: collected.bytes)
  }

  /// Sends JSON.
  func post(_ path: String, _ json: JSON) async throws -> Answer {
    try await self(
      .post, path, Array(json.description.utf8), headers: [("Content-Type", "application/json")])
  }

  /// Begins an analysis of a picture.
  func analyse(
    _ input: [UInt8], _ query: String = "model=softmax&methods=gradcam",
    headers: [(String, String)] = []
  ) async throws -> Answer {
    try await self(
      .post, "/v1/analyses?\(query)", input,
      headers: [("Content-Type", "application/octet-stream")] + headers)
  }

  /// Waits until an analysis has ended, by its events.
  ///
  /// - Returns: The names of the events, and the analysis.
  func events(_ id: String, after: String? = nil) async throws -> Answer {
    try await self(
      .get, "/v1/analyses/\(id)/events",
      headers: after.map { [("Last-Event-ID", $0)] } ?? [])
  }

  private final class Collected: ResponseBodyWriter {
    var bytes: [UInt8] = []

    func write(_ buffer: ByteBuffer) async throws {
      bytes.append(contentsOf: buffer.readableBytesView)
    }

    func finish(_ trailingHeaders: HTTPFields?) async throws {}
  }
}

/// Pictures and sounds.
enum Sample {
  /// A method that does not end before it is stopped, however long a suite holds its test up.
  static let endless = rise(samples: most)
  /// The samples of ``endless``.
  static let most = ExplanationRequest.mostSamples

  static func rise(samples: Int) -> JSON {
    ["name": .string("rise"), "samples": .integer(samples)]
  }

  static let husky = (try? Files.read(Repository.samples + "husky.png")) ?? []
  static let voice = (try? Files.read(Repository.samples + "voice-synthetic.wav")) ?? []
}
