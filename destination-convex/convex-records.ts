/**
 * Records of a Convex source. Each has its commit timestamp `_ts` (C20), which the destination's deployment
 * rounds (C40). This is the same in each sync, so it is logged as a note, not as a warning.
 */
import type { ConfiguredAirbyteStream } from '../shared/airbyte/protocol.generated.ts';
import { propertiesOf } from './keys.ts';

/** Columns that source-convex and the Python source add to each table. */
const COLUMNS = ['_id', '_ts', '_deleted', '_ab_cdc_lsn'];

/** The field that is rounded in each sync. */
export const TIMESTAMP = '_ts';
/** A 64-bit float in the source already, so it is never rounded. */
export const CREATION_TIME = '_creationTime';

/** Whether the records of a stream come from a Convex source, by its schema. */
export function isFromConvex({ stream: { json_schema: schema } }: ConfiguredAirbyteStream): boolean {
  const properties = propertiesOf(schema);
  if (properties === undefined) return false;
  return COLUMNS.every((name) => Object.hasOwn(properties, name));
}

/** `streams`: the names of those with such numbers. */
export function timestampNote(streams: readonly string[]): string | undefined {
  if (streams.length === 0) return undefined;
  const which = streams.length === 1 ? `stream "${streams[0]}"` : `${streams.length} streams`;
  return `Convex rounded the commit timestamps "_ts" of ${which} that come from Convex, to multiples of 256 nanoseconds: it stores numbers as 64-bit floating point. This is so in every sync; see "Documents of Convex" in docs/destination-convex.md.`;
}
