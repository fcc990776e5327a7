extension DataSet {
  /// What a blank or uncertain mention of a finding in a CheXpert report becomes.
  public enum Uncertainty: String, Sendable, CaseIterable, Codable {
    /// Uncertain counts as present (U-Ones).
    case ones
    /// Uncertain counts as absent (U-Zeros).
    case zeros
    /// Uncertain takes no part in the loss and in measures (U-Ignore).
    case ignore
  }

  /// How data are read.
  public struct Options: Sendable, Equatable, Codable {
    /// What uncertain findings of CheXpert become; blanks become 0.
    public var uncertainty = Uncertainty.ones
    /// Whether lateral pictures of CheXpert are used besides frontal ones.
    public var includesLateral = false
    /// The folder that paths of a CSV begin at; where the CSV is, or its parent, unless given.
    public var root: String?
    /// Of two labels the one that a binary model's probability is of.
    public var positive: String?
    /// Selects the split where the data have none.
    public var seed: UInt64 = 0
    /// The column of a CSV that says what must stay in one split; one of ``groupColumns`` unless
    /// given.
    public var groupColumn: String?
    /// Whether folders within the folders of classes are only an order of the class's files, also
    /// where all classes have the same ones.
    public var allowsNesting = false

    /// The paths of CSV files whose column `path` names files that are left out.
    public var leftOut: [String] = []

    /// Makes the options that are usual.
    public init() {}

    /// The columns of a CSV that say whose a sample is, unless an option names another.
    public static let groupColumns = [
      "group", "patient", "patient_id", "patientid", "subject", "subject_id", "speaker",
      "speaker_id",
    ]
  }
}
