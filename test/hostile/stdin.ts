/** Runs a case of stdin.cases.ts. */
import { Destination, append, dedup, statesIn } from '../destination-convex/setup.ts';
import { logsOf } from '../support/messages.ts';
import type { StdinCase } from './stdin.cases.ts';
import { verdictOf, type Verdict } from './verdict.ts';

const BEFORE = Buffer.from(
  [1, 2, 3]
    .map((n) => `{"type":"RECORD","record":{"stream":"logs","data":{"n":${n}},"emitted_at":1786000000123}}\n`)
    .join(''),
);

export interface StdinResult extends Verdict {
  stored: [logs: number, users: number];
  states: number;
  logs: string[];
}

export async function runStdin({ input }: StdinCase): Promise<StdinResult> {
  await using destination = await Destination.start({ backfillDelayMs: 0 });
  const bytes = Buffer.isBuffer(input) ? input : Buffer.from(input.map((line) => `${line}\n`).join(''));
  const finished = await destination.start(
    { streams: [append('logs'), dedup('users')], env: { CONVEX_CONNECTOR_RETRY_ATTEMPTS: '5' } },
    { input: Buffer.concat([BEFORE, bytes]) },
  ).finished;
  return {
    ...verdictOf(finished),
    stored: [destination.rows('logs').length, destination.rows('users').length],
    states: statesIn(finished.lines).length,
    logs: logsOf(finished.lines.filter((line) => line.startsWith('{"type":"LOG"'))),
  };
}
