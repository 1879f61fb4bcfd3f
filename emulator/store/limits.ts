const MINUTE = 60_000;
const DAY = 86_400_000_000_000n;

/** Everything that a deployment bounds. All can be lowered, so that tests reach them with small data. */
export interface Limits {
  /** Documents of a list_snapshot page (SNAPSHOT_LIST_LIMIT). Its bytes are not bounded. */
  snapshotPage: number;
  /** Log rows read for a document_deltas page, before the rest of that commit (DOCUMENT_DELTAS_LIMIT). */
  deltaRows: number;
  /** Nanoseconds after which a `snapshot` is refused (LIST_SNAPSHOT_MAX_AGE_SECS). */
  snapshotAge: bigint;
  /** Nanoseconds for which the log is kept (DOCUMENT_RETENTION_DELAY: 14 days in the code; the cloud says 3). */
  retention: bigint;
  /** Nanoseconds until a hidden tablet that no import has swapped in is cleaned up (2 * MAX_IMPORT_AGE). */
  hiddenTableAge: bigint;
  /** Values of a data/sync page; a transaction is not split for it (DATA_SYNC_PAGE_SIZE_LIMIT). */
  dataSyncPage: number;
  /** Bytes (Convex sizes) of a data/sync page; the document that reaches it belongs to it (DATA_SYNC_PAGE_BYTES_LIMIT). */
  dataSyncBytes: number;
  /** Log rows read for a data/sync page (DATA_SYNC_MAX_ROWS_READ). */
  dataSyncRowsRead: number;
  /** Nanoseconds: a cursor that is older has to catch up before a table is walked on (DATA_SYNC_BY_ID_FRESHNESS_SECONDS). */
  dataSyncFreshness: bigint;
  /** Bytes of an import_airbyte_records body. */
  importBody: number;
  /** Bytes of a request body of the Functions API (MAX_BACKEND_PUBLIC_API_REQUEST_SIZE). */
  functionBody: number;
  /** Bytes (Convex size) of a function's arguments (FUNCTION_MAX_ARGS_SIZE). */
  functionArgs: number;
  /** Bytes (Convex size) of what a function returns (FUNCTION_MAX_RESULT_SIZE). */
  functionResult: number;
  /** Bytes of the body of a request to an HTTP action (HTTP_ACTION_BODY_LIMIT). */
  httpActionBody: number;
  /** Bytes of any other request body (axum's default). */
  body: number;
  /** Milliseconds until the server gives up on a request with an empty 408. */
  requestTimeout: number;
  /** Requests served at a time; more wait. */
  concurrency: number;
  /** Documents written in one transaction. */
  documentsWritten: number;
  /** Bytes (Convex sizes) written in one transaction. */
  bytesWritten: number;
  /** Documents read in one transaction. */
  documentsRead: number;
  /** Bytes (Convex sizes) read in one transaction. */
  bytesRead: number;
  /** Index ranges read in one transaction: bounds a dedup import long before the number of documents does. */
  indexRanges: number;
  /** Bytes that may be written in a second before mutations of the app are refused. */
  writeRate: number;
  /** User tables of the deployment. */
  tables: number;
  /** Bytes (Convex size) of one document. */
  documentBytes: number;
}

export const DEFAULT_LIMITS: Limits = {
  snapshotPage: 1024,
  deltaRows: 128,
  snapshotAge: 5n * DAY,
  retention: 14n * DAY,
  hiddenTableAge: 14n * DAY,
  dataSyncPage: 16_384,
  dataSyncBytes: 64 << 20,
  dataSyncRowsRead: 32_768,
  dataSyncFreshness: 30_000_000_000n,
  importBody: 10 * (2 << 20),
  functionBody: (1 << 24) + 2000,
  functionArgs: 1 << 24,
  functionResult: 1 << 24,
  httpActionBody: 20 << 20,
  body: 2 << 20,
  requestTimeout: 5 * MINUTE,
  concurrency: 128,
  documentsWritten: 16_000,
  bytesWritten: 1 << 24,
  documentsRead: 32_000,
  bytesRead: 1 << 24,
  indexRanges: 4096,
  writeRate: 4 << 20,
  tables: 10_000,
  documentBytes: 1 << 20,
};
