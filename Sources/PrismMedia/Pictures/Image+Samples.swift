package import PrismTensor

extension Image {
  /// The samples as the file has them, without rounding: `[H, W, 1]` or `[H, W, 3]`, of 8-bit
  /// pictures from 0 to 255; of DICOM files the numbers that they stand for, such as Hounsfield
  /// units, as far as the range reaches with which they were read.
  package var samples: Tensor {
    guard let deep else { return Tensor([height, width, 3], pixels.map { Float($0) }) }
    let values =
      if let meaning = deep.meaning {
        deep.values.map(meaning.number)
      } else {
        deep.values.map { Float($0) }
      }
    return Tensor([height, width, deep.channels], values)
  }
}
