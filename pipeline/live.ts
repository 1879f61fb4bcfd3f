/** How a sync is shown on stderr while it runs: a line for each stream of a terminal, a line from time to time elsewhere. */
import { createLogUpdate } from 'log-update';
import type { Show } from './connector.ts';
import { liveLines, phaseOf } from './live-layout.ts';
import { showOnStderr, spoken } from './report.ts';
import type { StreamCounts } from './streams.ts';

/** Milliseconds between two pictures. */
const REFRESH = 200;
/** Milliseconds over which a rate is the mean, about. */
const RATE_WINDOW = 2_000;
/** Milliseconds between two lines where stderr is no terminal. */
const LINES = 5_000;

export interface Live {
  /** Prints lines, on a terminal above the live area. */
  readonly show: Show;
  /** Takes the area away. The cursor is back after it. */
  end(): void;
}

/** Shows the streams until `end` is called. `tell` writes a line on how far the sync is, for a stderr that is no terminal. */
export function startLive(streams: readonly StreamCounts[], tell: () => void): Live {
  if (process.stderr.isTTY) return liveArea(process.stderr, streams);
  const timer = setInterval(tell, LINES);
  return {
    show: showOnStderr,
    end: () => {
      clearInterval(timer);
    },
  };
}

/** A line for each stream, below everything that is printed as lines. */
function liveArea(terminal: NodeJS.WriteStream, streams: readonly StreamCounts[]): Live {
  const area = createLogUpdate(terminal);
  const rates = new Map<StreamCounts, { read: number; rate: number }>();
  let last = performance.now();
  const draw = (): void => {
    const now = performance.now();
    const elapsed = now - last;
    last = now;
    const rows = streams.map((stream) => {
      const { label, read, committed } = stream;
      const before = rates.get(stream) ?? { read: 0, rate: 0 };
      const share = Math.min(1, elapsed / RATE_WINDOW);
      const current = elapsed > 0 ? ((read - before.read) * 1000) / elapsed : before.rate;
      const rate = before.rate + (current - before.rate) * share;
      rates.set(stream, { read, rate });
      return { label, read, committed, rate, phase: phaseOf(stream) };
    });
    // The cursor stands below the area; some rows are left for what is printed above it.
    area(liveLines(rows, { columns: terminal.columns, rows: Math.max(1, terminal.rows - 4) }).join('\n'));
  };
  const timer = setInterval(draw, REFRESH);
  return {
    show: (who, text) => {
      area.persist(
        text
          .split('\n')
          .map((line) => spoken(who, line))
          .join('\n'),
      );
    },
    end: () => {
      clearInterval(timer);
      area.clear();
      area.done();
    },
  };
}
