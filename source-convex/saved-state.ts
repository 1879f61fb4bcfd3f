/**
 * What the saved states of tables and of query streams have in common: a JSON object, read without decoding
 * more than is used.
 */
import { digitsOf } from '../shared/json/integers.ts';
import { JsonError, rawMembers } from '../shared/json/raw.ts';
import type { ConfiguredStream } from './catalog.ts';

/** The text is no state of this source. `message` continues "the saved state …". */
export class StateError extends Error {
  override readonly name = 'StateError';
}

/** The members of a state as raw JSON texts. Throws `StateError` where it is no object. */
export function stateMembers(raw: string): Map<string, string> {
  try {
    return rawMembers(Buffer.from(raw));
  } catch (error) {
    if (error instanceof JsonError) throw new StateError('is not a JSON object');
    throw error;
  }
}

/**
 * A member that is a string; undefined where it is missing or null. Throws `StateError` for anything else.
 */
export function stringMember(members: Map<string, string>, name: string): string | undefined {
  const raw = members.get(name);
  if (raw === undefined || raw === 'null') return undefined;
  try {
    const value = JSON.parse(raw) as unknown;
    if (typeof value === 'string') return value;
  } catch {
    // Not JSON: as wrong as a number.
  }
  throw new StateError(`has a ${name} that is no string`);
}

/**
 * The sync whose full refresh the state belongs to; undefined where the member is missing or no such number.
 */
export function syncIdMember(members: Map<string, string>): number | undefined {
  const raw = members.get('sync_id');
  const value = Number(digitsOf(raw));
  return raw === undefined || !Number.isSafeInteger(value) ? undefined : value;
}

/** The sync that this run is an attempt of; undefined where the catalog does not identify it. */
export function syncIdOf({ sync_id: syncId }: ConfiguredStream): number | undefined {
  return syncId === 1 ? undefined : (syncId ?? undefined);
}

/** Whether a state was saved by an earlier attempt of this sync. False where either is not identified. */
export function isSameSync(saved: number | undefined, current: number | undefined): boolean {
  return current !== undefined && saved === current;
}
