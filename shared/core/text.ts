/** How streams, numbers and times are written in messages. */

const MAX_NAMES = 8;

export function names(streams: readonly { name: string }[]): string {
  return listed(
    streams.map(({ name }) => name),
    MAX_NAMES,
  );
}

/** The first `most` texts, and the number of the others: `a, b and 3 more`. */
export function listed(texts: readonly string[], most: number): string {
  const more = texts.length - most;
  return `${texts.slice(0, most).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
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
