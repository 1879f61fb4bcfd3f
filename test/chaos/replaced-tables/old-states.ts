/** States as earlier sources wrote them: version 0.1.0 of this one, and the Python source. */
import { readFile } from 'node:fs/promises';

export const OLD_FORMS = ['0.1.0', 'python'] as const;
export type OldForm = (typeof OLD_FORMS)[number];

/** A STATE line of a run that read the change log, as an earlier source would have written it. */
export function asOld(line: string, form: OldForm): string {
  const bare = line.replace(/,"deployment":"[^"]*"/, '');
  return form === '0.1.0' ? bare : bare.replace(/"delta_cursor":"(\d+)"/, '"delta_cursor":$1');
}

/** Whether the state of each of these streams says where it stands in Data Sync. */
export async function areInDataSync(path: string, streams: number): Promise<boolean> {
  const text = await readFile(path, 'utf8').catch(() => '');
  return text.split('"data_sync":').length - 1 >= streams;
}
