internal import ArgumentParser
internal import Prism

/// How a command reads labelled data.
struct DataOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "What uncertain findings of CheXpert become: ones, zeros or ignore.", valueName: "policy"))
  var uncertain = Choice(DataSet.Uncertainty.ones)

  @Flag(help: "Use lateral pictures of CheXpert too.") var lateral = false

  @Option(
    help: ArgumentHelp(
      "The folder at which the paths of a CSV begin. (default: where the CSV is, or its parent)",
      valueName: "dir"))
  var images: String?

  @Option(
    help: ArgumentHelp(
      """
      Of two labels the one whose probability is meant. (default: the last by name; fake of real \
      and fake)
      """, valueName: "label"))
  var positive: String?

  @Option(
    help: ArgumentHelp("Selects the split where the data have none.", valueName: "number"))
  var splitSeed: UInt64 = 0

  @Option(
    help: ArgumentHelp(
      """
      The column of a CSV that says what stays in one split. (default: group, patient, subject or \
      speaker, where there is one)
      """, valueName: "column"))
  var group: String?

  @Flag(help: "Take folders within the folders of classes as an order of their files alone.")
  var nested = false

  @Option(
    help: ArgumentHelp(
      """
      Leave out the files that a CSV names in its column path, such as survey.suspicious.csv; may \
      be repeated.
      """, valueName: "path"))
  var leaveOut: [String] = []

  /// Says what is wrong with the name of a split.
  ///
  /// - Parameter split: A name; `nil` where none was given.
  /// - Throws: `ValidationError` for a name that no split has.
  static func checkSplit(_ split: String?) throws(ValidationError) {
    if let split, !(DataSet.splitNames + [DataSet.wholeName]).contains(split) {
      throw ValidationError("--split must be training, validation, testing or all")
    }
  }

  func open(_ path: String) throws -> DataSet {
    var options = DataSet.Options()
    options.uncertainty = uncertain.element
    options.includesLateral = lateral
    options.root = images
    options.positive = positive
    options.seed = splitSeed
    options.groupColumn = group
    options.allowsNesting = nested
    options.leftOut = leaveOut
    return try DataSet.open(path, options: options)
  }
}
