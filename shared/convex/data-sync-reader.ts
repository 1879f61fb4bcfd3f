/**
 * Reads one page of Data Sync as it streams in.
 *
 * Unlike a page of a snapshot or of the change log (see pages.ts), a page that is requested again is not the
 * same: it is made of the log as it is then. So documents cannot be skipped, and the page begins again.
 */
import type { ElementBatch } from '../json/element-batch.ts';
import { ElementScanner } from '../json/elements.ts';
import { JsonError } from '../json/raw.ts';
import { Changes } from './data-sync-changes.ts';
import { endOf, startOf, type DataSyncPage, type DataSyncStart } from './data-sync-page.ts';
import { ConvexApiError } from './errors.ts';
import { notConvex, type ConvexClient, type HttpRequest } from './client.ts';

/** Bytes of `truncates` and of a cursor. Both grow with the tables, of which 10,000 may exist (C98). */
const MAX_MEMBER_BYTES = 16 * 1024 * 1024;
/** More than 16,384 only where one transaction has written as many (C95). */
const MAX_PAGE_CHANGES = 500_000;
/** How often a page may break off without having come further than before. */
const MAX_STALLED = 10;

export class DataSyncReader {
  readonly #http: ConvexClient;
  readonly #request: HttpRequest;
  readonly #cursor: string | null;
  readonly #changes: Changes;
  #body: AsyncGenerator<Buffer, void> | undefined;
  #scanner: ElementScanner;
  #start: DataSyncStart | undefined;
  /** Changes that wait for the start to be returned. */
  #waiting: ElementBatch | undefined;
  /** All members beside the values, when the page is complete. */
  #members: ReadonlyMap<string, string> | undefined;
  #tries = 0;
  /** The most changes that a try has brought, and how many tries have brought no more since. */
  #furthest = 0;
  #stalled = 0;

  /** `cursor`: the one in the request. */
  constructor(http: ConvexClient, request: HttpRequest, cursor: string | null) {
    this.#http = http;
    this.#request = request;
    this.#cursor = cursor;
    this.#changes = new Changes(request.path);
    this.#scanner = this.#newScanner();
  }

  /** The next part of the page. After a failure, requests the page again, from another start. */
  async next(): Promise<DataSyncStart | Changes | { kind: 'page'; page: DataSyncPage }> {
    const { path } = this.#request;
    try {
      if (this.#body === undefined) this.#begin();
      if (this.#waiting !== undefined) {
        const batch = this.#waiting;
        this.#waiting = undefined;
        return this.#changes.open(batch);
      }
      while (this.#members === undefined) {
        const step = await this.#body!.next();
        if (step.done === true) {
          this.#members = this.#scanner.finish();
          break;
        }
        const batch = this.#scanner.push(step.value);
        if (this.#scanner.count > MAX_PAGE_CHANGES)
          throw notConvex(`the answer of ${path} has more than ${MAX_PAGE_CHANGES} changes`, 200);
        if (batch.length === 0) continue;
        if (this.#start !== undefined) return this.#changes.open(batch);
        this.#waiting = batch;
        return this.#started();
      }
      if (this.#start === undefined) return this.#started();
      const { status, truncates } = this.#start;
      const end = endOf(this.#members, this.#cursor, path);
      return { kind: 'page', page: { status, truncates, ...end, changes: this.#scanner.count } };
    } catch (error) {
      await this.close();
      throw this.#failure(error);
    }
  }

  /** Ends the request, if there is one. */
  async close(): Promise<void> {
    const body = this.#body;
    this.#body = undefined;
    await body?.return(undefined);
  }

  #begin(): void {
    this.#body = this.#http.body(this.#request);
    this.#scanner = this.#newScanner();
    this.#start = undefined;
    this.#waiting = undefined;
    this.#members = undefined;
  }

  #newScanner(): ElementScanner {
    return new ElementScanner('values', MAX_MEMBER_BYTES, this.#changes.find);
  }

  #started(): DataSyncStart {
    this.#start = startOf(this.#scanner.membersBefore!, this.#tries > 0, this.#request.path);
    this.#tries++;
    return this.#start;
  }

  /** Each part has its own retries, so a page that always breaks off at one place is noticed here. */
  #failure(error: unknown): unknown {
    const { path } = this.#request;
    const { count } = this.#scanner;
    const known = error instanceof JsonError ? notConvex(`${path}: ${error.message}`, 200, { retry: true }) : error;
    if (!(known instanceof ConvexApiError) || !known.retry || this.#start === undefined) return known;
    if (count > this.#furthest) {
      this.#furthest = count;
      this.#stalled = 0;
    }
    if (++this.#stalled < MAX_STALLED) return known;
    const { reason, message } = known;
    return new ConvexApiError(
      { reason, retry: false },
      `${message}, ${MAX_STALLED} times at or before one place of a page`,
    );
  }
}
