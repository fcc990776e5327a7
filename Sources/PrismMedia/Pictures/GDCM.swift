internal import PrismFiles

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

/// The program `gdcmconv` of GDCM, which decompresses DICOM files.
///
/// It runs as a process of its own, with bounds on its memory, its time and what it writes, so that a hostile file can at
/// most end that process.
enum GDCM {
  /// The bytes of address space that it may take.
  private static let memoryLimit = 4 << 30
  /// The seconds of processor time that it may take.
  private static let timeLimit = 60
  /// The bytes that it may write.
  private static let outputLimit = 2 << 30

  /// The file in explicit little-endian form, without compression.
  static func decompressed(_ bytes: [UInt8], name: String) throws(ImageError) -> [UInt8] {
    let folder =
      FileManager.default.temporaryDirectory.path
      + "/prism-\(getpid())-\(UInt64.random(in: 0 ... .max))"
    guard mkdir(folder, 0o700) == 0 else {
      throw .unreadable(name, reason: "no temporary folder can be made for GDCM")
    }
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let (source, target) = (folder + "/source.dcm", folder + "/target.dcm")
    do { try AtomicFile.write(bytes, to: source) } catch {
      throw .unreadable(name, reason: "no temporary file can be written for GDCM")
    }
    let command =
      "ulimit -v \(memoryLimit / 1024); ulimit -t \(timeLimit); ulimit -f \(outputLimit / 512); "
      + "exec gdcmconv --raw --explicit --quiet \"$1\" \"$2\""
    let status = run(["/bin/sh", "-c", command, "gdcmconv", source, target])
    switch status {
    case 0: break
    case 127:
      throw .unreadable(
        name, reason: "this DICOM file needs GDCM; install the package libgdcm-tools")
    default: throw .corrupt(name, reason: "GDCM cannot decode it")
    }
    do { return try Files.read(target) } catch {
      throw .corrupt(name, reason: "GDCM cannot decode it")
    }
  }

  /// Runs a program that sees no input and whose words nobody hears; its exit status, or −1 where it was ended.
  private static func run(_ arguments: [String]) -> Int32 {
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
    guard posix_spawn(&process, arguments[0], &actions, nil, &words, environ) == 0 else {
      return 127
    }
    var status: Int32 = 0
    while waitpid(process, &status, 0) < 0, errno == EINTR {}
    return status & 0x7F == 0 ? status >> 8 & 0xFF : -1
  }
}
