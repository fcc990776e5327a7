internal import ArgumentParser
internal import Hummingbird
internal import NIOCore
internal import Prism
internal import PrismReport

internal import Foundation

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// The command `prism-server`.
public enum ServerCommand {
  /// Sees to it that there is memory to begin with, or ends the process with a line that says so.
  public static func prepareOrExit() {
    do { try ProcessMemory.prepare() } catch {
      let line = "prism-server: \(error)\n"
      _ = unsafe write(STDERR_FILENO, line, line.utf8.count)
      _exit(1)
    }
  }

  /// Runs the command with the process's arguments and ends the process.
  public static func runAndExit() async -> Never {
    _ = signal(SIGPIPE, SIG_IGN)
    await ServerOptions.main()
    // Work that was given up may still run on other threads, so nothing is torn down under it.
    _exit(0)
  }
}

struct ServerOptions: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "prism-server",
    abstract: "Explains pictures and sounds to browsers and programs.",
    discussion: """
      The page is at /, the interface is described at /docs. Ctrl-C ends the server in good order; \
      analyses that run are then marked as interrupted and can be resumed.
      """, version: PrismVersion.current)

  @Option(help: ArgumentHelp("The address to listen at.", valueName: "address"))
  var host = "127.0.0.1"

  @Option(help: ArgumentHelp("The port; 0 for any that is free.", valueName: "n"))
  var port = 8000

  @Option(
    help: ArgumentHelp(
      "A folder of weights files that is searched before the usual ones.", valueName: "dir"),
    completion: .directory)
  var weights: String?

  @Option(
    help: ArgumentHelp(
      "The folder that keeps analyses. (default: prism in the user's data folder)",
      valueName: "dir"), completion: .directory)
  var data: String?

  @Option(
    help: ArgumentHelp("A folder of pictures and sounds to try.", valueName: "dir"),
    completion: .directory)
  var samples: String?

  @Option(
    name: .customLong("dataset"),
    help: ArgumentHelp(
      """
      Data in which people may look for examples and concepts, a folder or a CSV, under a name; may \
      be repeated. Whoever may ask the server can see pictures of them.
      """, valueName: "name=path"))
  var datasetTexts: [String] = []

  @Option(
    help: ArgumentHelp(
      """
      A file with the token that clients must send (Authorization: Bearer TOKEN); needed to listen \
      at another address than this machine's own.
      """, valueName: "file"), completion: .file())
  var tokenFile: String?

  @Option(
    name: .customLong("limit"),
    help: ArgumentHelp(
      "Sets what an input or request may take, such as pixels=200000000; may be repeated.",
      valueName: "name=value"))
  var limitTexts: [String] = []

  @Option(help: ArgumentHelp("How many requests may wait.", valueName: "n"))
  var queue = 64

  @Option(help: ArgumentHelp("How many explanations are computed at a time.", valueName: "n"))
  var workers = 1

  @Option(
    help: ArgumentHelp(
      "A page elsewhere that may ask, such as https://example.org; may be repeated.",
      valueName: "origin"))
  var allowOrigin: [String] = []

  func validate() throws {
    guard (0...65_535).contains(port) else {
      throw ValidationError("--port is \(port); it must be from 0 to 65535")
    }
    guard (1...100_000).contains(queue) else {
      throw ValidationError("--queue is \(queue); it must be from 1 to 100000")
    }
    guard (1...64).contains(workers) else {
      throw ValidationError("--workers is \(workers); it must be from 1 to 64")
    }
    guard tokenFile != nil || ServerConfiguration.isLoopback(host) else {
      throw ValidationError(
        "--host \(host) can be reached by other machines; name a file with a token by --token-file")
    }
    _ = try datasets()
  }

  func run() async throws {
    do {
      let service = try PrismService(try configuration())
      let host = host.contains(":") ? "[\(host)]" : host
      try await service.application { port in
        print("prism-server listens at http://\(host):\(port)/")
        fflush(nil)
      }.runService()
    } catch {
      let line = Self.line(of: error, port: port)
      try? FileHandle.standardError.write(contentsOf: Data("prism-server: \(line)\n".utf8))
      throw ExitCode(1)
    }
  }

  /// What an error that ends the server means, in one line.
  static func line(of error: any Error, port: Int) -> String {
    guard let error = error as? IOError, error.errnoCode == EADDRINUSE else { return "\(error)" }
    return "port \(port) is in use; choose another with --port"
  }

  private func configuration() throws -> ServerConfiguration {
    let environment = ProcessInfo.processInfo.environment
    var configuration = ServerConfiguration(
      catalogue: .ofProcess(explicit: weights),
      data: try data ?? Self.usualFolder(environment))
    configuration.host = host
    configuration.port = port
    configuration.queue = queue
    configuration.workers = workers
    configuration.origins = allowOrigin.map { $0.hasSuffix("/") ? String($0.dropLast()) : $0 }
    configuration.samples = samples ?? Self.usualSamples()
    configuration.datasets = try datasets()
    for text in limitTexts { try configuration.limits.set(text) }
    configuration.token = try tokenFile.map(Self.token)
    if let weights, Folder.isFolder(weights) != true { throw CatalogueError.noFolder(weights) }
    return configuration
  }

  /// The data sets by their names.
  private func datasets() throws(ValidationError) -> [(name: String, path: String)] {
    var datasets: [(name: String, path: String)] = []
    for text in datasetTexts {
      let set = try Self.dataset(text)
      guard !datasets.contains(where: { $0.name == set.name }) else {
        throw ValidationError("two of --dataset are called \(set.name)")
      }
      datasets.append(set)
    }
    return datasets
  }

  /// Reads `NAME=PATH`.
  ///
  /// - Throws: `ValidationError` for a name that no address could have, or a path that is not there.
  static func dataset(_ text: String) throws(ValidationError) -> (name: String, path: String) {
    let sides = text.split(separator: "=", maxSplits: 1).map(String.init)
    guard sides.count == 2, (1...64).contains(sides[0].utf8.count),
      sides[0].unicodeScalars.allSatisfy({ isPlain($0) })
    else {
      throw ValidationError(
        "--dataset \(text) is not NAME=PATH with a name of letters, digits, ., _ and -")
    }
    let path = ReportInput.wholePath(of: sides[1])
    guard Folder.exists(path) else {
      throw ValidationError("--dataset \(sides[0]): there is nothing at \(path)")
    }
    return (sides[0], path)
  }

  private static func isPlain(_ scalar: Unicode.Scalar) -> Bool {
    scalar.isASCII
      && (scalar.properties.isAlphabetic || "0123456789._-".unicodeScalars.contains(scalar))
  }

  /// The digest of the token in a file.
  private static func token(_ path: String) throws -> String {
    let text = String(decoding: try Files.read(path, limits: Limits([.bytes: 4096])), as: UTF8.self)
      .trimmed
    guard text.utf8.count >= 16 else {
      throw ValidationError("the token in \(path) has fewer than 16 characters")
    }
    return SHA256.hexadecimalDigest(of: Array(text.utf8))
  }

  private static func usualFolder(_ environment: [String: String]) throws -> String {
    if let folder = environment["XDG_DATA_HOME"], folder.hasPrefix("/") { return "\(folder)/prism" }
    guard let home = environment["HOME"], home.hasPrefix("/") else {
      throw ValidationError("there is no data folder; name one by --data")
    }
    return "\(home)/.local/share/prism"
  }

  /// The samples where the user is, or those that were installed with the program.
  private static func usualSamples() -> String? {
    let installed = ModelCatalogue.executable.map {
      "\(Folder.parent(of: Folder.parent(of: $0)))/share/prism/samples"
    }
    return ["Samples", installed].compactMap { $0 }.first { Folder.isFolder($0) == true }
  }
}
