extension Text {
  /// The candidate most like a name, or `nil` where none is alike enough to be meant.
  ///
  /// Likeness is the edit distance, of which a third of the name's length is allowed; a name that
  /// only gained or lost a prefix (`module.`, `base_model.`) always counts as alike.
  package static func nearest(to name: String, among candidates: [String]) -> String? {
    let limit = 256
    let wanted = Array(name.utf8)
    guard wanted.count <= limit else { return nil }
    var best: (name: String, distance: Int)?
    // Both bounds keep the search short whatever a file holds.
    for candidate in candidates.prefix(4096) where candidate.utf8.count <= limit {
      let other = Array(candidate.utf8)
      let isSuffix =
        other.count > wanted.count
        ? other.hasSuffix(after: UInt8(ascii: "."), wanted)
        : wanted.hasSuffix(after: UInt8(ascii: "."), other)
      let allowed = isSuffix ? 1 : max(2, wanted.count / 3)
      if !isSuffix, abs(other.count - wanted.count) > allowed { continue }
      let distance = isSuffix ? 1 : editDistance(wanted, other)
      if distance <= allowed, distance < best?.distance ?? .max { best = (candidate, distance) }
    }
    return best?.name
  }
}

extension [UInt8] {
  fileprivate func hasSuffix(after separator: UInt8, _ end: [UInt8]) -> Bool {
    count > end.count && !end.isEmpty && self[count - end.count - 1] == separator
      && suffix(end.count).elementsEqual(end)
  }
}

/// The number of bytes to insert, delete or replace to make one name of the other (Levenshtein).
func editDistance(_ a: [UInt8], _ b: [UInt8]) -> Int {
  var row = Array(0...b.count)
  for i in a.indices {
    var diagonal = row[0]
    row[0] = i + 1
    for j in b.indices {
      let next = min(row[j] + 1, row[j + 1] + 1, diagonal + (a[i] == b[j] ? 0 : 1))
      diagonal = row[j + 1]
      row[j + 1] = next
    }
  }
  return row[b.count]
}
