internal import PrismFiles

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// Finds the files that a CSV names.
struct TableFiles {
  private var roots: [String]

  /// Begins at the folder that an option names, else where the CSV is or its parent.
  init(_ path: String, _ options: DataSet.Options) {
    roots =
      options.root.map { [$0.withoutTrailingSlash] } ?? [path.folder, Self.parent(of: path.folder)]
  }

  /// The path of a file and whether it is there.
  mutating func find(_ name: String) -> (path: String, exists: Bool) {
    if name.hasPrefix("/") { return (name, Folder.exists(name)) }
    for (i, root) in roots.enumerated() {
      let candidate = root.appending(component: name)
      if Folder.exists(candidate) {
        // All files of a table begin at one place.
        if roots.count > 1 { roots = [roots[i]] }
        return (candidate, true)
      }
    }
    return (roots[0].appending(component: name), false)
  }

  /// The folder around another, without `..` in its path.
  private static func parent(of folder: String) -> String {
    let above = "\(folder)/.."
    guard let resolved = realpath(above, nil) else { return above }
    defer { free(resolved) }
    return String(cString: resolved)
  }
}
