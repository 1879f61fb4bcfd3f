/** What `--json` prints. Members are only ever added. */
import { savedState, written } from './live-layout.ts';
import type { Failure } from './messages.ts';
import type { Outcome } from './run.ts';

interface Result {
  status: 'succeeded' | 'failed';
  /** Absent where the sync did not begin. */
  seconds?: number;
  read: number;
  /** Records that are durable in the destination; deletions among them. */
  written: number;
  deleted: number;
  rejected: number;
  state_file?: string;
  streams: {
    name: string;
    namespace?: string;
    read: number;
    written: number;
    deleted: number;
    rejected: number;
    state: 'saved' | 'partly' | 'none';
  }[];
  failures: Pick<Failure, 'who' | 'message' | 'type'>[];
}

/** @param replaces whether states are saved only when all went well */
export function result(outcome: Outcome, seconds: number, statePath: string, replaces: boolean): Result {
  const failed = outcome.failures.length > 0;
  const streams = outcome.streams.map((stream) => ({
    name: stream.name,
    ...(stream.namespace === undefined ? {} : { namespace: stream.namespace }),
    read: stream.read,
    written: written(stream),
    deleted: stream.deleted,
    rejected: stream.rejected,
    state: savedState(stream, !(replaces && failed)),
  }));
  return {
    status: failed ? 'failed' : 'succeeded',
    seconds: Math.round(seconds * 1000) / 1000,
    read: outcome.read,
    written: Math.max(0, outcome.committed - outcome.rejected),
    deleted: streams.reduce((sum, { deleted }) => sum + deleted, 0),
    rejected: outcome.rejected,
    state_file: statePath,
    streams,
    failures: outcome.failures.map(({ who, message, type }) => ({ who, message, ...(type ? { type } : {}) })),
  };
}

/** The result where something went wrong before the sync began. */
export function failedResult(message: string): Result {
  const nothing = { read: 0, written: 0, deleted: 0, rejected: 0 };
  return { status: 'failed', ...nothing, streams: [], failures: [{ who: 'sync', message }] };
}
