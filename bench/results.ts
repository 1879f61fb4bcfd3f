/** What a run of the benchmark found, as `--json` writes it. Ratios and amounts are rounded to three digits. */
export interface Results {
  /** The day, as 2026-01-31. */
  date: string;
  /** Processors, memory and system; no name and no path of the machine. */
  machine: string;
  node: string;
  /** The version of the connectors. */
  connectors: string;
  /** The mean numbers of processes that wanted to run, in the 1, 5 and 15 minutes before. */
  load: number[];
  rounds: number;
  source?: ComparedResult[];
  destination?: ComparedResult[];
  start?: StartResult[];
  memory?: MemoryResult[];
  latency?: LatencyResult[];
  changes?: ChangesResult[];
  requests?: RequestsResult[];
}

/** A connector's speed with documents of one shape, beside (a) an unread copy and (b) parsing and stringifying. */
export interface ComparedResult {
  documents: string;
  megabytesPerSecond: number;
  recordsPerSecond: number;
  /** Our speed divided by that of (a): by the clock, and by processor time. */
  ofCopy: number;
  ofCopyCpu: number;
  /** Our speed divided by that of (b). */
  overParse: number;
  overParseCpu: number;
  peakMiB: number;
  parsePeakMiB: number;
}

/** Seconds that a verb takes that only asks. */
export interface StartResult {
  command: string;
  cpu: number;
  wall: number;
}

/** Peak memory and requests of reading and of writing so many documents. */
export interface MemoryResult {
  documents: number;
  readMiB: number;
  writeMiB: number;
  limitMiB: number;
  readRequests: number;
  writeRequests: number;
}

export interface LatencyResult {
  milliseconds: number;
  phase: string;
  requests: number;
  secondsPer100k: number;
  /** The part of the time in which the deployment had nothing to do. */
  idle: number;
}

/** Reading changes through Data Sync. */
export interface ChangesResult {
  documents: string;
  recordsPerSecond: number;
  /** Our speed divided by that of an unread copy of the same pages: by the clock, and by processor time. */
  ofCopy: number;
  ofCopyCpu: number;
  /** Our speed divided by that of the change log: near, and with 100 ms a request. */
  overChangeLog: number;
  overChangeLogFar: number;
  peakMiB: number;
}

export interface RequestsResult {
  streams: number;
  dataSync: number;
  documentDeltas: number;
  others: number;
}

/** A number with three digits. */
export function rounded(value: number): number {
  return Number(value.toPrecision(3));
}
