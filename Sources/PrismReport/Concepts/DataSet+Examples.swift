public import Prism

extension DataSet {
  /// The files of a split as examples with their labels.
  ///
  /// - Parameters:
  ///   - name: `training`, `validation`, `testing` or `all`; `nil` for training, or all there is
  ///     where there is none.
  ///   - naming: What a file is called, by its path; `nil` for its path.
  /// - Returns: Files with the labels that they are known to have.
  /// - Throws: `DataSetError.noSplit` where the split has nothing.
  public func examples(
    split name: String?, naming: ((String) -> String)? = nil
  ) throws -> [ExampleLibrary.Sample] {
    let usual = Self.splitNames[0]
    let name = name ?? (split(usual)?.samples.isEmpty == false ? usual : Self.wholeName)
    guard let split = split(name), !split.samples.isEmpty else {
      throw DataSetError.noSplit(path, name, found: splits.map(\.name))
    }
    return split.samples.map { sample in
      ExampleLibrary.Sample(
        ExampleFile(path: sample.path, name: naming?(sample.path)),
        labels: labels.indices.filter { sample.truth.has($0) == true }.map { labels[$0] })
    }
  }
}
