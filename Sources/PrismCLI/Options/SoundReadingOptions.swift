internal import ArgumentParser
internal import Prism
internal import PrismReport

/// How sounds are read, and how a recording is judged.
struct SoundReadingOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Of a sound with several channels: left, right, or mix, their mean.", valueName: "channel"))
  var channel = Choice(SoundOptions.Channel.mix)

  @Flag(help: "Take what there is of a sound that is cut off or damaged, and say so.")
  var allowDamaged = false

  @Option(
    help: ArgumentHelp(
      """
      How a long recording is judged by its windows: mean of their logits, maximum (the window that \
      speaks most for a label; of two labels, for the second), or share of the windows in which the \
      label counts. Silent windows have no vote.
      """, valueName: "rule"))
  var verdict = Choice(Verdict.mean)

  /// What the options ask for.
  ///
  /// - Parameter model: The model that the inputs are for.
  /// - Returns: How the sounds are read and judged.
  /// - Throws: `RequestError.needsSound` where an option is for sounds and the model takes
  ///   pictures.
  func reading(for model: Model) throws -> SoundReading {
    var reading = SoundReading()
    reading.channel = channel.element
    reading.allowsDamage = allowDamaged
    reading.verdict = verdict.element
    if model.card.input.audio == nil, let option = reading.unsuitable {
      throw RequestError.needsSound(option)
    }
    return reading
  }
}
