#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif
#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// A program of another project that turns one file into another, as a process of its own with
/// bounds.
///
/// A hostile file can at most end that process: its memory, its processor time, how long it lasts
/// and what it writes are limited, it sees no input, and nobody hears its words.
package struct Helper {
  /// The program, found by the search path.
  private let program: String
  /// Its arguments; `%1` stands for the file that it reads and `%2` for the one that it writes.
  private let arguments: [String]
  /// The bytes of address space that it may take.
  private let memoryLimit: Int
  /// The seconds of processor time that it may take.
  private let timeLimit: Int
  /// The bytes that it may write.
  private let outputLimit: Int

  /// Describes a program.
  package init(
    _ program: String, _ arguments: [String], memoryLimit: Int = 4 << 30, timeLimit: Int = 120,
    outputLimit: Int = 2 << 30
  ) {
    self.program = program
    self.arguments = arguments
    self.memoryLimit = memoryLimit
    self.timeLimit = timeLimit
    self.outputLimit = outputLimit
  }

  /// Why there is no result.
  package enum Failure: Error {
    /// The program is not installed.
    case missing
    /// It ended without a result.
    case refused
    /// No temporary file can be written.
    case noSpace
    /// It took longer than the limit of time, in seconds, allows, and was ended.
    case overdue(limit: Int)
    /// Nobody waits for the result any more.
    case cancelled
  }

  /// What the program makes of a file's contents.
  ///
  /// - Parameters:
  ///   - bytes: The contents.
  ///   - suffixes: The ends of the names of the file that is read and the one that is written.
  /// - Returns: The contents of the file that the program wrote.
  /// - Throws: ``Failure`` where the program is missing, fails, takes too much, or lasts longer than
  ///   the task's limit of time; it is ended where the task is cancelled.
  package func callAsFunction(
    _ bytes: [UInt8], suffixes: (source: String, target: String)
  ) throws(Failure) -> [UInt8] {
    let folder =
      FileManager.default.temporaryDirectory.path
      + "/prism-\(getpid())-\(UInt64.random(in: 0 ... .max))"
    guard mkdir(folder, 0o700) == 0 else { throw .noSpace }
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let (source, target) = (
      "\(folder)/source.\(suffixes.source)", "\(folder)/target.\(suffixes.target)"
    )
    do { try AtomicFile.write(bytes, to: source) } catch { throw .noSpace }
    let words = arguments.map { $0 == "%1" ? "\"$1\"" : $0 == "%2" ? "\"$2\"" : $0 }
    let command =
      "ulimit -v \(memoryLimit / 1024); ulimit -t \(timeLimit); ulimit -f \(outputLimit / 512); "
      + "exec \(program) \(words.joined(separator: " "))"
    let status = try Self.run(
      ["/bin/sh", "-c", command, program, source, target], seconds: Limits.current[.time])
    switch status {
    case 0: break
    case 127: throw .missing
    default: throw .refused
    }
    let limits = Limits([.bytes: outputLimit])
    do { return try Files.read(target, limits: limits) } catch { throw .refused }
  }

  /// The exit status of a program, or −1 where it was ended by a signal.
  private static func run(_ arguments: [String], seconds: Int) throws(Failure) -> Int32 {
    guard let process = spawned(arguments) else { return 127 }
    let end = ContinuousClock.now + .seconds(seconds)
    var status: Int32 = 0
    // Most programs are done in some milliseconds, so they are looked at more often at first.
    var pause: UInt32 = 200
    while true {
      let found = waitpid(process, &status, WNOHANG)
      if found == process { break }
      if found < 0, errno != EINTR { return -1 }
      guard !Task.isCancelled, ContinuousClock.now < end else {
        let isCancelled = Task.isCancelled
        kill(process, SIGKILL)
        while waitpid(process, &status, 0) < 0, errno == EINTR {}
        throw isCancelled ? .cancelled : .overdue(limit: seconds)
      }
      usleep(pause)
      pause = min(2 * pause, 10_000)
    }
    return status & 0x7F == 0 ? status >> 8 & 0xFF : -1
  }

  /// Begins a program; `nil` where it cannot be begun.
  private static func spawned(_ arguments: [String]) -> pid_t? {
    #if canImport(Darwin)
      var actions: posix_spawn_file_actions_t?
    #else
      var actions = posix_spawn_file_actions_t()
    #endif
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
    var words = arguments.map { strdup($0) } + [nil]
    defer { for word in words { free(word) } }
    var process: pid_t = 0
    let status = posix_spawn(&process, arguments[0], &actions, nil, &words, environ)
    return status == 0 ? process : nil
  }
}

extension LimitError {
  /// A program that had to be ended after the time that an input may take.
  ///
  /// - Parameters:
  ///   - subject: What the line begins with, such as a path.
  ///   - limit: The limit in seconds.
  /// - Returns: The error.
  package static func overdue(_ subject: String, limit: Int) -> LimitError {
    LimitError(subject: subject, name: .time, count: limit + 1, limit: limit)
  }
}
