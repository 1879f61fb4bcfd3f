import type { Arguments } from '../http/arguments.ts';
import { badRequest } from '../http/errors.ts';
import { Encryptor } from './encryptor.ts';
import { noSuchSync } from './errors.ts';
import { type ListPosition, type Progress, progressText } from './progress.ts';

const DEFAULT_LIMIT = 50n;
const MAXIMUM_LIMIT = 100n;

/** Answers `/api/v1/data/list_active_syncs` and `/api/v1/data/sync/{id}`: what `_data_sync_progress` says. */
export class ActiveSyncs {
  readonly #progress: Progress;
  readonly #encryptor: Encryptor;

  constructor(progress: Progress, instanceSecret: string) {
    this.#progress = progress;
    this.#encryptor = new Encryptor(instanceSecret, 'cursor');
  }

  prepareList(args: Arguments): () => string {
    const limit = args.optionalInt64('limit') ?? DEFAULT_LIMIT;
    if (limit < 0n) throw args.error('limit', 'invalid digit found in string');
    const token = args.optionalString('cursor');
    return () => this.#list(limit, token);
  }

  find(syncId: string): string {
    const row = this.#progress.find(syncId);
    if (row === undefined) throw noSuchSync(syncId);
    return progressText(row);
  }

  #list(limit: bigint, token: string | undefined): string {
    if (limit < 1n || limit > MAXIMUM_LIMIT) {
      throw badRequest('LimitOutOfRange', `The limit for listing active syncs must be between 1 and ${MAXIMUM_LIMIT}`);
    }
    const { rows, more } = this.#progress.list(token === undefined ? undefined : this.#open(token), Number(limit));
    const last = rows.at(-1);
    const next = more && last !== undefined ? `,"nextCursor":"${this.#seal(last)}"` : '';
    return `{"syncs":[${rows.map(progressText).join(',')}],"pagination":{"hasMore":${more}${next}}}`;
  }

  #seal({ lastUpdated, sequence }: ListPosition): string {
    return this.#encryptor.seal(Buffer.from(`${lastUpdated} ${sequence}`));
  }

  #open(token: string): ListPosition {
    const content = this.#encryptor.open(token);
    if (content === undefined) throw badRequest('InvalidCursor', 'Failed to parse cursor');
    const [lastUpdated = '', sequence = ''] = content.toString().split(' ');
    return { lastUpdated: BigInt(lastUpdated), sequence: Number(sequence) };
  }
}
