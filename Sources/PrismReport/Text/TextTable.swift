internal import Prism

/// Rows of cells as lines with aligned columns.
public enum TextTable {
  /// The lines of a table.
  ///
  /// - Parameter rows: Cells; rows may have different lengths.
  /// - Returns: One line a row, without blanks at the end.
  public static func lines(_ rows: [[String]]) -> [String] {
    // Cells are as wide as they are printed.
    let rows = rows.map { $0.map { Text.harmless($0) } }
    let columns = rows.map(\.count).max() ?? 0
    let widths = (0..<columns).map { column in
      rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0
    }
    return rows.map { row in
      // Empty cells at the end leave no blanks.
      let row = row.prefix((row.lastIndex { !$0.isEmpty } ?? -1) + 1)
      var line = ""
      for (column, cell) in row.enumerated() {
        line += cell
        if column < row.count - 1 {
          line += String(repeating: " ", count: widths[column] - cell.count + 2)
        }
      }
      return line
    }
  }
}
