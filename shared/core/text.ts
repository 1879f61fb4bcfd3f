/** How streams, numbers and times are written in messages. */

const MAX_NAMES = 8;

export function names(streams: readonly { name: string }[]): string {
  const shown = streams.slice(0, MAX_NAMES).map((stream) => stream.name);
  const rest = streams.length - shown.length;
  return rest > 0 ? `${shown.join(', ')} and ${rest} more` : shown.join(', ');
}

/** `1 stream`, `1,024 streams`. */
export function counted(number: number, noun: string): string {
  return `${number.toLocaleString('en')} ${noun}${number === 1 ? '' : 's'}`;
}

/** The greatest Date, in milliseconds. */
const LAST = 8_640_000_000_000_000n;

/** A timestamp (digits, nanoseconds) in a message, to the second. */
export function date(digits: string): string {
  const milliseconds = BigInt(digits) / 1_000_000n;
  if (milliseconds > LAST) return `${digits} ns`;
  return `${new Date(Number(milliseconds)).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}
