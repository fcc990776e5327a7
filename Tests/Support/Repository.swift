#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Places in the working copy, and whether what is not committed is there.
public enum Repository {
  /// The folder of the working copy, with a slash at the end.
  public static let root = String(#filePath.dropLast("Tests/Support/Repository.swift".count))
  /// The reference data.
  public static let fixtures = root + "Tests/Fixtures/"
  /// The sample pictures.
  public static let samples = root + "Samples/"
  /// The weights files, which are not committed.
  public static let weights = root + "Weights/"

  /// Whether the published model has been fetched; `Tools/test.sh` does so before it runs the
  /// tests.
  public static let hasDogs = FileManager.default.fileExists(atPath: weights + "dogs.safetensors")

  /// Calls a closure with the path of an empty folder that exists as long as the closure runs.
  public static func withFolder<Result>(_ body: (_ path: String) throws -> Result) throws -> Result
  {
    let path = FileManager.default.temporaryDirectory.path + "/prism-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: path) }
    return try body(path)
  }

  /// The names of a folder's entries, in alphabetical order; none where there is no folder.
  public static func names(in folder: String) -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()
  }
}
