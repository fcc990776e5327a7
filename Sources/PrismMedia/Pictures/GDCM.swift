internal import PrismFiles

/// The program `gdcmconv` of GDCM, which decompresses DICOM files.
enum GDCM {
  /// The file in explicit little-endian form, without compression.
  static func decompressed(_ bytes: [UInt8], name: String) throws(ImageError) -> [UInt8] {
    let helper = Helper("gdcmconv", ["--raw", "--explicit", "--quiet", "%1", "%2"])
    do { return try helper(bytes, suffixes: ("dcm", "dcm")) } catch {
      switch error {
      case .missing:
        throw .unreadable(
          name, reason: "this DICOM file needs GDCM; install the package libgdcm-tools")
      case .refused: throw .corrupt(name, reason: "GDCM cannot decode it")
      case .noSpace:
        throw .unreadable(name, reason: "no temporary file can be written for GDCM")
      case .overdue(let limit): throw .beyondLimit(LimitError.overdue(name, limit: limit))
      case .cancelled: throw .unreadable(name, reason: "the work was given up")
      }
    }
  }
}
