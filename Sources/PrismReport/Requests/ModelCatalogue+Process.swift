#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

extension ModelCatalogue {
  /// The list of places of the running program.
  ///
  /// - Parameter explicit: The folder that the user names.
  /// - Returns: That folder, those of the environment, the usual one and that of the installation.
  public static func ofProcess(explicit: String?) -> ModelCatalogue {
    ModelCatalogue(
      explicit: explicit, environment: ProcessInfo.processInfo.environment,
      executable: executable)
  }

  /// The path of the running program, after links; `nil` where the system does not tell.
  public static var executable: String? {
    try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
  }
}
