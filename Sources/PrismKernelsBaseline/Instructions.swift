// The instructions that Swift has no name for.

internal import Builtin

/// Asks for the cache line at an address, which comes into the second-level cache while other work is
/// done; the address may be anything, and nothing is read.
@inline(always)
func prefetch(_ p: Source) {
  Builtin.int_prefetch_RawPointer(
    p._rawValue, (0 as Int32)._value, (2 as Int32)._value, (1 as Int32)._value)
}

#if PRISM_AVX512
  /// One bit for every lane of a vector, the first in the lowest place.
  typealias Bits = UInt16
#else
  /// One bit for every lane of a vector, the first in the lowest place.
  typealias Bits = UInt8
#endif

/// Returns the sign bits of a vector's lanes.
@inline(always)
func signs(_ v: VI) -> Bits {
  let zero = VI(repeating: 0)._storage._value
  #if PRISM_AVX512
    return Bits(
      Builtin.bitcast_Vec16xInt1_Int16(Builtin.cmp_slt_Vec16xInt32(v._storage._value, zero)))
  #elseif PRISM_AVX2
    return Bits(Builtin.bitcast_Vec8xInt1_Int8(Builtin.cmp_slt_Vec8xInt32(v._storage._value, zero)))
  #else
    return Bits(
      Builtin.zext_Int4_Int8(
        Builtin.bitcast_Vec4xInt1_Int4(Builtin.cmp_slt_Vec4xInt32(v._storage._value, zero))))
  #endif
}
