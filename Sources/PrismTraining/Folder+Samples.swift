internal import PrismFiles

extension Folder {
  /// The samples in a folder and the folders in it, sorted; links between folders are followed to a depth of eight.
  static func samples(in path: String, depth: Int = 0) throws -> [String] {
    guard depth < 8 else { return [] }
    var result: [String] = []
    for name in try names(in: path) {
      let child = "\(path)/\(name)"
      if DataSet.contents(of: name) != nil {
        result.append(child)
      } else if isFolder(child) == true {
        result += try samples(in: child, depth: depth + 1)
      }
    }
    return result
  }
}
