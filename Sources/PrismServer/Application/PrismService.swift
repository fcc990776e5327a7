internal import Hummingbird
internal import HummingbirdCore
internal import Logging
internal import NIOCore

/// The server: its routes and what runs beside them.
struct PrismService {
  let platform: Platform
  let analyses: Analyses
  let studies: Studies

  /// - Parameter configuration: How the server is set up.
  /// - Throws: What the data folder cannot be used for.
  init(_ configuration: ServerConfiguration) throws {
    platform = try Platform(configuration)
    analyses = Analyses(platform)
    studies = try Studies(platform)
  }

  /// All routes, each behind the gatekeeper.
  var router: Router<PrismContext> {
    let router = Router(context: PrismContext.self, options: .autoGenerateHeadEndpoints)
    router.add(middleware: Envelope(platform: platform))
    router.add(middleware: Gatekeeper(configuration: platform.configuration))
    PageRoutes().add(to: router)
    HealthRoutes(platform: platform).add(to: router)
    SampleRoutes(platform: platform).add(to: router)
    PreviewRoutes(platform: platform).add(to: router)
    ClassificationRoutes(platform: platform).add(to: router)
    KServeRoutes(platform: platform).add(to: router)
    InferenceRoutes(platform: platform).add(to: router)
    AnalysisRoutes(platform: platform, analyses: analyses).add(to: router)
    EventRoutes(platform: platform, analyses: analyses).add(to: router)
    ResultRoutes(platform: platform).add(to: router)
    DatasetRoutes(platform: platform).add(to: router)
    StudyRoutes(platform: platform, studies: studies).add(to: router)
    platform.know(
      router.routes.filter { $0.method != .head }.map {
        ($0.path.description, $0.method.rawValue)
      })
    return router
  }

  /// The server at its address.
  ///
  /// - Parameter didStart: Is told the port when the server listens.
  /// - Returns: What runs until the process is told to end.
  func application(
    didStart: @escaping @Sendable (Int) -> Void
  ) -> some ApplicationProtocol {
    let configuration = platform.configuration
    var logger = Logger(label: "prism-server") { StreamLogHandler.standardError(label: $0) }
    logger.logLevel = .warning
    return Application(
      router: router,
      server: .http1(
        configuration: .init(
          additionalChannelHandlers: [ConnectionWatch()],
          idleTimeout: .seconds(Int64(configuration.idlePatience)),
          httpDecoderConfiguration: .init(
            maxHeaderFieldSize: 16_384, maxHeaderListSize: 32_768, maxHeaderFieldCount: 100))),
      configuration: ApplicationConfiguration(
        address: .hostname(configuration.host, port: configuration.port), serverName: "prism",
        backlog: 512, availableConnectionsDelegate: MaximumAvailableConnections(512)),
      services: [analyses, studies],
      onServerRunning: { channel in didStart(channel.localAddress?.port ?? configuration.port) },
      logger: logger)
  }
}
