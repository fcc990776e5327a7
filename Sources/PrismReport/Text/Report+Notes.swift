internal import Prism

extension Report.Block {
  /// What a reader should know, as a sentence.
  ///
  /// - Parameter text: The note as a terminal shows it: without a capital and a full stop.
  /// - Returns: The block.
  static func sentence(_ text: String) -> Report.Block {
    .note(text.prefix(1).uppercased() + text.dropFirst() + ".")
  }
}
