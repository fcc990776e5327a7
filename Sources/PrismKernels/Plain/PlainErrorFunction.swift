/// The Gauss error function with an absolute error of at most 3e-7.
///
/// A quotient of polynomials in x², of degree 13 over 8 (the coefficients of Eigen's `erf`); where
/// the value is nearer to ±1 than to any other `Float`, it is ±1.
public func plainErrorFunction(_ x: Float) -> Float {
  if abs(x) >= 3.832_506_9 { return x > 0 ? 1 : -1 }
  let z = x * x
  var p: Float = -2.726_142_258_013_06e-10
  p = p * z + 2.770_681_424_959_02e-08
  p = p * z - 2.101_024_020_825_08e-06
  p = p * z - 5.692_506_394_623_46e-05
  p = p * z - 7.349_906_303_268_55e-04
  p = p * z - 2.954_599_808_540_25e-03
  p = p * z - 1.609_603_332_624_15e-02
  var q: Float = -1.456_607_184_649_96e-05
  q = q * z - 2.133_740_552_789_05e-04
  q = q * z - 1.682_826_974_382_03e-03
  q = q * z - 7.373_329_167_204_68e-03
  q = q * z - 1.426_473_905_141_89e-02
  return x * p / q
}
