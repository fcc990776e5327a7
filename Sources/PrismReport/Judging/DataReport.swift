public import Prism

/// What is made of a run over a whole data set: files, a document and lines for people.
public protocol DataReport {
  /// Everything, as JSON.
  var document: JSON { get }

  /// What the console shows.
  var lines: [String] { get }

  /// The files as they are written, that of the document first.
  ///
  /// - Throws: What pictures and pages cannot be made for.
  func files() throws -> [OutputFolder.File]
}
