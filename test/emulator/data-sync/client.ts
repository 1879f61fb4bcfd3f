import type { Emulator } from '../../../emulator/index.ts';
import { call, type CallOptions, outcome, type Reply } from '../client.ts';

export interface Truncate {
  component: string;
  table: string;
}

export interface SyncValue {
  component: string;
  table: string;
  /** Digits. */
  ts: string;
  deleted: boolean;
  value: Record<string, unknown> & { _id: string };
}

export interface SyncPage {
  status: { type: 'snapshotting' | 'stale' | 'upToDate'; snapshotTs?: string };
  truncates: Truncate[];
  values: SyncValue[];
  syncId: string;
  pagination: { hasMore: boolean; nextCursor: string };
}

export interface SyncArguments {
  cursor?: string | undefined;
  /** Names of tables of the root component, or the very text of a selection. Default: everything. */
  selection?: string[] | string | undefined;
}

export const SYNC = '/api/v1/data/sync';
export const CONVERT = '/api/data_sync_cursor_from_deltas';
export const LIST = '/api/v1/data/list_active_syncs';

/** The text of a selection of whole tables of the root component. */
export function tables(...names: string[]): string {
  const choices = names.map((name) => `,"${name}":{"_other":"included"}`).join('');
  return `{"_other":"excluded","":{"_other":"excluded"${choices}}}`;
}

function selectionMember(selection: SyncArguments['selection']): string[] {
  if (selection === undefined) return [];
  return [`"selection":${typeof selection === 'string' ? selection : tables(...selection)}`];
}

export function syncReply(emulator: Emulator, args: SyncArguments = {}, options: CallOptions = {}): Promise<Reply> {
  const cursor = args.cursor === undefined ? [] : [`"cursor":${JSON.stringify(args.cursor)}`];
  const raw = `{${[...cursor, ...selectionMember(args.selection)].join(',')}}`;
  return call(emulator, 'POST', SYNC, { raw, ...options });
}

/** A page, its timestamps as digits. */
export async function sync(emulator: Emulator, args: SyncArguments = {}, options: CallOptions = {}): Promise<SyncPage> {
  const reply = await syncReply(emulator, args, options);
  if (reply.status !== 200) throw new Error(outcome(reply));
  return JSON.parse(reply.text.replace(/"(ts|snapshotTs)":(\d+)/g, '"$1":"$2"')) as SyncPage;
}

/** Pages until one is up to date, each with the cursor of the one before. */
export async function syncAll(emulator: Emulator, args: SyncArguments = {}): Promise<SyncPage[]> {
  const pages: SyncPage[] = [];
  for (let { cursor } = args; pages.length < 1000; cursor = pages.at(-1)?.pagination.nextCursor) {
    const page = await sync(emulator, { ...args, cursor });
    pages.push(page);
    if (page.status.type === 'upToDate') return pages;
  }
  throw new Error('the sync never gets up to date');
}

/** The cursor of a sync that has caught up. */
export async function caughtUp(emulator: Emulator, args: SyncArguments = {}): Promise<string> {
  return (await syncAll(emulator, args)).at(-1)?.pagination.nextCursor ?? '';
}

export function convertReply(
  emulator: Emulator,
  ts: bigint | string,
  selection?: SyncArguments['selection'],
  options: CallOptions = {},
): Promise<Reply> {
  const raw = `{${[`"cursor":${ts}`, ...selectionMember(selection)].join(',')}}`;
  return call(emulator, 'POST', CONVERT, { raw, ...options });
}

/** The data/sync cursor of a deltas cursor. */
export async function convert(
  emulator: Emulator,
  ts: bigint | string,
  selection?: SyncArguments['selection'],
): Promise<string> {
  const reply = await convertReply(emulator, ts, selection);
  if (reply.status !== 200) throw new Error(outcome(reply));
  return String(reply.json()['cursor']);
}

export interface ActiveSync {
  syncId: string;
  lastUpdated: number;
  status: Record<string, unknown>;
}

export async function activeSyncs(emulator: Emulator): Promise<ActiveSync[]> {
  const reply = await call(emulator, 'GET', LIST);
  if (reply.status !== 200) throw new Error(outcome(reply));
  return reply.json()['syncs'] as ActiveSync[];
}

/** The rows of a table as a client holds them that applies a page's truncates first, then its values in order. */
export class Copy {
  readonly rows = new Map<string, Record<string, unknown>>();

  apply({ truncates, values }: Pick<SyncPage, 'truncates' | 'values'>): void {
    for (const { component, table } of truncates) {
      for (const key of this.rows.keys()) if (key.startsWith(`${component}:${table}:`)) this.rows.delete(key);
    }
    for (const { component, table, deleted, value } of values) {
      const key = `${component}:${table}:${value._id}`;
      if (deleted) this.rows.delete(key);
      else this.rows.set(key, value);
    }
  }

  /** A field of all rows, sorted. */
  column(name: string): unknown[] {
    return [...this.rows.values()].map((row) => row[name]).sort();
  }
}
