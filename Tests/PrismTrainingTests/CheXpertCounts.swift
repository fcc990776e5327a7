/// What pandas counts in `Tests/Fixtures/chexpert_excerpt.csv`; written by
/// `Tools/fixtures/chexpert.py`.
enum CheXpertCounts {
  static let rows = 197
  static let frontal = 179
  static let ones = [11, 25, 20, 97, 3, 69, 33, 26, 62, 13, 80, 1, 10, 119]
  static let zeros = [11, 8, 18, 93, 3, 60, 19, 6, 39, 11, 75, 0, 10, 119]
  static let uncertain = [0, 17, 2, 4, 0, 9, 14, 20, 23, 2, 5, 1, 0, 0]
}
