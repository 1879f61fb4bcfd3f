/** SIGKILL at moments that nobody can prepare for: after a while, or just when something happens that must not be torn apart. */
import type { Emulator } from '../../emulator/index.ts';
import type { Sync } from '../../pipeline/run.ts';
import type { SeededRandom } from './seeded-random.ts';

export type Victim = 'source' | 'destination' | 'both';

export type Moment =
  /** So many milliseconds after the start. */
  | { kind: 'time'; after: number }
  /** The source has written so many records: mostly in the middle of a page. */
  | { kind: 'records'; after: number }
  /**
   * Request number `nth` of those to `path`: as it arrives (its body may still be on the way), when its body is there (just before it is
   * carried out), or when its answer is out (just before anything can be made of it).
   */
  | { kind: 'request'; side: Side; path: RegExp; phase: Phase; nth: number }
  /** So many states have come back. */
  | { kind: 'states'; after: number };

export type Phase = 'arrives' | 'body' | 'answered';

export interface Plan {
  victim: Victim;
  moment: Moment;
}

const READS = /list_snapshot|document_deltas/;
const IMPORTS = /import_airbyte_records|api\/import|perform_import|api\/query$/;
const REPLACEMENTS = /perform_import|api\/query$|api\/import$/;
const PREPARATIONS = /clear_tables|primary_key_indexes/;
export const PHASES: readonly Phase[] = ['arrives', 'body', 'answered'];

/** `atOnce`: tables are replaced at once, which is where most can go wrong. */
export function drawPlan(random: SeededRandom, atOnce: boolean): Plan {
  if (atOnce && random.chance(0.3)) {
    const moment = {
      side: 'destination',
      path: REPLACEMENTS,
      phase: random.pick(PHASES),
      nth: random.between(2, 30),
    } as const;
    return { victim: 'destination', moment: { kind: 'request', ...moment } };
  }
  return { victim: random.pick(['source', 'destination', 'both']), moment: drawMoment(random) };
}

function drawMoment(random: SeededRandom): Moment {
  const phase = random.pick(PHASES);
  switch (random.below(8)) {
    case 0:
    case 1:
      return { kind: 'time', after: random.between(100, 1200) };
    case 2:
      return { kind: 'records', after: random.between(1, 150) };
    case 3:
    case 4:
      return { kind: 'request', side: 'source', path: READS, phase, nth: random.between(1, 25) };
    case 5:
      return { kind: 'states', after: random.between(1, 25) };
    case 6:
      return random.chance(0.8)
        ? { kind: 'request', side: 'destination', path: IMPORTS, phase, nth: random.between(1, 10) }
        : { kind: 'request', side: 'destination', path: PREPARATIONS, phase, nth: random.between(1, 3) };
    default:
      return { kind: 'request', side: 'destination', path: IMPORTS, phase, nth: random.between(1, 20) };
  }
}

export function describe({ victim, moment }: Plan): string {
  const when =
    moment.kind === 'request'
      ? `${moment.side}'s request ${moment.nth} to ${moment.path.source} ${moment.phase}`
      : `${moment.kind} ${moment.after}`;
  return `${victim} at ${when}`;
}

type Side = 'source' | 'destination';
type Listener = (side: Side, phase: Phase, path: string) => void;

/** Tells of every request to the deployments, at the moment at which their journals hear of it. */
export class Wiretap {
  listener: Listener | undefined;

  constructor(emulators: Partial<Record<Side, Emulator>>) {
    for (const [side, emulator] of Object.entries(emulators)) this.#tap(side as Side, emulator);
  }

  #tap(side: Side, { journal }: Emulator): void {
    const [begin, body, end] = [journal.begin.bind(journal), journal.body.bind(journal), journal.end.bind(journal)];
    journal.begin = (entry) => {
      this.listener?.(side, 'arrives', entry.path);
      return begin(entry);
    };
    journal.body = (entry, bytes) => {
      this.listener?.(side, 'body', entry.path);
      body(entry, bytes);
    };
    journal.end = (entry) => {
      this.listener?.(side, 'answered', entry.path);
      end(entry);
    };
  }
}

/** Waits for a plan's moment in a sync, and kills then. */
export function strikeAt({ victim, moment }: Plan, sync: Sync, wiretap: Wiretap): void {
  let stop = () => {};
  const strike = (): void => {
    stop();
    const doomed = victim === 'both' ? [sync.source, sync.destination] : [sync[victim]];
    for (const { child } of doomed) child.kill('SIGKILL');
  };
  if (moment.kind === 'time') {
    const timer = setTimeout(strike, moment.after);
    stop = () => clearTimeout(timer);
  } else if (moment.kind === 'request') {
    let seen = 0;
    wiretap.listener = (side, phase, path) => {
      if (side !== moment.side || phase !== moment.phase || !moment.path.test(path)) return;
      if (++seen === moment.nth) strike();
    };
    stop = () => (wiretap.listener = undefined);
  } else {
    const reached = () => (moment.kind === 'records' ? sync.progress.read : sync.progress.states) >= moment.after;
    const timer = setInterval(() => reached() && strike(), 1);
    stop = () => clearInterval(timer);
  }
  void sync.outcome.finally(() => {
    stop();
  });
}
