internal import PrismFiles
public import PrismTensor

/// A picture of interleaved 8-bit sRGB pixels, with value semantics; deeper samples of its file are
/// kept beside them.
public struct Image: Sendable, Equatable {
  /// The number of columns, at least 1.
  public let width: Int
  /// The number of rows, at least 1.
  public let height: Int
  /// The pixels, row by row from the top: red, green, blue, red, …; `[height, width, 3]`.
  public let pixels: [UInt8]
  /// Where the picture comes from, and what was done to it on the way.
  public let origin: PictureOrigin
  /// The samples of a file with more than 8 bits; ``pixels`` are made of them.
  let deep: DeepSamples?

  /// Makes a picture from its pixels.
  ///
  /// - Throws: `ImageError.corrupt` where the pixels do not fill the picture: both extents are to
  ///   be positive and `pixels.count == width * height * 3`.
  public init(width: Int, height: Int, pixels: [UInt8]) throws(ImageError) {
    let (area, overflow) = width.multipliedReportingOverflow(by: height)
    guard width > 0, height > 0, !overflow, pixels.count / 3 == area, pixels.count % 3 == 0 else {
      throw .corrupt(
        "image data", reason: "\(pixels.count) bytes do not fill \(width)×\(height) RGB pixels")
    }
    self.init(width: width, height: height, exactly: pixels)
  }

  /// Makes a picture from pixels that are known to fill it.
  ///
  /// - Precondition: Both extents are positive and `pixels.count == width * height * 3`.
  package init(width: Int, height: Int, exactly pixels: [UInt8]) {
    precondition(
      width > 0 && height > 0 && pixels.count == width * height * 3,
      "\(pixels.count) bytes do not fill \(width)×\(height) RGB pixels")
    self.init(width: width, height: height, pixels: pixels, deep: nil, origin: PictureOrigin())
  }

  init(width: Int, height: Int, pixels: [UInt8], deep: DeepSamples?, origin: PictureOrigin) {
    self.width = width
    self.height = height
    self.pixels = pixels
    self.deep = deep
    self.origin = origin
  }

  /// Makes a picture of one colour.
  ///
  /// - Precondition: Both extents are positive.
  public init(width: Int, height: Int, filledWith color: RGB) {
    precondition(width > 0 && height > 0, "a picture of \(width)×\(height) pixels")
    let pixels = [UInt8](unsafeUninitializedCapacity: width * height * 3) { target, count in
      for i in 0..<(width * height) {
        target[3 * i] = color.red
        target[3 * i + 1] = color.green
        target[3 * i + 2] = color.blue
      }
      count = width * height * 3
    }
    self.init(width: width, height: height, exactly: pixels)
  }

  /// Reads a picture: PNG, JPEG, TIFF, WebP, BMP or DICOM; the contents decide which, not the name.
  ///
  /// - Parameters:
  ///   - path: The file.
  ///   - options: What shows through transparency, which samples are black and white, and limits.
  /// - Throws: `ImageError`.
  public init(
    contentsOf path: String, options: PictureOptions = PictureOptions()
  ) throws(ImageError) {
    let bytes: [UInt8]
    do { bytes = try Files.read(path, limits: options.limits) } catch { throw ImageError(error) }
    try self.init(decoding: bytes, name: path, options: options)
  }

  /// Decodes the contents of a picture's file.
  ///
  /// - Parameters:
  ///   - bytes: The contents.
  ///   - name: What errors call the picture.
  ///   - options: What shows through transparency, which samples are black and white, and limits.
  /// - Throws: `ImageError`.
  public init(
    decoding bytes: [UInt8], name: String = "image data",
    options: PictureOptions = PictureOptions()
  ) throws(ImageError) {
    guard let format = PictureFormat(of: bytes) else {
      throw bytes.isEmpty ? .truncated(name) : .unrecognised(name)
    }
    if let frame = options.frame, frame != 1, !format.mayHaveFrames {
      throw .noFrame(name, frame: frame, count: 1)
    }
    let image: Image =
      switch format {
      case .png: try PNG.decode(bytes, name: name, options: options)
      case .jpeg: try JPEG.decode(bytes, name: name, options: options)
      case .tiff: try TIFF.decode(bytes, name: name, options: options)
      case .webP: try WebP.decode(bytes, name: name, options: options)
      case .bmp: try BMP.decode(bytes, name: name, options: options)
      case .dicom: try DICOM.decode(bytes, name: name, options: options)
      }
    self = try image.deep == nil ? image.toned(by: options, name: name) : image
  }

  /// An 8-bit picture with the tones that were asked for; as it is where nothing was.
  private func toned(by options: PictureOptions, name: String) throws(ImageError) -> Image {
    switch options.range {
    case .automatic, .full: return self
    case .used, .limits, .window: break
    }
    let samples = PictureSamples(
      width: width, height: height, channels: 3, depth: 8, values: pixels.map(UInt16.init),
      format: .png)
    let toned = try samples.image(name: name, options: options)
    var origin = origin
    origin.range = toned.origin.range
    return Image(
      width: width, height: height, pixels: toned.pixels, deep: toned.deep, origin: origin)
  }

  /// Whether two pictures have the same samples, wherever they come from.
  public static func == (first: Image, second: Image) -> Bool {
    first.width == second.width && first.height == second.height && first.pixels == second.pixels
      && first.deep == second.deep
  }

  /// The pixel in a column and a row.
  ///
  /// - Precondition: The position is inside the picture.
  public subscript(x: Int, y: Int) -> RGB {
    precondition(
      x >= 0 && x < width && y >= 0 && y < height, "(\(x), \(y)) is outside \(width)×\(height)")
    let i = 3 * (y * width + x)
    return RGB(pixels[i], pixels[i + 1], pixels[i + 2])
  }

  /// A rectangle of the picture, or `nil` where it is empty or reaches outside.
  public func cropped(x: Int, y: Int, width: Int, height: Int) -> Image? {
    guard x >= 0, y >= 0, width > 0, height > 0, x < self.width, y < self.height,
      width <= self.width - x, height <= self.height - y
    else { return nil }
    var part: [UInt8] = []
    part.reserveCapacity(width * height * 3)
    for row in y..<(y + height) {
      let start = 3 * (row * self.width + x)
      part += pixels[start..<(start + 3 * width)]
    }
    return Image(
      width: width, height: height, pixels: part,
      deep: deep?.cropped(x: x, y: y, width: width, height: height, of: self.width),
      origin: origin)
  }

  /// The picture as numbers from 0 to 255, `[H, W, 3]`.
  public func tensor() -> Tensor {
    pixels.withUnsafeBufferPointer { source in
      Tensor([height, width, 3]) { target in
        for i in 0..<source.count { target[i] = Float(source[i]) }
      }
    }
  }

  /// The picture as the contents of a PNG file.
  ///
  /// The compression is chosen for speed; the same picture gives the same bytes.
  ///
  /// - Throws: `ImageError.noMemory`.
  public func pngData() throws(ImageError) -> [UInt8] { try PNG.encode(self) }

  /// Writes the picture as a PNG file, which appears whole or not at all.
  ///
  /// - Throws: `ImageError.cannotWrite`.
  public func write(to path: String) throws(ImageError) {
    let data = try pngData()
    do { try AtomicFile.write(data, to: path) } catch { throw ImageError(error) }
  }
}
