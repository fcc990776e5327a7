internal import PrismFiles

#if canImport(FoundationEssentials)
  public import FoundationEssentials
#else
  public import Foundation
#endif

/// Why data cannot be used.
public enum DataSetError: Error, Equatable, Sendable, CustomStringConvertible {
  /// A folder holds no samples.
  case empty(String)
  /// A folder holds samples, but no folders of classes.
  case withoutClasses(String, count: Int)
  /// What is given as a list of data is a picture or a sound.
  case noList(String, DataSet.Contents)
  /// All samples have one label.
  case oneClass(String, String)
  /// There is no label of that name.
  case noLabel(String, String, labels: [String])
  /// Some files are pictures and some are sounds.
  case mixed(String)
  /// A CSV lacks a column.
  case noColumn(String, String, found: [String])
  /// A cell of a CSV holds what is not expected there.
  case badCell(String, line: Int, column: String, value: String, expected: String)
  /// A split that is needed is not there or has no samples.
  case noSplit(String, String, found: [String])
  /// No file of a split is there.
  case allMissing(String, String, count: Int)
  /// A label has no sample in the training split, so that it cannot be learnt.
  case untrainable(String, label: String, found: [String])
  /// A folder is not the data's but one above it.
  case oneLevelHigh(String, folder: String)
  /// Folders of classes hold the same folders, which seem to be the classes.
  case sameFolders(String, classes: [String], folders: [String])
  /// None of the files that a list names to be left out is in the data.
  case foreignList(String, of: String)
  /// Something would spoil what is learnt; option is what goes on all the same.
  case spoilt(String, reason: String, option: String)

  /// One line that says what is wrong and what to do.
  public var description: String {
    switch self {
    case .empty(let path):
      "\(Text.printable(path)): holds no pictures and no sounds; "
        + "give a folder with a folder for every class, or a CSV"
    case .withoutClasses(let path, let count):
      "\(Text.printable(path)): no folder of a class holds its \(count == 1 ? "file" : "\(count) files"), "
        + "so that no label is known; give a folder with a folder for every class, or a CSV"
    case .noList(let path, let contents):
      "\(Text.printable(path)): is one \(contents == .sounds ? "sound" : "picture") and no list of "
        + "data; give a folder with a folder for every class, or a CSV"
    case .oneClass(let path, let label):
      "\(Text.printable(path)): all samples have the label \(Text.quoted(label)); "
        + "two labels are needed to learn anything"
    case .noLabel(let path, let name, let labels):
      "\(Text.printable(path)): there is no label \(Text.quoted(name)); there are \(list(labels))"
    case .mixed(let path):
      "\(Text.printable(path)): holds pictures and sounds; a model takes one kind, so separate them"
    case .noColumn(let path, let column, let found):
      "\(Text.printable(path)): has no column \(Text.quoted(column)); "
        + "its columns are \(list(found))"
    case .badCell(let path, let line, let column, let value, let expected):
      "\(Text.printable(path)): line \(line): \(Text.quoted(value)) "
        + "in the column \(Text.quoted(column)) is not \(expected)"
    case .noSplit(let path, let name, let found):
      "\(Text.printable(path)): has no samples for \(Text.printable(name)); "
        + "its splits are \(list(found))"
    case .allMissing(let path, let name, let count):
      "\(Text.printable(path)): \(count == 1 ? "the only file" : "all \(count) files") of "
        + "\(Text.printable(name)) \(count == 1 ? "is" : "are") missing; paths are meant from the "
        + "table's folder"
    case .untrainable(let path, let label, let found):
      "\(Text.printable(path)): the label \(Text.quoted(label)) has no samples in training, "
        + "so it cannot be learnt; training has \(list(found))"
    case .oneLevelHigh(let path, let folder):
      "\(Text.printable(path)): seems one level too high; give \(Text.printable(folder))"
    case .sameFolders(let path, let classes, let folders):
      "\(Text.printable(path)): the folders \(list(classes)) hold no samples but each the folders "
        + "\(list(folders)); give one of them, or --nested where they are the classes"
    case .foreignList(let list, let path):
      "\(Text.printable(list)): none of the files that it names is in \(Text.printable(path)); its "
        + "paths begin where it is or in the working folder"
    case .spoilt(let path, let reason, let option):
      "\(Text.printable(path)): \(reason); mend it, or go on with \(option)"
    }
  }

  private func list(_ names: [String]) -> String {
    let shown = names.prefix(20).map(Text.printable).joined(separator: ", ")
    return names.isEmpty ? "none" : shown + (names.count > 20 ? ", …" : "")
  }
}

extension DataSetError: LocalizedError {
  /// The line that ``description`` gives.
  public var errorDescription: String? { description }
}
