import { ServerError } from '../http/errors.ts';
import type { Random } from '../store/random.ts';

/** Where the backend's local storage keeps uploads; a token names it. */
const FOLDER = '/convex/data/storage/snapshot_imports';

/** The start of a chain of parts, or of an upload in one piece. */
interface Upload {
  objectKey: string;
  filepath: string;
}

/**
 * Uploaded files, as the backend's local storage keeps them: parts are appended in the order in which they arrive, and
 * part numbers are not looked at. A part that is sent twice is in the file twice. (crates/storage/src/lib.rs)
 */
export class Uploads {
  readonly #files = new Map<string, Buffer[]>();
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  /** Starts an upload in parts; the token holds a path of the server. */
  start(): string {
    return JSON.stringify(this.#create());
  }

  /** Appends a part. @throws 500 for a token that no upload has */
  append(token: string, part: Buffer): void {
    const parts = this.#files.get(read(token).objectKey);
    if (parts === undefined) throw new ServerError('no such upload');
    if (part.length > 0) parts.push(part);
  }

  /** The key of the uploaded file. The upload stays open: it can be finished again. @throws 500 for a bad token */
  objectKey(token: string): string {
    return read(token).objectKey;
  }

  /** Stores a file in one piece; returns its key. */
  store(content: Buffer): string {
    const { objectKey } = this.#create();
    this.#files.set(objectKey, content.length === 0 ? [] : [content]);
    return objectKey;
  }

  /** The pieces of a file; undefined where there is none. */
  file(objectKey: string): readonly Buffer[] | undefined {
    return this.#files.get(objectKey);
  }

  #create(): Upload {
    const hex = Buffer.from(this.#random.fill(new Uint8Array(16))).toString('hex');
    const objectKey = hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
    this.#files.set(objectKey, []);
    return { objectKey, filepath: `${FOLDER}/${objectKey}.blob` };
  }
}

function read(token: string): Upload {
  let value: unknown;
  try {
    value = JSON.parse(token);
  } catch {
    throw new ServerError('the upload token is no JSON');
  }
  const { objectKey, filepath } = (value ?? {}) as Partial<Upload>;
  if (typeof objectKey !== 'string' || typeof filepath !== 'string') throw new ServerError('not an upload token');
  return { objectKey, filepath };
}
