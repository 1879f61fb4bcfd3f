/** Infers schemas from the first documents of tables, where Convex gives none. */
import { consume } from '../../shared/core/generators.ts';
import { ConvexApiError } from '../../shared/convex/errors.ts';
import { selectTables, type TableRef } from '../../shared/convex/selection.ts';
import type { SnapshotPage, StreamingExport, ValueFormat } from '../../shared/convex/streaming-export.ts';
import { testOverride } from '../../shared/connector/test-override.ts';
import type { JsonSchema } from './schema.ts';
import { withDocument } from '../value-schema.ts';

/** Limits: tables, and milliseconds. Airbyte ends a discovery after nine minutes. */
const MAX_TABLES = 200;
const MAX_TIME = 60_000;

/**
 * The schemas of the first documents of each table, in the order of `tables`; without properties for an empty
 * table. Shorter than `tables` if a limit was reached or a page could not be read.
 */
export async function sampleTables(
  api: StreamingExport,
  tables: readonly TableRef[],
  format: ValueFormat,
): Promise<JsonSchema[]> {
  const end = performance.now() + testOverride('SAMPLE_MS', MAX_TIME);
  const samples: JsonSchema[] = [];
  try {
    const snapshot = await api.pin();
    for (const table of tables.slice(0, MAX_TABLES)) {
      if (performance.now() >= end) break;
      const sample = await firstDocuments(api, snapshot, table, format, end);
      if (sample === undefined) break;
      samples.push(sample);
    }
  } catch (error) {
    // Column names are known without samples. The caller reports how many tables were not sampled.
    if (!(error instanceof ConvexApiError)) throw error;
  }
  return samples;
}

/** Schema of the first page with documents; earlier ones may be empty (C50). Undefined if time runs out. */
async function firstDocuments(
  api: StreamingExport,
  snapshot: string,
  table: TableRef,
  format: ValueFormat,
  end: number,
): Promise<JsonSchema | undefined> {
  const selection = selectTables([table]);
  let sample: JsonSchema = {};
  let cursor: string | null = null;
  do {
    const page: SnapshotPage = await consume(api.listSnapshot({ snapshot, cursor, selection }), (documents) => {
      while (documents.next())
        // A backend that ignores the selection sends documents of other tables (C52, C53).
        if (documents.head.component === table.component && documents.head.table === table.table)
          sample = withDocument(sample, documents.buffer, documents.start, documents.end, format);
    });
    cursor = page.cursor;
    if (sample.properties !== undefined) return sample;
  } while (cursor !== null && performance.now() < end);
  return cursor === null ? sample : undefined;
}
