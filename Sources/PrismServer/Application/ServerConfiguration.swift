internal import Prism
internal import PrismReport

/// How a server is set up.
struct ServerConfiguration: Sendable {
  /// The address at which it listens.
  var host = "127.0.0.1"
  /// The port; 0 for any that is free.
  var port = 8000
  /// Where models are found.
  var catalogue: ModelCatalogue
  /// The folder that keeps analyses.
  var data: String
  /// The SHA-256 digest of the token that clients must have; `nil` for none.
  var token: String?
  /// What an input and a request may take.
  var limits = Limits([.bytes: 64 << 20, .time: 3600, .pixels: 50_000_000])
  /// How many requests may wait, in each of the two lanes.
  var queue = 64
  /// How many explanations are computed at a time.
  var workers = 1
  /// Pages of other servers that may ask.
  var origins: [String] = []
  /// The folder of samples; `nil` for none.
  var samples: String?
  /// Data sets by name, and where they are.
  var datasets: [(name: String, path: String)] = []
  /// The most files among which examples are searched; of more, evenly spread ones are taken.
  var mostExamples = 20_000
  /// The most files of each kind in a test of concepts or a search for them.
  var mostStudied = 512
  /// The bytes that data sets may take in memory as points of a layer's space.
  var mostLibraryBytes = 256 << 20
  /// The seconds that a request may take whose client waits for it.
  var patience = 120
  /// The seconds in which more of a body has to come.
  var uploadPatience = 30
  /// The seconds after which a connection is closed on which nothing moves.
  var idlePatience = 60
  /// The seconds after which a painted picture is put away that nobody asks for.
  var paintingPatience = 120
  /// The most explanations by sampling that one method may take.
  var mostSamples = 100_000

  /// Whether an address is reached from this machine alone.
  static func isLoopback(_ host: String) -> Bool {
    host == "localhost" || host == "::1" || host.hasPrefix("127.")
  }

  /// The names by which the server is asked, in small letters.
  var hosts: Set<String> {
    var hosts: Set<String> = ["localhost", "127.0.0.1", "[::1]", host.lowercased()]
    for origin in origins {
      let name = origin.split(separator: "/").last.map(String.init) ?? ""
      hosts.insert(name.prefix { $0 != ":" }.lowercased())
    }
    return hosts
  }
}

extension RequestReader {
  /// What clients of a server may ask.
  init(_ configuration: ServerConfiguration) {
    self.init(
      limits: configuration.limits, mostSamples: configuration.mostSamples,
      listing: "GET /v1/methods")
  }

  /// What clients of a server may ask.
  init(_ platform: Platform) { self.init(platform.configuration) }
}
