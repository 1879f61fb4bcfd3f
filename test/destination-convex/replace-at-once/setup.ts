/** A table of old rows that is to be replaced at once, and what replaces it. */
import type { EmulatorOptions } from '../../../emulator/index.ts';
import { Destination, record, state, status, T1 } from '../setup.ts';

/** Parts of a few rows, and checks of a few. */
export const ENV = { CONVEX_CONNECTOR_PART_BYTES: '100', CONVEX_CONNECTOR_BATCH_RECORDS: '3' };
export const OLD = Array.from({ length: 5 }, (_, n) => ({ old: n }));
export const NEW = Array.from({ length: 40 }, (_, n) => ({ n, at: T1 }));
export const REPLACED = { generation: 7, minimum: 7, sync: 12 };

export function linesOf(stream: string, rows: readonly object[] = NEW): string[] {
  return [
    ...rows.flatMap((row, n) => [record(stream, row), ...(n % 10 === 9 ? [state(stream, n + 1)] : [])]),
    status(stream, 'COMPLETE'),
  ];
}

export function configOf(
  destination: Destination,
  permissions = ['deployment:backups:import', 'deployment:backups:view'],
) {
  const { keys } = destination.emulator;
  return { overwrite_method: 'Replace at once', access_key: keys.make(permissions as Parameters<typeof keys.make>[0]) };
}

export async function started(options: EmulatorOptions = {}): Promise<Destination> {
  const destination = await Destination.start(options);
  destination.insert('t', ...OLD);
  return destination;
}

export const same = (a: readonly object[], b: readonly object[]) =>
  JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));
const sorted = (rows: readonly object[]) => rows.map((row) => JSON.stringify(Object.entries(row).sort())).sort();
