/// The version of Prism, as the documents and the command name it.
public enum PrismVersion {
  /// Such as `0.1.0`.
  public static let current = "0.1.0"
}
