/** A limit that only tests and experiments change, by `CONVEX_CONNECTOR_<NAME>` in the environment. */
export function testOverride(
  name:
    | 'RETRY_MIN_MS'
    | 'RETRY_ATTEMPTS'
    | 'CONNECT_MS'
    | 'RESPONSE_MS'
    | 'IDLE_MS'
    | 'CHECKPOINT_MS'
    | 'HEARTBEAT_MS'
    | 'PROGRESS_MS'
    | 'SAMPLE_MS'
    | 'BATCH_BYTES'
    | 'BATCH_RECORDS'
    | 'BATCH_AGE_MS'
    | 'PART_BYTES'
    | 'POLL_MS'
    | 'POLL_DEADLINE_MS'
    | 'CURSOR_BUDGET',
  standard: number,
): number {
  const text = process.env[`CONVEX_CONNECTOR_${name}`];
  const value = Number(text);
  return text === undefined || text === '' || !Number.isFinite(value) || value < 0 ? standard : value;
}
