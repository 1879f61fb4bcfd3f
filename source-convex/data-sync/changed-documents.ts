/**
 * The changes of a Data Sync page as records, byte for byte as `document_deltas` gives them: `{"_component","_table","_ts","_deleted"`, then
 * the members of the value, in the value format of the configuration (C101).
 */
import type { Changes } from '../../shared/convex/data-sync.ts';
import { ExportValues } from '../../shared/convex/export-values.ts';
import type { ValueFormat } from '../../shared/convex/streaming-export.ts';
import { compareDigits } from '../../shared/json/integers.ts';
import { notConvex } from '../../shared/convex/client.ts';
import type { RecordCursor, RecordHead } from '../output/events.ts';
import { StreamRouter } from '../streaming-export/stream-router.ts';
import type { TableStream } from '../streaming-export/table-stream.ts';
import { ComposedDocument } from './composed-document.ts';

/**
 * `next` stops before the first record of a stream on a page, with `first` set: a state has to say that such records may be written.
 * The next call goes on with that record.
 */
export class ChangedDocuments implements RecordCursor, RecordHead {
  stream = -1;
  readonly record = new ComposedDocument(this);
  /** The stream whose first record on this page comes next; undefined where the batch is over. */
  first: TableStream | undefined;
  readonly #router: StreamRouter;
  readonly #values: ExportValues;
  /** Streams that have records on this page. */
  readonly #begun = new Set<TableStream>();
  #changes: Changes | undefined;
  #snapshotTs = '0';

  constructor(streams: readonly TableStream[], format: ValueFormat) {
    this.#router = new StreamRouter(streams);
    this.#values = new ExportValues(format);
  }

  get tsLength(): number {
    return this.#changes!.tsLength;
  }

  get deleted(): boolean {
    return this.#changes!.deleted;
  }

  copyTs(out: Buffer, at: number): void {
    this.#changes!.copyTs(out, at);
  }

  /** A page begins whose changes go up to `snapshotTs`: digits, nanoseconds. */
  beginPage(snapshotTs: string): void {
    this.#snapshotTs = snapshotTs;
    this.#begun.clear();
  }

  open(changes: Changes): void {
    this.#changes = changes;
  }

  /** Throws `ConvexApiError` for a change that cannot be on this page. */
  next(): boolean {
    const changes = this.#changes!;
    const waiting = this.first;
    this.first = undefined;
    while (waiting !== undefined || changes.next()) {
      const stream = waiting ?? this.#router.find(changes.component, changes.table);
      if (stream === undefined) continue;
      if (waiting === undefined) {
        const { ts } = changes;
        if (compareDigits(ts, this.#snapshotTs) > 0)
          throw notConvex('a page of Data Sync holds a change that is newer than the page', 200);
        if (compareDigits(ts, stream.cursor) <= 0) continue;
        if (!this.#begun.has(stream)) {
          this.#begun.add(stream);
          this.first = stream;
          return false;
        }
      }
      this.#compose(changes);
      this.stream = stream.index;
      return true;
    }
    return false;
  }

  #compose(changes: Changes): void {
    this.#values.rewrite(changes.buffer, changes.start, changes.end);
    const { record } = this;
    changes.copyTs(record.buffer, record.begin(changes));
    record.members(this.#values.buffer, this.#values.start, this.#values.end);
  }
}
