export { type Failure, type Kill, type Outcome, type Progress, type Side } from './attempt.ts';
export { streamKey } from './bookkeeping.ts';
export { configuredCatalog, type Mode, type Stream } from './catalog.ts';
export { Connection, type Job, type JobOptions } from './connection.ts';
