/** The files on the command line: configuration, catalog, state. */
import { readFile } from 'node:fs/promises';
import { configError } from '../core/failure.ts';
import { parsedJson } from '../core/json.ts';

type InputFile = 'configuration' | 'catalog' | 'state';

/** The file's bytes, without a byte order mark. Throws a config_error if the file cannot be read. */
export async function readInputFile(what: InputFile, path: string): Promise<Buffer> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (error) {
    throw configError(
      `The ${what} file cannot be read: ${reasonOf(error)}. Check the path that was given with --${flagOf(what)}.`,
    );
  }
  return bytes.subarray(0, 3).equals(BOM) ? bytes.subarray(3) : bytes;
}

/** Parses JSON whose numbers all fit into doubles. Throws a config_error that does not quote it. */
export function parseInputFile(what: InputFile, bytes: Buffer): unknown {
  const value = parsedJson(bytes.toString('utf8'));
  if (value !== undefined) return value;
  throw configError(`The ${what} file is not valid JSON${bytes.length === 0 ? ': it is empty' : ''}.`);
}

const BOM = Buffer.from([0xef, 0xbb, 0xbf]);

function flagOf(what: InputFile): string {
  return what === 'configuration' ? 'config' : what;
}

function reasonOf(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'ENOENT') return 'it does not exist';
  if (code === 'EACCES') return 'permission denied';
  if (code === 'EISDIR') return 'it is a folder';
  return code ?? 'unknown error';
}
