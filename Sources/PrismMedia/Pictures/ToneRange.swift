public import PrismFiles
internal import PrismKernels

/// Which samples of a picture are black and which are white.
public enum ToneRange: Sendable, Equatable, Codable {
  /// What the file says: its window where it has one (DICOM), else all values of the bits that its
  /// largest sample needs.
  ///
  /// Pictures of 8 bits or fewer take all their values.
  case automatic
  /// All values that the samples' depth has.
  case full
  /// From the smallest sample of the picture to its largest.
  case used
  /// From one sample to another; those beyond are black and white.
  case limits(low: Double, high: Double)
  /// A radiologist's window: as `limits`, by its centre and its width (DICOM's linear function).
  case window(center: Double, width: Double)
}

/// How a picture is read.
public struct PictureOptions: Sendable, Equatable {
  /// What shows through transparent pixels.
  public var background = RGB.white
  /// What a picture may have, checked before memory is taken.
  public var limits: Limits
  /// Which samples are black and white.
  public var range = ToneRange.automatic
  /// Which frame of a file with several, counted from 1; `nil` refuses such files.
  public var frame: Int?

  /// Makes options; those left out are the usual ones.
  public init(
    background: RGB = .white, limits: Limits = .current, range: ToneRange = .automatic,
    frame: Int? = nil
  ) {
    self.background = background
    self.limits = limits
    self.range = range
    self.frame = frame
  }

  /// The largest number of pixels.
  var pixelLimit: Int { limits[.pixels] }

  /// The most bytes that a pixel takes while it is decoded: four samples of 16 bits as the file has
  /// them and as they are kept, and the picture of 8 bits.
  private static let bytesOfPixel = 24

  /// Refuses a picture of which there are more pixels than the limit, or than there is memory for.
  ///
  /// - Parameters:
  ///   - name: The file's name.
  ///   - width: The columns that the file promises.
  ///   - height: The rows that it promises.
  /// - Throws: `ImageError.tooLarge`, `.noMemory`.
  func admit(_ name: String, width: Int, height: Int) throws(ImageError) {
    let (count, overflow) = width.multipliedReportingOverflow(by: height)
    guard !overflow, count <= pixelLimit else {
      throw .tooLarge(name, width: width, height: height, limit: pixelLimit)
    }
    guard AddressSpace.hasRoom(for: Self.bytesOfPixel * count) else {
      throw .noMemory(width: width, height: height)
    }
  }
}

/// Where a picture comes from, and what was done to it on the way.
public struct PictureOrigin: Sendable, Equatable, Codable {
  /// The kind of file, such as `PNG`; `nil` for a picture that no file holds.
  public var format: String?
  /// The bits of a sample.
  public var bitDepth: Int
  /// The samples that are black and white, where the file has more than 8 bits or a choice was
  /// made.
  public var range: ClosedRange<Double>?
  /// What a reader should know, such as that transparency was composed on white.
  public var notes: [String]

  /// Makes a record.
  public init(
    format: String? = nil, bitDepth: Int = 8, range: ClosedRange<Double>? = nil,
    notes: [String] = []
  ) {
    self.format = format
    self.bitDepth = bitDepth
    self.range = range
    self.notes = notes
  }
}

extension PictureOrigin {
  /// What was done to the samples, a line each: the depth that was kept and the samples that are
  /// its darkest and lightest tones, then the notes; nothing for a file of 8 bits that was taken as
  /// it is.
  public var lines: [String] {
    let kind = format.map { "\(bitDepth)-bit \($0)" } ?? "\(bitDepth) bits"
    func number(_ value: Double) -> String {
      abs(value) < 1e15 && value == value.rounded() ? "\(Int(value))" : Text.number(value)
    }
    let tones = range.map {
      ["\(kind), tones from \(number($0.lowerBound)) to \(number($0.upperBound))"]
    }
    return (tones ?? (bitDepth > 8 ? [kind] : [])) + notes
  }
}
