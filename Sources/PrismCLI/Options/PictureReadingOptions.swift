internal import ArgumentParser
internal import Prism
internal import PrismReport

/// How pictures are read.
struct PictureReadingOptions: ParsableArguments {
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      """
      Which samples of a picture are black and white: full (all that its depth has), used (its \
      smallest and largest) or two numbers such as 0:4095. (default: the window of a DICOM file; \
      all values of as many bits as the largest sample needs)
      """, valueName: "full|used|low:high"))
  var range: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "The same as a radiologist's window, such as 40:400.", valueName: "centre:width"))
  var windowLevel: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Which frame or page of a DICOM or TIFF file with several, from 1.", valueName: "n"))
  var frame: Int?

  func validate() throws {
    do { _ = try reading.options() } catch { throw ValidationError("\(error)") }
  }

  /// Refuses choices that a model has no use for.
  func check(for model: Model) throws(RequestError) {
    if reading != PictureReading(), model.card.input.audio != nil {
      throw .needsPictures("--range, --window-level or --frame")
    }
  }

  /// What was chosen.
  var reading: PictureReading {
    var reading = PictureReading()
    reading.range = range
    reading.window = windowLevel
    reading.frame = frame
    return reading
  }
}
