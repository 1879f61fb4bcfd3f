/** The log lines before tables are read. */
import { CHANGE_LOG_REMARK } from './change-reader.ts';
import { counted, date, names } from '../../shared/core/text.ts';
import type { TableStream } from './table-stream.ts';

/** `head`: the deployment's present (digits, ns). `changeLog`: changes are read without Data Sync. */
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
  const end = streams.some(
    ({ plan, planned }) => planned.incremental && (plan.kind === 'snapshot' || plan.kind === 'resume'),
  )
    ? 'with what is committed when its snapshots are finished'
    : `at ${date(head)}`;
  // By reason.
  const unused = Map.groupBy(streams, ({ plan }) => (plan.kind === 'snapshot' ? plan.why : undefined));
  return [
    `${counted(streams.length, 'stream')}: ${shown.join(', ')}. This run ends ${end}.`,
    ...[...unused].flatMap(([why, of]) =>
      why === undefined
        ? []
        : `The saved state of ${names(of)} ${why}. ${of.length === 1 ? 'The stream is read from its beginning' : 'These streams are read from their beginning'}.`,
    ),
    ...(changeLog && count('changes') > 0 ? [CHANGE_LOG_REMARK] : []),
  ];
}
