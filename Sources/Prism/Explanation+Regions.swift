public import PrismMedia

extension Explanation {
  /// What of a picture the map is about.
  ///
  /// - Parameter image: The explained picture, at its own size.
  /// - Returns: The whole picture, or its centre where the model's card says that nothing else is
  ///   looked at.
  public func area(of image: Image) -> PictureArea {
    crop?.area(width: image.width, height: image.height) ?? .whole
  }

  /// The strongest connected regions of a picture: of the fewest places of the smoothed map that
  /// hold half of its positive sum, the largest parts.
  ///
  /// - Parameter image: The explained picture, at its own size.
  /// - Returns: At most five regions, the largest share first; none for a map without a positive
  ///   value.
  public func regions(in image: Image) -> [PictureRegion] {
    guard values.shape.rank == 2, values.count > 0 else { return [] }
    let evidence = Evidence(of: values)
    let area = area(of: image)
    return evidence.strongest.map { part in
      let (height, width) = (Double(evidence.height), Double(evidence.width))
      let place = PictureArea(
        x: Double(part.columns.lowerBound) / width, y: Double(part.rows.lowerBound) / height,
        width: Double(part.columns.count) / width, height: Double(part.rows.count) / height)
      return PictureRegion(area.part(place), of: image, share: part.share)
    }
  }
}
