/** The log lines before tables are read. */
import { CHANGE_LOG_REMARK } from './change-reader.ts';
import { counted, date, names } from '../../shared/core/text.ts';
import type { TableStream } from './table-stream.ts';

/**
 * `head`: the deployment's present (digits, nanoseconds). `changeLog`: changes are read from the change log,
 * not through Data Sync.
 */
export function announcement(
  streams: readonly TableStream[],
  head: string,
  { changeLog }: { changeLog: boolean },
): string[] {
  const count = (kind: string) => streams.filter((stream) => stream.plan.kind === kind).length;
  const parts = [
    [count('snapshot'), 'from the beginning'],
    [count('resume'), 'from the middle of a snapshot'],
    [count('changes'), 'with changes only'],
    [count('done'), 'that an earlier attempt has read completely'],
    [count('failed'), 'that cannot be read'],
  ] as const;
  const shown = parts.filter(([number]) => number > 0).map(([number, what]) => `${number} ${what}`);
  const end = streams.some(({ plan, planned }) => planned.incremental && SNAPSHOT_PLANS.has(plan.kind))
    ? 'with what is committed when its snapshots are finished'
    : `at ${date(head)}`;
  return [
    `${counted(streams.length, 'stream')}: ${shown.join(', ')}. This run ends ${end}.`,
    ...[...byReason(streams)].map(
      ([why, unused]) =>
        `The saved state of ${names(unused)} ${why}. ${unused.length === 1 ? 'The stream is read from its beginning' : 'These streams are read from their beginning'}.`,
    ),
    ...(changeLog && count('changes') > 0 ? [CHANGE_LOG_REMARK] : []),
  ];
}

/** Plans that include a snapshot. */
const SNAPSHOT_PLANS: ReadonlySet<string> = new Set(['snapshot', 'resume']);

/** Streams whose saved state was not used, by reason. */
function byReason(streams: readonly TableStream[]): Map<string, TableStream[]> {
  const reasons = new Map<string, TableStream[]>();
  for (const stream of streams) {
    const why = stream.plan.kind === 'snapshot' ? stream.plan.why : undefined;
    if (why !== undefined) reasons.set(why, [...(reasons.get(why) ?? []), stream]);
  }
  return reasons;
}
