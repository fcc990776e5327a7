/// What happens in training, for whoever shows it.
public enum TrainingEvent: Sendable {
  /// A phase begins, with a sentence about it.
  case phase(number: Int, text: String)
  /// Inputs have been read and their features computed.
  case features(done: Int, of: Int)
  /// A step was made; the time left is that of all epochs that may come.
  case step(epoch: Int, of: Int, step: Int, steps: Int, loss: Double, secondsLeft: Double)
  /// An epoch is over.
  case epoch(EpochRecord, isBest: Bool, seconds: Double)
}
