/** Plans what to read of a query stream, from its saved state and the catalog. Pure. */
import type { StreamDescriptor } from '../../shared/core/stream-descriptor.ts';
import { ConnectorFailure } from '../../shared/core/failure.ts';
import { isSameSync, readState } from '../saved-state.ts';
import type { QueryStream } from './config.ts';
import { parseQueryState, type QueryState } from './state.ts';

export type QueryPlan =
  /** A walk from its beginning. `why`: the reason why a saved position was not used, for the log. */
  | { kind: 'walk'; why: string | undefined }
  /** The changes since the cursor value in the state. */
  | { kind: 'changes'; state: QueryState }
  /** The rest of a walk. */
  | { kind: 'resume'; state: QueryState }
  /** Nothing: an earlier attempt of this sync has read all of it. Its state is written again. */
  | { kind: 'done'; state: QueryState }
  /** It cannot be read; others can. */
  | { kind: 'failed'; failure: ConnectorFailure };

export interface QueryPlanInput {
  stream: QueryStream;
  descriptor: StreamDescriptor;
  /** Whether the catalog asks for changes only. Has no effect without a cursor field. */
  incremental: boolean;
  /** The sync that this run belongs to, if known. */
  syncId: number | undefined;
  /** Raw JSON of the saved state. */
  raw: string | undefined;
  deployment: string | undefined;
  /** The format of values in results. */
  format: string;
}

export function planQuery(input: QueryPlanInput): QueryPlan {
  const { stream, descriptor, incremental, syncId, raw, deployment, format } = input;
  if (raw === undefined) return { kind: 'walk', why: undefined };
  const state = readState(parseQueryState, { raw, descriptor, deployment });
  if (state instanceof ConnectorFailure) return { kind: 'failed', failure: state };
  if (state.fingerprint !== stream.fingerprint)
    return { kind: 'walk', why: 'its query, its arguments or its cursor were changed since the last sync' };
  // An int64 has another type in each format, so its values cannot be compared, nor be passed to the query.
  if (stream.cursor !== undefined && state.format !== undefined && state.format !== format)
    return { kind: 'walk', why: 'the value format was changed since the last sync' };
  const changesOnly = incremental && stream.cursor !== undefined;
  if (state.hasMore) {
    // The rest of a walk over changes is not a full read.
    if (!changesOnly && state.cursor !== undefined) return { kind: 'walk', why: undefined };
    // The destination's table does not have what another sync has read of a full refresh.
    if (!incremental && !isSameSync(state.syncId, syncId))
      return { kind: 'walk', why: 'its saved state is of a full refresh that another sync did not finish' };
    return { kind: 'resume', state };
  }
  if (changesOnly && state.cursor !== undefined) return { kind: 'changes', state };
  const done = !incremental && isSameSync(state.syncId, syncId);
  return done ? { kind: 'done', state } : { kind: 'walk', why: undefined };
}
