/**
 * Records that come from Convex itself. In each of them source-convex states the commit timestamp `_ts`, in nanoseconds: an integer of 19
 * digits, which Convex rounds when it is stored as a number again. That is known and the same in every sync, so it is no warning.
 */
import type { ConfiguredAirbyteStream } from '../shared/airbyte/protocol.generated.ts';

/** What both source-convex and the Python source add to the columns of a table. */
const COLUMNS = ['_id', '_ts', '_deleted', '_ab_cdc_lsn'];

/** Fields of a stream's records whose numbers Convex is known to round: of streams whose schema is one of a Convex source. */
export function knownRounded({ stream: { json_schema: schema } }: ConfiguredAirbyteStream): ReadonlySet<string> {
  const properties = (schema as { properties?: unknown } | undefined)?.properties;
  const isConvex =
    typeof properties === 'object' && properties !== null && COLUMNS.every((name) => Object.hasOwn(properties, name));
  return isConvex ? TIMESTAMPS : NONE;
}

const TIMESTAMPS: ReadonlySet<string> = new Set(['_ts']);
const NONE: ReadonlySet<string> = new Set();

/** `streams`: those with such numbers, as messages name them. */
export function timestampNote(streams: readonly string[]): string | undefined {
  if (streams.length === 0) return undefined;
  const which = streams.length === 1 ? `stream "${streams[0]}"` : `${streams.length} streams`;
  return `Convex rounded the commit timestamps "_ts" of ${which} that come from Convex, to multiples of 256 nanoseconds: it stores numbers as 64-bit floating point. This is so in every sync; see "Documents of Convex" in docs/destination-convex.md.`;
}
