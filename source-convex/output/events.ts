/** The events that a way of reading yields. Streams are named by their index in the run. */
import type { ConnectorFailure } from '../../shared/core/failure.ts';

/** Makes the stream's state. Called when the state is written. */
export type StateOf = () => Record<string, unknown>;

/** Source of the `_ab_cdc_*` columns: when a document was written, and whether it was deleted. */
export interface RecordHead {
  /** Number of digits of the timestamp (nanoseconds). */
  readonly tsLength: number;
  copyTs(out: Buffer, at: number): void;
  /** Undefined: the document has no member `_deleted`, so it is not a deletion. */
  readonly deleted: boolean | undefined;
}

export interface SourceRecord {
  /** The document is `buffer[start, end)`, braces included. */
  readonly buffer: Buffer;
  readonly start: number;
  readonly end: number;
  /** Undefined: the record gets no `_ab_cdc_*` columns. */
  readonly head: RecordHead | undefined;
  /** If given, the bytes are no document but so many RECORD lines of the stream. */
  readonly lines?: number;
}

/** `while (records.next())`: `stream` and `record` describe what `next` found, until its next call. */
export interface RecordCursor {
  next(): boolean;
  readonly stream: number;
  readonly record: SourceRecord;
}

export interface StreamPosition {
  stream: number;
  state: StateOf;
  /** Whether to write a STATE for it even if it covers no new record. */
  due?: boolean;
}

export type ReadEvent =
  | { kind: 'started'; stream: number }
  /** Positions from which streams go on. They are saved already, so no STATE is needed. */
  | { kind: 'resumed'; positions: readonly StreamPosition[] }
  /** Records of any streams; valid until the next event is requested. */
  | { kind: 'records'; records: RecordCursor }
  /** New positions. Every record that they cover was yielded before. `endsPage`: counts a page in the log. */
  | { kind: 'positions'; positions: readonly StreamPosition[]; endsPage?: boolean }
  /** Write states now. `all`: also for streams whose position covers no new record. */
  | { kind: 'checkpoint'; all?: boolean }
  /** A phase begins. `name` and `howFar` are for the log. */
  | { kind: 'phase'; name: string; howFar: () => string }
  | { kind: 'complete'; stream: number }
  | { kind: 'failed'; stream: number; failure: ConnectorFailure };
