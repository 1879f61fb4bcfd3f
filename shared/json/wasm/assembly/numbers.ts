/**
 * AssemblyScript: what becomes of a number that is stored as a float64, as far as 64-bit integers can tell.
 * What they cannot tell is for `isRoundedByFloat64` of float64.ts.
 */

/** The float64 has the number's value, or prints as it. */
export const KEPT: i32 = 0;
/** An integer of up to 19 digits that no float64 is equal to. */
export const ROUNDED: i32 = 1;
export const UNKNOWN: i32 = 2;

/** Up to 19 digits fit into 64 bits. */
const MAX_MANTISSA: u64 = 1_000_000_000_000_000_000;
/** 5 to this power and six times as much fit into 63 bits. */
const MAX_PLACES: i32 = 26;

/** The number whose first digit, after a minus if any, is at `at`. It ends before `limit`. */
export function judge(at: i32, limit: i32): i32 {
  let mantissa: u64 = 0;
  let point = -1;
  let byte: u32 = 0;
  while (at < limit) {
    byte = <u32>load<u8>(at);
    if (byte - 0x30 < 10) {
      if (mantissa >= MAX_MANTISSA) return UNKNOWN;
      mantissa = mantissa * 10 + (byte - 0x30);
    } else if (byte == 0x2e && point == -1) {
      point = at + 1;
    } else {
      break;
    }
    at++;
  }
  let places = point == -1 ? 0 : at - point;
  let isFloat = point != -1;
  if ((byte | 0x20) == 0x65 && at < limit) {
    isFloat = true;
    let exponent: i32 = 0;
    byte = <u32>load<u8>(++at);
    const negative = byte == 0x2d;
    if (negative || byte == 0x2b) at++;
    while (at < limit && <u32>load<u8>(at) - 0x30 < 10 && exponent < 100)
      exponent = exponent * 10 + <i32>load<u8>(at++) - 0x30;
    places = negative ? places + exponent : places - exponent;
  }
  if (at >= limit) return UNKNOWN;
  if (isFloat) return isPrinted(mantissa, places) ? KEPT : UNKNOWN;
  return isExact(mantissa) ? KEPT : ROUNDED;
}

/** Whether some float64 is equal to the integer. */
// @ts-ignore: decorator
@inline
function isExact(value: u64): bool {
  const surplus = 11 - <i32>clz(value);
  return surplus <= 0 || <i32>ctz(value) >= surplus;
}

/**
 * Whether the number `mantissa` / 10^`places` is what its float64 prints, which is the shortest number that
 * is read as that float, and of those the nearest. False where it is not sure.
 *
 * All numbers are multiplied by 10^`places` and by the power of two that makes the float an integer, and then
 * divided by 2^`places`. A step of the last decimal place is then 2^`shift`, and a step of the float is
 * 5^`places`. Only differences matter, and they are small: the rest may overflow.
 */
function isPrinted(mantissa: u64, places: i32): bool {
  if (mantissa == 0) return true;
  while (places > 0 && mantissa % 10 == 0) {
    mantissa /= 10;
    places--;
  }
  if (places == 0) return isExact(mantissa);
  if (places < 0 || places > MAX_PLACES) return false;
  let step: i64 = 1;
  for (let place = 0; place < places; place++) step *= 5;
  const bits = reinterpret<u64>(<f64>mantissa / <f64>step);
  const shift = 1075 - <i32>(bits >> 52);
  // Beyond a power of two the steps of floats are others.
  const fraction = bits & 0x000f_ffff_ffff_ffff;
  if (shift < 1 || shift > 59 || fraction < 2 || fraction > 0x000f_ffff_ffff_fffd) return false;
  const decimalStep = (<i64>1) << shift;
  let difference = <i64>((mantissa << shift) - (fraction | 0x0010_0000_0000_0000) * <u64>step);
  const half = step >> 1;
  // The division above may be off by one.
  if (difference > half) difference -= step;
  else if (difference < -half) difference += step;
  if (difference > half || difference < -half) return false;
  if (difference >= decimalStep >> 1 || difference <= -(decimalStep >> 1)) return false;
  // No number with fewer places is read as the same float.
  const last = <i64>(mantissa % 10);
  return difference - last * decimalStep < -half && difference + (10 - last) * decimalStep > half;
}
