import { InternalFailure, ServerKilled } from './errors.ts';

/**
 * Where the worker can be stopped: before it parses an upload, before it makes the hidden tables, after each batch,
 * before the swap, and between the swap and the row that tells of it.
 */
export type HoldPoint = 'parse' | 'start' | 'batch' | 'swap' | 'swapped';

/** Where the worker is. */
export interface ImportStep {
  importId: string;
  point: HoldPoint;
  /** The table of a batch, and how many of its rows have been written. */
  table: string | undefined;
  rowsWritten: number;
}

/** The worker stops, or will stop, at a point. One of `release`, `fail` and `kill` lets it go on. */
export interface Hold {
  /** Resolves when the worker stands there. */
  readonly reached: Promise<ImportStep>;
  release(): void;
  /** The attempt fails for a reason of the server's own: the worker tries again after a while. */
  fail(): void;
  /** The server is killed and starts again: what is committed stays, and the worker goes on from there. */
  kill(): void;
}

interface Waiting {
  point: HoldPoint;
  skip: number;
  stand: (step: ImportStep) => Promise<void>;
}

/** Lets tests stop the worker of imports where they want to look at the deployment. */
export class Holds {
  readonly #waiting = new Set<Waiting>();
  readonly #standing = new Set<() => void>();
  #closed = false;

  /** Stops the worker when it comes to `point` for the next time, or after `skip` times. */
  add(point: HoldPoint, skip = 0): Hold {
    let arrive: (step: ImportStep) => void = () => undefined;
    let go: (error?: Error) => void = () => undefined;
    const reached = new Promise<ImportStep>((resolve) => {
      arrive = resolve;
    });
    const left = new Promise<void>((resolve, reject) => {
      go = (error) => {
        this.#waiting.delete(waiting);
        if (error === undefined) resolve();
        else reject(error);
      };
    });
    left.catch(() => undefined);
    const waiting: Waiting = {
      point,
      skip,
      stand: (step) => {
        arrive(step);
        return left;
      },
    };
    this.#waiting.add(waiting);
    this.#standing.add(go);
    return {
      reached,
      release: () => {
        go();
      },
      fail: () => {
        go(new InternalFailure('a test made the worker fail'));
      },
      kill: () => {
        go(new ServerKilled());
      },
    };
  }

  /** Called by the worker at each point. @throws what a test wants to happen there */
  async reach(step: ImportStep): Promise<void> {
    for (const waiting of [...this.#waiting]) {
      if (waiting.point !== step.point || this.#closed) continue;
      if (waiting.skip-- > 0) continue;
      this.#waiting.delete(waiting);
      await waiting.stand(step);
    }
  }

  /** Lets go of everything. */
  close(): void {
    this.#closed = true;
    for (const go of this.#standing) go();
  }
}
