/** The state file of a source. Which shapes it may have: state-shapes.ts. */
import { JsonError } from '../json/raw.ts';
import { configError } from '../core/failure.ts';
import { readInputFile } from './input-files.ts';
import type { StreamDescriptor, StreamStates } from '../core/stream-descriptor.ts';
import { readStates, StateShapeError } from './state-shapes.ts';

/** `streams`: those of the catalog. */
export async function readStateFile(
  path: string | undefined,
  streams: readonly StreamDescriptor[],
): Promise<StreamStates> {
  return path === undefined ? new Map<string, string>() : parseStateFile(await readInputFile('state', path), streams);
}

/** Throws a config_error where the text is not a state file. A stream whose state is null or `{}` has none. */
export function parseStateFile(bytes: Buffer, streams: readonly StreamDescriptor[] = []): StreamStates {
  try {
    return readStates(bytes, streams);
  } catch (error) {
    const shape = error instanceof StateShapeError;
    if (!shape && !(error instanceof JsonError) && !(error instanceof SyntaxError)) throw error;
    throw configError(
      `The state file is not valid: ${shape ? error.message : 'it is not JSON'}. Use the file that the last sync saved, or start anew without one.`,
    );
  }
}
