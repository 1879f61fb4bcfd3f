/** Saved states of tables and query streams: JSON objects of which only used members are decoded. */
import { configError, type ConnectorFailure } from '../shared/core/failure.ts';
import { parsedJson } from '../shared/core/json.ts';
import { descriptorText, type StreamDescriptor } from '../shared/core/stream-descriptor.ts';
import { digitsOf } from '../shared/json/integers.ts';
import { JsonError, rawMembers } from '../shared/json/raw.ts';
import type { ConfiguredStream } from './catalog.ts';

/** The text is not a state of this source. `message` continues "The saved state of stream … ". */
export class StateError extends Error {
  override readonly name = 'StateError';
}

/** The members of a state as raw JSON texts. Throws `StateError` if it is not an object. */
export function stateMembers(raw: string): Map<string, string> {
  try {
    return rawMembers(Buffer.from(raw));
  } catch (error) {
    if (error instanceof JsonError) throw new StateError('is not a JSON object');
    throw error;
  }
}

/** A string member; undefined if it is missing or null. Throws `StateError` for any other value. */
export function stringMember(members: Map<string, string>, name: string): string | undefined {
  const raw = members.get(name);
  if (raw === undefined || raw === 'null') return undefined;
  const value = parsedJson(raw);
  if (typeof value === 'string') return value;
  throw new StateError(`has a ${name} that is no string`);
}

/** The sync that a full refresh belongs to; undefined if the member is missing or not an integer. */
export function syncIdMember(members: Map<string, string>): number | undefined {
  const raw = members.get('sync_id');
  const value = Number(digitsOf(raw));
  return raw === undefined || !Number.isSafeInteger(value) ? undefined : value;
}

/**
 * The sync that this run belongs to; undefined where the catalog does not identify it. Airbyte gives every
 * attempt of a job the same `sync_id`. PyAirbyte gives 1 to every run, so 1 identifies none.
 */
export function syncIdOf({ sync_id: syncId }: ConfiguredStream): number | undefined {
  return syncId === 1 ? undefined : (syncId ?? undefined);
}

/**
 * Whether a state was saved by an attempt of this sync. What another sync has read of a full refresh does not
 * count, since the destination empties the table for each sync. False where either sync is not identified.
 */
export function isSameSync(saved: number | undefined, current: number | undefined): boolean {
  return current !== undefined && saved === current;
}

/**
 * Parses the saved state of a stream. Returns the config_error of the stream instead if the state cannot be
 * used. `deployment`: name of the deployment that is read, if known.
 */
export function readState<State extends { deployment: string | undefined }>(
  parse: (raw: string) => State,
  { raw, descriptor, deployment }: { raw: string; descriptor: StreamDescriptor; deployment: string | undefined },
): State | ConnectorFailure {
  const subject = `The saved state of stream "${descriptorText(descriptor)}"`;
  let state: State;
  try {
    state = parse(raw);
  } catch (error) {
    if (!(error instanceof StateError)) throw error;
    return configError(`${subject} ${error.message}. Refresh (or clear) the stream to read it anew.`, descriptor);
  }
  // Positions of another deployment would skip documents without an error.
  if (state.deployment === undefined || deployment === undefined || state.deployment === deployment) return state;
  return configError(
    `${subject} was saved from the deployment ${state.deployment}, but this connection reads ${deployment}. Refresh (or clear) the stream to read it anew from here, or correct the deployment URL and the deploy key.`,
    descriptor,
  );
}
