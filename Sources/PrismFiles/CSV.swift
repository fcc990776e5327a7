extension String {
  /// The text as a cell of a CSV file (RFC 4180): in quotation marks where it holds a comma, one of
  /// these or a line end.
  package var commaSeparatedValue: String {
    // Bytes, since a carriage return and a line feed together are one character.
    let special = Set(",\"\r\n".utf8)
    guard utf8.contains(where: special.contains) else { return self }
    return "\"" + split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"")
      + "\""
  }
}
